"""What people and callers ask the journal. Each question is one short read; none is on the hot path."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    LargeBinary,
    Row,
    String,
    Text,
    and_,
    cast,
    column,
    func,
    select,
    text,
    values,
)
from sqlalchemy.exc import SQLAlchemyError

from bus.clock import Clock, SystemClock
from bus.envelope import Attachment, Body, Format
from bus.errors import JournalUnavailable
from bus.states import State
from journal import attachments as attached
from journal.attachments import AttachmentView
from journal.commands import Document, Reply
from journal.conditions import Condition, Process
from journal.counting import Count
from journal.dead import ALL_DEAD, DeadCount, DeadFilter, counted, counts, page
from journal.rows import DOCUMENTS_AT
from journal.searching import (
    ALL_EVENTS,
    ALL_MESSAGES,
    EventFilter,
    MessageFilter,
    Page,
    find_dead,
    find_events,
    find_messages,
)
from journal.tables import (
    attempts,
    audit_events,
    bodies,
    conditions,
    credentials,
    deliveries,
    documents,
    keys,
    messages,
    people,
    processes,
    replies,
    revision,
)
from journal.views import (
    Answered,
    AuditRow,
    DeadLetter,
    DeliveryView,
    HeldView,
    MessageView,
    Waiting,
    audit_row,
    dead_letter,
    deliveries_of,
    delivery_view,
    message_view,
)


@dataclass(frozen=True, slots=True)
class Present:
    """How things stand: each system's condition, and the processes that live or have lately. `revision` is no older
    than the rest."""

    conditions: tuple[Condition, ...] = ()
    processes: tuple[Process, ...] = ()
    revision: int = 0


class Queries:
    """Questions to one database; safe in any thread. By `clock` a body whose time is over is not there, though it may
    lie on the disk for some days more."""

    def __init__(self, engine: Engine, clock: Clock | None = None) -> None:
        self._engine = engine
        self._clock = clock or SystemClock()

    def message(self, message: UUID) -> MessageView | None:
        with self._asking() as connection:
            row = connection.execute(select(messages).where(messages.c.id == message)).first()
            return message_view(row, deliveries_of(connection, [message])[message]) if row else None

    def messages(
        self, wanted: MessageFilter = ALL_MESSAGES, *, size: int = 100, cursor: str | None = None
    ) -> Page[MessageView]:
        """A page of messages, the newest first: see `journal.searching`."""
        with self._asking() as connection:
            return find_messages(connection, wanted, size, cursor)

    def events(self, wanted: EventFilter = ALL_EVENTS, *, size: int = 100, cursor: str | None = None) -> Page[AuditRow]:
        """A page of audit events, the newest first."""
        with self._asking() as connection:
            return find_events(connection, wanted, size, cursor)

    def dead(self, wanted: DeadFilter = ALL_DEAD, *, size: int = 100, cursor: str | None = None) -> Page[DeadLetter]:
        """A page of dead letters, the newest first."""
        with self._asking() as connection:
            return find_dead(connection, wanted, size, cursor)

    def body(self, message: UUID) -> Body | None:
        """The request's own bytes; None where they have gone."""
        return self._body(message, "request")

    def reply(self, message: UUID, delivery: UUID | None = None) -> tuple[DeliveryView, Reply] | None:
        """What the receiver of a request answered, or that of one delivery; None: nothing is stored."""
        question = select(replies.c.delivery, replies.c.kind, replies.c.fault).where(replies.c.message == message)
        if delivery is not None:
            question = question.where(replies.c.delivery == delivery)
        with self._asking() as connection:
            row = connection.execute(question.order_by(replies.c.at.desc())).first()
            if row is None:
                return None
            view = next(each for each in deliveries_of(connection, [message])[message] if each.id == row.delivery)
        part = f"reply:{row.delivery.hex}"
        body = self._body(message, part)
        return (view, Reply(row.kind, body, row.fault, self.attachments(message, part))) if body else None

    def attachments(self, message: UUID, part: str = "request") -> tuple[Attachment, ...]:
        """What came along with a request or a reply, in its order."""
        question = select(bodies.c.part, bodies.c.salt, bodies.c.data).where(*self._beside(message, part))
        with self._asking() as connection:
            rows = connection.execute(question).all()
        ordered = sorted(rows, key=lambda row: int(row.part.rpartition(".")[2]))
        return tuple(attached.read(row.data, row.salt) for row in ordered)

    def attachment(self, message: UUID, part: str, number: int) -> Attachment | None:
        question = select(bodies.c.salt, bodies.c.data).where(
            bodies.c.message == message,
            bodies.c.part == attached.part(part, number),
            bodies.c.expires_at > self._clock.now(),
        )
        with self._asking() as connection:
            row = connection.execute(question).first()
        return attached.read(row.data, row.salt) if row else None

    def attached(self, message: UUID) -> list[AttachmentView]:
        """Every attachment of a message and of its replies, without its bytes."""
        head = func.substr(bodies.c.data, 1, attached.LONGEST_HEAD, type_=LargeBinary)
        question = select(bodies.c.part, head, func.length(bodies.c.data)).where(*self._beside(message, ""))
        with self._asking() as connection:
            rows = connection.execute(question).all()
        return sorted((attached.view(*row) for row in rows), key=lambda each: (each.part, each.number))

    def _beside(self, message: UUID, part: str) -> tuple[ColumnElement[bool], ...]:
        place = bodies.c.part.like(f"{part}.%" if part else "%.%")
        return bodies.c.message == message, place, bodies.c.expires_at > self._clock.now()

    def answered(self, message: UUID, system: str) -> Answered | None:
        """How this system answered a message, by its last attempt that brought an answer; None: it did not."""
        question = (
            select(attempts.c.result, attempts.c.http_status)
            .join(deliveries, deliveries.c.id == attempts.c.delivery)
            .where(deliveries.c.message == message, deliveries.c.system == system)
            .where(attempts.c.http_status.is_not(None))
            .order_by(attempts.c.number.desc())
        )
        with self._asking() as connection:
            row = connection.execute(question).first()
        return Answered(row.result, row.http_status) if row else None

    def delivery(self, delivery: UUID) -> DeliveryView | None:
        with self._asking() as connection:
            row = connection.execute(select(deliveries).where(deliveries.c.id == delivery)).first()
        return delivery_view(row) if row else None

    def held(self, delivery: UUID) -> HeldView | None:
        question = select(deliveries).where(deliveries.c.id == delivery)
        with self._asking() as connection:
            row = connection.execute(question).first()
            of = row and connection.execute(select(messages).where(messages.c.id == row.message)).first()
        if row is None or of is None:
            return None
        return HeldView(delivery_view(row), message_view(of, ()).envelope, row.repeatable, row.order_key is not None)

    def open_of(self, system: str, limit: int = 100) -> list[Waiting]:
        """What waits for a system or is in its hands, the oldest first."""
        question = (
            select(deliveries, messages.c.contract, messages.c.version, messages.c.sender)
            .join(messages, messages.c.id == deliveries.c.message)
            .where(deliveries.c.system == system, deliveries.c.wake_at.is_not(None))
            .order_by(deliveries.c.id)
            .limit(limit)
        )
        with self._asking() as connection:
            rows = connection.execute(question).all()
        return [Waiting(delivery_view(row), row.contract, row.version, row.sender) for row in rows]

    def bodies(self, of: Sequence[UUID]) -> dict[UUID, Body]:
        """The requests' own bytes, of those that are still there."""
        question = select(bodies.c.message, bodies.c.format, bodies.c.data).where(
            bodies.c.message.in_(of), bodies.c.part == "request", bodies.c.expires_at > self._clock.now()
        )
        with self._asking() as connection:
            return {row.message: Body(Format(row.format), row.data) for row in connection.execute(question)}

    def dead_letters(
        self,
        wanted: DeadFilter = ALL_DEAD,
        *,
        limit: int = 100,
        after: UUID | None = None,
        newest_first: bool = True,
    ) -> list[DeadLetter]:
        """A page of them, with the code of the last attempt; `after` that delivery, in the order asked for."""
        with self._asking() as connection:
            rows = connection.execute(page(wanted, limit=limit, after=after, newest_first=newest_first)).all()
        return [dead_letter(row) for row in rows]

    def dead_counts(self, wanted: DeadFilter = ALL_DEAD) -> list[DeadCount]:
        """How many there are, by system, contract and reason."""
        with self._asking() as connection:
            return list(counted(connection.execute(counts(wanted)).all()))

    def counts(self) -> dict[str, dict[State, int]]:
        """How many deliveries of each system are in each state."""
        columns = (deliveries.c.system, deliveries.c.state)
        found: dict[str, dict[State, int]] = {}
        with self._asking() as connection:
            for system, state, count in connection.execute(select(*columns, func.count()).group_by(*columns)):
                found.setdefault(system, {})[State(state)] = count
        return found

    def messages_by_contract(self) -> dict[tuple[str, int], int]:
        """How many messages there are evidences of, by contract and major."""
        columns = (messages.c.contract, messages.c.version)
        found: dict[tuple[str, int], int] = {}
        with self._asking() as connection:
            for name, version, count in connection.execute(select(*columns, func.count()).group_by(*columns)):
                major = (name, int(version.partition(".")[0]))
                found[major] = found.get(major, 0) + count
        return found

    def waiting(self) -> tuple[Count, ...]:
        """How much waits for each system that the journal knows of: one walk over all that is open."""
        question = select(
            deliveries.c.system,
            func.count(),
            func.count().filter(deliveries.c.state == State.QUEUED),
            func.min(cast(deliveries.c.id, Text)),
        ).where(deliveries.c.wake_at.is_not(None))
        with self._asking() as connection:
            counts = [
                Count(system, waiting, queued, int(UUID(oldest)) >> 80)  # a UUIDv7 begins with its time
                for system, waiting, queued, oldest in connection.execute(question.group_by(deliveries.c.system))
            ]
            known = set(connection.scalars(select(conditions.c.system)))
        idle = known - {count.system for count in counts}
        return (*counts, *(Count(system, 0, 0, None) for system in sorted(idle)))

    def timeline(self, message: UUID) -> list[AuditRow]:
        """Every audit event of a message, in the order of time."""
        question = (
            select(audit_events)
            .where(audit_events.c.message == message)
            .order_by(audit_events.c.at, audit_events.c.writer, audit_events.c.number)
        )
        with self._asking() as connection:
            rows = connection.execute(question).all()
        return [audit_row(row) for row in rows]

    def chain(self, writer: str) -> Iterator[AuditRow]:
        """Every audit event of one writer, 1, 2, 3 …"""
        question = select(audit_events).where(audit_events.c.writer == writer).order_by(audit_events.c.number)
        with self._asking() as connection:
            for row in connection.execution_options(yield_per=1000).execute(question):
                yield audit_row(row)

    def writers(self) -> list[str]:
        with self._asking() as connection:
            return list(connection.scalars(select(audit_events.c.writer).distinct()))

    def revision(self) -> int:
        """The number of the newest revision of documents, credentials and keys."""
        with self._asking() as connection:
            return int(connection.execute(select(revision.c.number)).scalar_one())

    def present(self) -> Present:
        """Small, and asked by every process once a second."""
        with self._asking() as connection:
            standing = tuple(Condition(*row) for row in connection.execute(select(conditions)))
            living = tuple(Process(*row) for row in connection.execute(select(processes)))
            return Present(standing, living, int(connection.execute(select(revision.c.number)).scalar_one()))

    def in_flight(self, systems: Sequence[str]) -> dict[str, dict[str, int]]:
        """How many calls to each of these systems each worker has begun and not settled."""
        columns = (deliveries.c.system, deliveries.c.worker)
        question = (
            select(*columns, func.count())
            .where(deliveries.c.system.in_(systems))
            .where(deliveries.c.state == State.DELIVERING)
            .where(deliveries.c.wake_at.is_not(None))
            .group_by(*columns)
        )
        found: dict[str, dict[str, int]] = {}
        with self._asking() as connection:
            for system, worker, count in connection.execute(question):
                found.setdefault(system, {})[worker] = count
        return found

    def fetchable(self, systems: Sequence[str], now: int) -> set[str]:
        """For which of these systems something waits that they may fetch: a look at the index for each."""
        if not systems:
            return set()
        asked = values(column("system", String), name="asked").data([(each,) for each in systems]).cte()
        waits = (
            select(deliveries.c.id)
            .where(deliveries.c.system == asked.c.system)
            .where(deliveries.c.state == State.PENDING)
            .where(deliveries.c.wake_at <= now)
            .where(deliveries.c.expires_at > now)
        )
        with self._asking() as connection:
            return set(connection.scalars(select(asked.c.system).where(waits.exists())))

    def documents_at(self) -> int:
        """The newest revision at which documents were written; 0: never."""
        with self._asking() as connection:
            return int(connection.execute(text(f"SELECT {DOCUMENTS_AT}")).scalar_one())

    def documents(self, *kinds: str) -> list[Document]:
        """The newest revision of every document and file that has not been removed; `kinds`: of these kinds alone."""
        key = (documents.c.kind, documents.c.name, documents.c.version)
        revisions = select(*key, func.max(documents.c.revision).label("revision")).group_by(*key)
        newest = (revisions.where(documents.c.kind.in_(kinds)) if kinds else revisions).subquery()
        same = and_(*(documents.c[column.name] == column for column in newest.c))
        question = select(documents).join(newest, same).where(documents.c.content.is_not(None))
        with self._asking() as connection:
            rows = connection.execute(question).all()
        return [Document(row.kind, row.name, row.version, row.content) for row in rows]

    def credential_rows(self) -> Sequence[Row[tuple[object, ...]]]:
        with self._asking() as connection:
            return connection.execute(select(credentials)).all()

    def key_rows(self) -> Sequence[Row[tuple[object, ...]]]:
        with self._asking() as connection:
            return connection.execute(select(keys).order_by(keys.c.created_at)).all()

    def people_rows(self) -> Sequence[Row[tuple[object, ...]]]:
        with self._asking() as connection:
            return connection.execute(select(people).order_by(people.c.name)).all()

    def _body(self, message: UUID, part: str) -> Body | None:
        question = select(bodies.c.format, bodies.c.data).where(
            bodies.c.message == message, bodies.c.part == part, bodies.c.expires_at > self._clock.now()
        )
        with self._asking() as connection:
            row = connection.execute(question).first()
        return Body(Format(row.format), row.data) if row else None

    @contextmanager
    def _asking(self) -> Iterator[Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except SQLAlchemyError:
            raise JournalUnavailable from None
