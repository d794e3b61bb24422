"""The hot statements' way to PostgreSQL: prepared once, then sent in libpq's pipeline mode (PostgreSQL manual, libpq,
"Pipeline Mode") with parameters and results in binary.

It uses the driver's libpq (`psycopg.pq`) without the driver's cursors: of a small transaction they were two thirds of
what the process spends.
"""

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final, TypeAlias

import psycopg
from psycopg import pq
from psycopg.pq.abc import PGconn, PGresult

from journal.postgresql.binary import Decode, Encode, decoder, encoder
from journal.postgresql.connection import Connection
from journal.waits import until_ready

Row: TypeAlias = tuple[Any, ...]

PLACE: Final = re.compile(r"%(?:\((\w+)\))?b")
"""Where a value goes: ``%b``, or ``%(name)b``, which may stand in several places."""

FAILED: Final = (pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.PIPELINE_ABORTED, pq.ExecStatus.BAD_RESPONSE)


@dataclass(slots=True)
class Statement:
    """One that the server knows; `names` are those of its values, in their order, where they have names."""

    name: bytes
    names: tuple[str, ...]
    encoders: list[Encode]
    decoders: list[Decode]
    formats: list[int]


@dataclass(slots=True)
class Answer:
    """What the server says to one statement, waited for when it is looked at. Iterating begins anew each time."""

    wire: "Wire"
    decoders: Sequence[Decode]
    result: PGresult | None = None

    def fetchall(self) -> list[Row]:
        result = self.result or self.wire.await_answer(self)
        columns = range(result.nfields)
        rows = [[result.get_value(row, column) for column in columns] for row in range(result.ntuples)]
        return [
            tuple(None if value is None else decode(value) for value, decode in zip(values, self.decoders, strict=True))
            for values in rows
        ]

    def fetchone(self) -> Row | None:
        """The first row."""
        return next(iter(self.fetchall()), None)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.fetchall())


@dataclass(slots=True)
class Wire:
    """One connection, used by one thread. Raises `psycopg.Error` of the server's, or `psycopg.OperationalError` where
    there is no server any more."""

    connection: Connection
    _known: dict[str, Statement] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=count)
    _open: deque[Answer] = field(default_factory=deque)

    @property
    def _pg(self) -> PGconn:
        return self.connection.pgconn

    @contextmanager
    def pipeline(self) -> Iterator[None]:
        """Everything inside goes out as it comes. At the end all has been answered; the first error is raised, and
        nothing after it was done."""
        self._pg.enter_pipeline_mode()
        try:
            yield
            self._end()
        except BaseException:
            self._open.clear()
            self._give_up()
            raise
        self._pg.exit_pipeline_mode()

    def run(self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> Answer:
        """Send a statement; nobody waits for its answer here."""
        known = self._known.get(statement) or self._prepare(statement)
        given = [values[name] for name in known.names] if isinstance(values, Mapping) else values
        encoded = [
            None if value is None else encode(value) for encode, value in zip(known.encoders, given, strict=True)
        ]
        self._pg.send_query_prepared(known.name, encoded, known.formats, result_format=pq.Format.BINARY)
        answer = Answer(self, known.decoders)
        self._open.append(answer)
        return answer

    def await_answer(self, answer: Answer) -> PGresult:
        """Everything up to this answer, which has not come yet."""
        self._pg.send_flush_request()
        while answer.result is None:
            self._receive()
        return answer.result

    def _prepare(self, statement: str) -> Statement:
        name = b"lgsp_%d" % next(self._numbers)
        names = tuple(dict.fromkeys(PLACE.findall(statement)))
        numbers = {each: number for number, each in enumerate(names, 1)} if any(names) else None
        counted = iter(range(1, 1 << 16))
        text = PLACE.sub(lambda found: f"${numbers[found[1]] if numbers else next(counted)}", statement)
        self._pg.send_prepare(name, text.encode())
        prepared = Answer(self, ())
        self._pg.send_describe_prepared(name)
        described = Answer(self, ())
        self._open += (prepared, described)
        about = self.await_answer(described)
        encoders = [encoder(about.param_type(number)) for number in range(about.nparams)]
        decoders = [decoder(about.ftype(number)) for number in range(about.nfields)]
        made = Statement(name, names if numbers else (), encoders, decoders, [pq.Format.BINARY] * len(encoders))
        self._known[statement] = made
        return made

    def _end(self) -> None:
        """Wait for every answer, and for the end of the pipeline."""
        self._pg.pipeline_sync()
        self._send()
        while self._open:
            self._receive()
        self._await_sync()

    def _give_up(self) -> None:
        """Nobody wants what is still to come."""
        try:
            self._pg.pipeline_sync()
            self._send()
            self._await_sync()
            self._pg.exit_pipeline_mode()
        except psycopg.Error:
            # Whoever began the pipeline hears of what came first, and finds the connection broken.
            self._pg.finish()

    def _await_sync(self) -> None:
        while (result := self._result()) is None or result.status != pq.ExecStatus.PIPELINE_SYNC:
            pass

    def _receive(self) -> None:
        """The next answer; raises where it is an error."""
        while (result := self._result()) is None:
            pass
        if result.status in FAILED:
            raise psycopg.errors.error_from_result(result)
        self._open.popleft().result = result

    def _result(self) -> PGresult | None:
        """What comes next. None stands between the results of two statements."""
        self._send()
        while self._pg.is_busy():
            until_ready(self._pg.socket)
            self._pg.consume_input()
        result = self._pg.get_result()
        if result is None and self._pg.status == pq.ConnStatus.BAD:
            raise psycopg.OperationalError("the connection is lost")
        return result

    def _send(self) -> None:
        """Everything that is to go out, while what comes in is taken: else two who write would wait for each other."""
        while self._pg.flush():
            until_ready(self._pg.socket, writable=True)
            self._pg.consume_input()  # takes what is there, and waits for nothing
