"""Messages of a former contract on their way to the receivers of the one that follows it.

A contract says by `migrates` how a message of the former one becomes one of its own, and how its answers become the
former's. Its routes are then routes of the former one as well, for every system that has none of its own there.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from functools import partial

from lxml import etree

from bus.envelope import Body, Format
from bus.errors import BusError
from contracts.json_body import parse_json
from contracts.xml_body import parse_xml
from documents import kinds
from documents.bench import Bench
from documents.fitting import check_fit
from documents.kinds.contract import Migration as Said
from documents.kinds.contract import Payload
from documents.model import Key, Written
from documents.problems import meant
from documents.shapes import invalid
from documents.transforming import Mapped, end, names, runs_apart, through
from routes.model import Convert, Route


@dataclass(frozen=True, slots=True)
class Migration:
    """One step, from the contract `source` to `target`, both ``name@major``. `request` makes what the target wants of
    what the source is sent; `reply` and `faults`, of which the source `knows` some, go the other way. None passes bytes
    on as they are. `written` is the target's document."""

    source: str
    target: str
    written: Written = field(repr=False)
    request: Convert | None = field(default=None, repr=False)
    reply: Convert | None = field(default=None, repr=False)
    faults: Mapping[str, Convert] = field(default_factory=dict, repr=False)
    knows: frozenset[str] = frozenset()
    apart: Executor | None = field(default=None, repr=False)


def migrations(
    bench: Bench, contracts: Mapping[str, kinds.Contract], transforms: Mapping[str, Mapped | None]
) -> tuple[Migration, ...]:
    """Every step that the newest versions, by ``name@major``, say; one that is wrong is left out, and the bench knows
    why."""
    found: list[Migration] = []
    for contract in contracts.values():
        if contract.migrates is not None:
            written = bench.documents.by_key[Key("Contract", *contract.key)]
            before = len(bench.problems)
            step = _Step(bench, written, contract, contract.migrates, contracts, transforms).compiled()
            if step is not None and len(bench.problems) == before:
                found.append(step)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Step:
    """One step on its way to be compiled."""

    bench: Bench
    written: Written
    contract: kinds.Contract
    said: Said
    contracts: Mapping[str, kinds.Contract]
    transforms: Mapping[str, Mapped | None]

    def compiled(self) -> Migration | None:
        former = self.contracts.get(self.said.from_)
        self.bench.lacks(self.written, "Contract", self.said.from_, self.contracts, "migrates", "from")
        if former is None or not self._has_transforms() or not self._may_follow(former):
            return None
        self._check_attachments(former)
        request = self.bench.attempt(
            self.written,
            ("migrates", "request"),
            lambda: self._conversion(self.said.request, former.request, self.contract.request),
        )
        reply = self.bench.attempt(self.written, ("migrates", "reply"), lambda: self._reply(former))
        mapped = [self.transforms[name] for _, name in self.said.named()]
        return Migration(
            former.reference,
            self.contract.reference,
            self.written,
            request,
            reply,
            dict(self._faults(former)),
            frozenset(former.faults),
            self.bench.pool.threads if any(map(runs_apart, mapped)) else None,
        )

    def _has_transforms(self) -> bool:
        """Whether every transform that is named is there and right."""
        for steps, name in self.said.named():
            self.bench.lacks(self.written, "Transform", name, self.transforms, "migrates", *steps)
        return all(self.transforms.get(name) for _, name in self.said.named())

    def _may_follow(self, former: kinds.Contract) -> bool:
        """Whether the two are exchanges of the same kind, and steps lead on and not back."""
        seen = [self.contract.reference]
        here: kinds.Contract | None = former
        while here is not None and here.reference not in seen:
            seen.append(here.reference)
            here = self.contracts.get(here.migrates.from_) if here.migrates else None
        if here is not None:
            self._say(f"migration leads in a circle: {' → '.join([*seen, here.reference])}.")
        elif former.exchange != self.contract.exchange:
            self._say(f"{former.reference} is a {former.exchange}, and this is a {self.contract.exchange}.")
        else:
            return True
        return False

    def _check_attachments(self, former: kinds.Contract) -> None:
        """What may go along with a message of the former contract goes to a receiver of this one, and back."""
        ways = [("request", former.request, self.contract.request), ("reply", self.contract.reply, former.reply)]
        for step, source, target in ways:
            given = source.attachments if source else None
            taken = target.attachments if target else None
            if given and not (taken and taken.allow(given)):
                message = f"attachments that may come along with the {step} have no place after the migration."
                self.bench.say(self.written, message, "migrates", step)

    def _say(self, message: str) -> None:
        self.bench.say(self.written, message, "migrates", "from")

    def _conversion(self, transform: str | None, source: Payload, target: Payload) -> Convert | None:
        mapped = self.transforms[transform] if transform is not None else None
        if transform is not None and not runs_apart(mapped):
            check_fit(self.bench, transform, names(self.bench, source), names(self.bench, target))
        return through(mapped, end(self.bench, source), end(self.bench, target))

    def _reply(self, former: kinds.Contract) -> Convert | None:
        ours, theirs = self.contract.reply, former.reply
        if theirs is None:
            if self.said.reply is not None:
                raise invalid(f"{former.reference} has no `reply` to make: take it away.")
            return None
        if ours is None:
            raise invalid(f"{former.reference} promises a reply, and this contract has none.")
        return self._conversion(self.said.reply, ours, theirs)

    def _faults(self, former: kinds.Contract) -> Iterator[tuple[str, Convert]]:
        for name in sorted(set(self.contract.faults) - set(former.faults)):
            self.bench.warn(
                self.written, f"senders of {former.reference} do not know the fault {name}.", "migrates", "faults"
            )
        for name in self.said.faults:
            if name not in former.faults or name not in self.contract.faults:
                both = set(former.faults) & set(self.contract.faults)
                message = f"the two contracts have no fault {name} in common: {meant(name, both)}"
                self.bench.say(self.written, message, "migrates", "faults", name)
        for name, theirs in former.faults.items():
            ours = self.contract.faults.get(name)
            if ours is None:
                continue
            if (ours.element, ours.status) != (theirs.element, theirs.status):
                message = f"{former.reference} says the fault {name} by another status or element: make them the same."
                self.bench.say(self.written, message, "faults", name)
            source, target = self.contract.fault_payload(ours), former.fault_payload(theirs)
            if source is not None and target is not None:
                transform = self.said.faults.get(name)
                convert = partial(self._conversion, transform, source, target)
                made = self.bench.attempt(self.written, ("migrates", "faults", name), convert)
                if made is not None:
                    yield str(name), made


