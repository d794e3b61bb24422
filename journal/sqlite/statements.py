"""The hot statements in SQLite's dialect: one function a command."""

from typing import Final
from uuid import UUID

from bus.errors import RegistryChanged
from bus.states import TERMINAL, Change, State, change, sources, target
from journal import commands, conditions, taking
from journal.commands import Accepted, Claimed, Reference, Settled
from journal.orders import Turn, passed
from journal.rows import DOCUMENTS_AT
from journal.sqlite import orders
from journal.sqlite.transaction import Transaction


def _in(states: tuple[State, ...]) -> str:
    return "(" + ", ".join(f"'{state}'" for state in states) + ")"


# Every statement below is built out of the table of transitions alone; nothing from outside enters its text.
CLAIM: Final = (
    f"UPDATE deliveries SET state = '{target(Change.CLAIM)}', attempt = attempt + 1, worker = ?, rings = 0,"
    f" wake_at = ?, changed_at = ? WHERE id = ? AND state IN {_in(sources(Change.CLAIM))} AND expires_at > ?"
    " RETURNING message, system, attempt, repeatable, expires_at, sequence"
)
SETTLE: Final = (
    "UPDATE deliveries SET state = ?, reason = ?, wake_at = CASE WHEN ? IS NULL THEN NULL ELSE min(?, expires_at) END,"
    f" changed_at = ? WHERE id = ? AND state = '{State.DELIVERING}' AND attempt = ?"
    " RETURNING order_key, sequence"
)
UNRING: Final = (
    f"UPDATE deliveries SET state = '{target(Change.UNRING)}', wake_at = min(?, expires_at), rings = max(rings - 1, 0)"
    f" WHERE id = ? AND state IN {_in(sources(Change.UNRING))}"
)


def accept(transaction: Transaction, command: commands.Accept) -> Accepted:
    if command.nonce:
        first = _use_once(transaction, command.nonce, command.envelope.message)
        if first and first.message != command.envelope.message:
            return Accepted(first.message, 0, 0, replayed=True)
    if command.once and (used := _use_once(transaction, command.once, command.envelope.message)):
        return used
    return transaction.rows.accept(command, orders.enter(transaction, command))


def use(transaction: Transaction, command: commands.Use) -> bool:
    before = _use_once(transaction, command.once, command.by)
    return before is None or before.message == command.by


def _use_once(transaction: Transaction, once: commands.Once, message: UUID) -> Accepted | None:
    """None where the key is new; else what it was used for."""
    run, now = transaction.connection.execute, transaction.now
    fresh = run(
        "INSERT INTO once (scope, key, message, digest, expires_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (scope, key) DO UPDATE SET message = excluded.message, digest = excluded.digest,"
        " expires_at = excluded.expires_at WHERE expires_at <= ?",
        (once.scope, once.key, message.hex, once.digest, now + once.life, now),
    )
    if fresh.rowcount:
        return None
    before, digest = run(
        "SELECT message, digest FROM once WHERE scope = ? AND key = ?", (once.scope, once.key)
    ).fetchone()
    times = run("SELECT accepted_at, expires_at FROM messages WHERE id = ?", (before,)).fetchone()
    # The message is absent where it comes earlier in this same transaction and its row is still gathered.
    accepted_at, expires_at = times or (now, now)
    return Accepted(UUID(before), accepted_at, expires_at, digest)


def claim(transaction: Transaction, command: commands.Claim) -> Claimed | None:
    now = transaction.now
    row = transaction.connection.execute(
        CLAIM, (command.worker, now + command.lease, now, command.delivery.hex, now)
    ).fetchone()
    if row is None:
        return None
    message, system, attempt, repeatable, expires_at, sequence = row
    return Claimed(command.delivery, UUID(message), system, attempt, bool(repeatable), now, expires_at, sequence)


def settle(transaction: Transaction, command: commands.Settle) -> Settled:
    now, state = transaction.now, change(State.DELIVERING, command.change)
    due = now + command.delay if state is State.PENDING else None
    values = (state, command.reason, due, due, now, command.delivery.hex, command.attempt)
    updated = transaction.run(SETTLE, values)
    transaction.rows.settle(command, state if updated else None)
    if updated and state in TERMINAL and (key := updated[0][0]) is not None:
        came_to = passed(updated[0][1], state, command.reason)
        next_one = State.PENDING if command.fetched else State.QUEUED
        turn = Turn(command.system, key, command.delivery, next_one, came_to)
        return Settled(applied=True, rung=orders.go_on(transaction, turn))
    return Settled(applied=bool(updated))


def unring(transaction: Transaction, command: commands.Unring) -> None:
    transaction.connection.execute(UNRING, (transaction.now + command.delay, command.delivery.hex))


def replay(transaction: Transaction, command: commands.Replay) -> State | None:
    run, now = transaction.run, transaction.now
    rows = run(
        "SELECT d.state, d.message, m.expires_at - m.accepted_at, d.system, d.order_key, d.sequence FROM deliveries d"
        " JOIN messages m ON m.id = d.message WHERE d.id = ?",
        (command.delivery.hex,),
    )
    if not rows:
        return None
    state, message, life, *place = rows[0]
    before = State(state)
    after = change(before, Change.REPLAY)
    if place[1] is not None:
        orders.enlist(transaction, command, place, before, life)
    else:
        run(
            "UPDATE deliveries SET state = ?, reason = '', rings = 0, wake_at = ?, expires_at = ?, changed_at = ?"
            " WHERE id = ?",
            (after, now, now + life, now, command.delivery.hex),
        )
    transaction.rows.replay(command.delivery, UUID(message), place[0], before, command.actor)
    return before


def take_reply(transaction: Transaction, command: commands.TakeReply) -> bool:
    return taking.take_reply(transaction.run, transaction.rows, command)


def record(transaction: Transaction, command: commands.Record) -> Reference:
    return transaction.rows.record(command.event)


def put_documents(transaction: Transaction, command: commands.PutDocuments) -> int:
    if command.expected is not None:
        (found,) = transaction.connection.execute(f"SELECT {DOCUMENTS_AT}").fetchone()
        if found != command.expected:
            raise RegistryChanged(revision=found)
    number = _next_revision(transaction)
    transaction.connection.executemany(
        "INSERT INTO documents (kind, name, version, revision, content, at) VALUES (?, ?, ?, ?, ?, ?)",
        [(each.kind, each.name, each.version, number, each.content, transaction.now) for each in command.documents],
    )
    conditions.mended(transaction.run, transaction.now)
    for event in (command.event, *command.besides):
        transaction.rows.record(event)
    return number


def put_row(transaction: Transaction, command: commands.PutRow) -> int:
    if command.table not in command.TABLES:
        raise ValueError(command.table)
    if command.expected is not None:
        (found,) = transaction.connection.execute("SELECT number FROM revision WHERE id = 1").fetchone()
        if found != command.expected:
            raise RegistryChanged(revision=found)
    columns = ", ".join(command.row)
    places = ", ".join("?" for _ in command.row)
    transaction.connection.execute(
        f"INSERT OR REPLACE INTO {command.table} ({columns}) VALUES ({places})",
        tuple(command.row.values()),
    )
    transaction.rows.record(command.event)
    return _next_revision(transaction)


def _next_revision(transaction: Transaction) -> int:
    row = transaction.connection.execute("UPDATE revision SET number = number + 1 WHERE id = 1 RETURNING number")
    return int(row.fetchone()[0])
