"""How systems stand, and what an operator does about it."""

from dataclasses import asdict
from typing import Any

from documents.kinds import System
from journal.conditions import Pause, Resume
from management.credentials import require_system
from management.plane import Answer, Call
from running.systems import Standing, standings


def show(call: Call, *, system: str) -> Answer:
    require_system(call, system)
    return Answer(_told(call, system))


def pause(call: Call, *, system: str) -> Answer:
    """Nothing is delivered until somebody resumes it; what comes for it waits."""
    require_system(call, system)
    call.plane.write(Pause(system, call.actor))
    return Answer(_told(call, system))


def resume(call: Call, *, system: str) -> Answer:
    require_system(call, system)
    call.plane.write(Resume(system, call.actor))
    return Answer(_told(call, system))


def confirm(call: Call, *, system: str) -> Answer:
    """Let it have its secrets at its new address."""
    call.registry.confirm(call.actor, system)
    return Answer()


def _told(call: Call, system: str) -> dict[str, Any]:
    documents, _ = call.plane.documents()
    limits = {name: each.limits.concurrency for name, each in documents.named(System).items() if name == system}
    present = call.plane.queries.present()
    stands = next(each for each in standings(limits, present, call.plane.now()) if each.system == system)
    return _camel(stands)


def _camel(stands: Standing) -> dict[str, Any]:
    names = {"next_try": "nextTry", "failed_tries": "failedTries", "in_broker": "inBroker"}
    return {names.get(name, name): value for name, value in asdict(stands).items() if name != "shares"}