def with_former(
    bench: Bench, routes: Mapping[str, tuple[Route, ...]], steps: Sequence[Migration]
) -> dict[str, tuple[Route, ...]]:
    """The routes by ``name@major``, and after each former contract's own those that its messages have by migration."""
    steps = [step for step in steps if _is_near(bench, step, routes.get(step.target, ()))]

    def of(reference: str) -> tuple[Route, ...]:
        found = list(routes.get(reference, ()))
        for step in steps:
            if step.source == reference:
                taken = {each.system for each in found}
                found += [_former(step, each) for each in of(step.target) if each.system not in taken]
        return tuple(found)

    references = dict.fromkeys([*routes, *(step.source for step in steps)])
    return {reference: found for reference in references if (found := of(reference))}


def _is_near(bench: Bench, step: Migration, routes: Sequence[Route]) -> bool:
    """Conditions and orders are the target's, so that a message is migrated when it is accepted as well: there nothing
    waits for another process."""
    if step.apart and any(each.condition or each.order_by for each in routes):
        message = "a route of this contract says `when` or `orderBy`: only mappings can migrate to it."
        bench.say(step.written, message, "migrates", "request")
        return False
    return True


def _former(step: Migration, route: Route) -> Route:
    """A route of the target as one of the source."""
    name, _, major = step.source.partition("@")
    faults = {fault: _then(route.faults.get(fault), step.faults.get(fault)) for fault in step.knows}
    migrated = _migrated(step.request) if step.request else None
    condition, order_by = route.condition, route.order_by
    return replace(
        route,
        contract=name,
        major=int(major),
        granted=route.granted or route.reference,
        condition=_holds(condition, migrated) if condition and migrated else condition,
        request=_then(step.request, route.request),
        reply=_then(route.reply, step.reply),
        faults={fault: convert for fault, convert in faults.items() if convert},
        order_by=_ordered(order_by, migrated) if order_by and migrated else order_by,
        apart=route.apart or step.apart,
    )


def _then(first: Convert | None, second: Convert | None) -> Convert | None:
    if first is None or second is None:
        return first or second
    return lambda body: second(first(body))


def _migrated(request: Convert) -> Callable[[object], object]:
    """What a parsed message of the source is as one of the target, parsed."""

    def migrated(parsed: object) -> object:
        if isinstance(parsed, etree._Element):  # noqa: SLF001 - lxml's name for its elements
            body = Body(Format.XML, etree.tostring(parsed, encoding="utf-8"))
        else:
            body = Body(Format.JSON, json.dumps(parsed).encode())
        made = request(body)
        return parse_xml(made.data) if made.format is Format.XML else parse_json(made.data)

    return migrated


def _holds(condition: Callable[[object], bool], migrated: Callable[[object], object]) -> Callable[[object], bool]:
    """What cannot be migrated goes this way, at whose end that is told."""

    def holds(parsed: object) -> bool:
        try:
            return condition(migrated(parsed))
        except BusError:
            return True

    return holds


def _ordered(
    order_by: Callable[[object], str | None], migrated: Callable[[object], object]
) -> Callable[[object], str | None]:
    def ordered(parsed: object) -> str | None:
        try:
            return order_by(migrated(parsed))
        except BusError:
            return None

    return ordered
