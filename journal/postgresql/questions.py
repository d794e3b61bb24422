"""What the commands of a batch ask of the database, one statement a kind of command, and how each is answered.

Nothing here waits while it holds rows that another of its kind may want in another order: claims and unrings pass over
what somebody else has locked, which is as good as having come too late; settlements and once-only keys are taken in the
order of their keys.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias, TypeVar
from uuid import UUID

from bus.states import TERMINAL, Change, State, change, sources, target
from journal import commands
from journal.commands import Accepted, Claimed, Command, Settled
from journal.fetching import Fetch
from journal.orders import Turn, passed
from journal.postgresql.fetch import fetch
from journal.postgresql.transaction import NOW, Transaction

C = TypeVar("C", bound=Command[Any])

Numbered: TypeAlias = Mapping[int, C]
"""Commands by their place in the batch."""

Answers: TypeAlias = Mapping[int, Any]
Reader: TypeAlias = Callable[[], Answers]


def _in(states: Iterable[State]) -> str:
    return "(" + ", ".join(f"'{state}'" for state in states) + ")"


# Built out of the table of transitions alone; nothing from outside enters their text.
CLAIM: Final = (
    "WITH free AS (SELECT d.id, asked.worker, asked.lease"
    " FROM unnest(%(deliveries)b::uuid[], %(workers)b::text[], %(leases)b::int8[]) AS asked (id, worker, lease)"
    f" JOIN deliveries d ON d.id = asked.id WHERE d.state IN {_in(sources(Change.CLAIM))} AND d.expires_at > {NOW}"
    " FOR UPDATE OF d SKIP LOCKED)"
    f" UPDATE deliveries d SET state = '{target(Change.CLAIM)}', attempt = d.attempt + 1, worker = free.worker,"
    f" rings = 0, wake_at = {NOW} + free.lease, changed_at = {NOW} FROM free WHERE d.id = free.id"
    " RETURNING d.id, d.message, d.system, d.attempt, d.repeatable, d.expires_at, d.sequence"
)
SETTLE: Final = (
    "WITH held AS (SELECT d.id, asked.state, asked.reason, asked.delay"
    " FROM unnest(%(deliveries)b::uuid[], %(attempts)b::int4[], %(states)b::text[], %(reasons)b::text[],"
    " %(delays)b::int8[]) AS asked (id, attempt, state, reason, delay)"
    " JOIN deliveries d ON d.id = asked.id AND d.attempt = asked.attempt"
    f" WHERE d.state = '{State.DELIVERING}' ORDER BY d.id FOR UPDATE OF d)"
    " UPDATE deliveries d SET state = held.state, reason = held.reason, wake_at = CASE WHEN held.delay IS NOT NULL"
    f" THEN least({NOW} + held.delay, d.expires_at) END, changed_at = {NOW} FROM held WHERE d.id = held.id"
    " RETURNING d.id, d.attempt, d.order_key, d.sequence"
)
UNRING: Final = (
    "WITH rung AS (SELECT d.id, asked.delay FROM unnest(%(deliveries)b::uuid[], %(delays)b::int8[])"
    " AS asked (id, delay) JOIN deliveries d ON d.id = asked.id"
    f" WHERE d.state IN {_in(sources(Change.UNRING))} FOR UPDATE OF d SKIP LOCKED)"
    f" UPDATE deliveries d SET state = '{target(Change.UNRING)}', wake_at = least({NOW} + rung.delay, d.expires_at),"
    " rings = greatest(d.rings - 1, 0) FROM rung WHERE d.id = rung.id"
)
# A key in use is written over with itself: so it is locked, and what it was used for is seen however lately that was.
USE_ONCE: Final = (
    "INSERT INTO once AS kept (scope, key, message, digest, expires_at)"
    f" SELECT scope, key, message, digest, {NOW} + life FROM unnest(%(scopes)b::text[], %(keys)b::bytea[],"
    " %(messages)b::uuid[], %(digests)b::text[], %(lives)b::int8[]) AS asked (scope, key, message, digest, life)"
    " ON CONFLICT (scope, key) DO UPDATE SET"
    + ", ".join(
        f" {column} = CASE WHEN kept.expires_at <= {NOW} THEN excluded.{column} ELSE kept.{column} END"
        for column in ("message", "digest", "expires_at")
    )
    + " RETURNING scope, key, message, digest"
)
TIMES: Final = "SELECT id, accepted_at, expires_at FROM messages WHERE id = ANY(%b::uuid[])"


def ask(transaction: Transaction, batch: Sequence[Command[Any]]) -> list[Reader]:
    """Send the questions of claims, settlements, unrings, fetches and once-only keys; each reader waits for the
    answers of its kind, by their places in the batch."""
    asked = (
        _use_once(transaction, _of(commands.Accept, batch), _of(commands.Use, batch)),
        _claim(transaction, _of(commands.Claim, batch)),
        _settle(transaction, _of(commands.Settle, batch)),
        _unring(transaction, _of(commands.Unring, batch)),
        # Last: whoever waits here for another that fetches for the same system holds nothing that it wants.
        fetch(transaction, _of(Fetch, batch)),
    )
    return [reader for reader in asked if reader]


def _of(kind: type[C], batch: Sequence[Command[Any]]) -> dict[int, C]:
    return {place: command for place, command in enumerate(batch) if isinstance(command, kind)}


def _claim(transaction: Transaction, asked: Numbered[commands.Claim]) -> Reader | None:
    if not asked:
        return None
    # Of two claims to one delivery the first counts.
    first = {claim.delivery: place for place, claim in reversed(list(asked.items()))}
    values = {
        "at": transaction.at,
        "deliveries": list(first),
        "workers": [asked[place].worker for place in first.values()],
        "leases": [asked[place].lease for place in first.values()],
    }
    cursor = transaction.run(CLAIM, values)

    def read() -> Answers:
        answers = {
            first[delivery]: Claimed(
                delivery, message, system, attempt, repeatable, transaction.now, expires_at, sequence
            )
            for delivery, message, system, attempt, repeatable, expires_at, sequence in cursor
        }
        for place, claimed in answers.items():
            transaction.claimed = (claimed.delivery, claimed.attempt, asked[place].worker)
            break
        return answers

    return read


def _settle(transaction: Transaction, asked: Numbered[commands.Settle]) -> Reader | None:
    if not asked:
        return None
    first = {(settle.delivery, settle.attempt): place for place, settle in reversed(list(asked.items()))}
    settles = [asked[place] for place in first.values()]
    states = [change(State.DELIVERING, settle.change) for settle in settles]
    values = {
        "at": transaction.at,
        "deliveries": [settle.delivery for settle in settles],
        "attempts": [settle.attempt for settle in settles],
        "states": states,
        "reasons": [settle.reason for settle in settles],
        "delays": [
            settle.delay if state is State.PENDING else None for settle, state in zip(settles, states, strict=True)
        ],
    }
    cursor = transaction.run(SETTLE, values)

    def read() -> Answers:
        answers: dict[int, Settled] = {}
        for delivery, attempt, key, sequence in cursor:
            place = first[delivery, attempt]
            answers[place] = Settled(applied=True)
            settle, state = asked[place], change(State.DELIVERING, asked[place].change)
            if key is not None and state in TERMINAL:
                came_to = passed(sequence, state, settle.reason)
                next_one = State.PENDING if settle.fetched else State.QUEUED
                transaction.turns.append(Turn(settle.system, bytes(key), delivery, next_one, came_to))
        return answers

    return read


def _unring(transaction: Transaction, asked: Numbered[commands.Unring]) -> Reader | None:
    if not asked:
        return None
    delays = {unring.delivery: unring.delay for unring in asked.values()}
    transaction.run(UNRING, {"at": transaction.at, "deliveries": list(delays), "delays": list(delays.values())})
    return None


def _use_once(
    transaction: Transaction, accepts: Numbered[commands.Accept], uses: Numbered[commands.Use]
) -> Reader | None:
    """An answer only for those whose key had been used before, be it by an earlier one of the same batch; of nonces,
    which few have, it is waited for: a message that is a replay takes no other key."""
    nonces = {place: (each, accept.envelope.message) for place, accept in accepts.items() if (each := accept.nonce)}
    nonces |= {place: (use.once, use.by) for place, use in uses.items()}
    used = _take_keys(transaction, nonces)() if nonces else {}
    replayed = {place: Accepted(message, 0, 0, replayed=True) for place, (message, _) in used.items()}
    keys = {
        place: (each, accept.envelope.message)
        for place, accept in accepts.items()
        if (each := accept.once) and place not in replayed
    }
    if not keys:
        return (lambda: replayed) if replayed else None
    taken = _take_keys(transaction, keys)

    def read() -> Answers:
        used = taken()
        lives = {accept.envelope.message: accept.life for accept in accepts.values()}
        times = _times(transaction, {message for message, _ in used.values()}, lives)
        return replayed | {
            place: Accepted(message, *times[message], digest) for place, (message, digest) in used.items()
        }

    return read


def _take_keys(
    transaction: Transaction, keys: Mapping[int, tuple[commands.Once, UUID]]
) -> Callable[[], dict[int, tuple[UUID, str]]]:
    """Take each key for the message at its place. Of those that had been taken before, the answer tells by which
    message, and its digest."""
    keyed = {place: (once.scope, once.key, by, once.digest, once.life) for place, (once, by) in keys.items()}
    first = {(scope, key): place for place, (scope, key, *_) in reversed(list(keyed.items()))}
    rows = [keyed[first[key]] for key in sorted(first)]
    names = ("scopes", "keys", "messages", "digests", "lives")
    values: dict[str, Any] = {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
    cursor = transaction.run(USE_ONCE, {"at": transaction.at, **values})

    def read() -> dict[int, tuple[UUID, str]]:
        kept = {(scope, key): (message, digest) for scope, key, message, digest in cursor}
        return {place: kept[scope, key] for place, (scope, key, own, *_) in keyed.items() if kept[scope, key][0] != own}

    return read


def _times(transaction: Transaction, messages: set[UUID], lives: Mapping[UUID, int]) -> dict[UUID, tuple[int, int]]:
    """When they were accepted and when they expire; those of this same batch have yet to be written."""
    if not messages:
        return {}
    now = transaction.now
    times = {message: (now, now + lives.get(message, 0)) for message in messages}
    found = transaction.run(TIMES, [list(messages)])
    return times | {message: (accepted_at, expires_at) for message, accepted_at, expires_at in found}
