"""PostgreSQL's binary formats and the pipeline: held against the driver's own."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from journal.postgresql.connection import connect_to_write
from journal.postgresql.wire import Wire

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "bool": st.booleans(),
    "int2": st.integers(-(2**15), 2**15 - 1),
    "int4": st.integers(-(2**31), 2**31 - 1),
    "int8": st.integers(-(2**63), 2**63 - 1),
    "text": TEXTS,
    "varchar": TEXTS,
    "bytea": st.binary(),
    "uuid": st.uuids(),
}


@pytest.fixture(scope="module")
def wire(postgresql_server: str) -> Iterator[Wire]:
    with closing(connect_to_write(postgresql_server, "wire")) as connection:
        yield Wire(connection)


def asked(wire: Wire, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with wire.pipeline():
        return wire.run(statement, values).fetchall()


def sent(wire: Wire, *statements: str) -> None:
    with wire.pipeline():
        for statement in statements:
            wire.run(statement)


@pytest.mark.parametrize("kind", VALUES)
@given(data=st.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_values_arrive_as_they_were_sent(wire: Wire, kind: str, data: st.DataObject) -> None:
    """A value, and each one of an array, is in the server what it is here, and comes back as that."""
    values = data.draw(st.lists(st.none() | VALUES[kind], max_size=5))
    alone = next(iter(values), None)
    (row,) = asked(
        wire, f"SELECT %b::{kind}, %b::{kind}::text, array_to_json(%b::{kind}[])::text", alone, alone, values
    )
    (expected,) = wire.connection.execute(
        f"SELECT %b::{kind}, %b::{kind}::text, array_to_json(%b::{kind}[])::text", [alone, alone, values]
    )
    assert row == expected
    rows = asked(wire, f"SELECT * FROM unnest(%b::{kind}[])", values)
    assert [value for (value,) in rows] == values


@pytest.mark.parametrize(
    ("kind", "value"), [("int2", 2**15), ("int8", 2**63), ("int4", "1"), ("text", "\ud800"), ("int8[]", [2**63])]
)
def test_what_does_not_fit_is_the_fault_of_the_data(wire: Wire, kind: str, value: object) -> None:
    """A value that its column cannot hold is a `DataError` that does not quote it, and the next statement is none the
    worse."""
    with pytest.raises(psycopg.DataError, match=r"^a value does not fit its column$"):
        asked(wire, f"SELECT count(%b::{kind})", value)
    assert asked(wire, "SELECT 1") == [(1,)]


def test_after_an_error_nothing_is_done(wire: Wire) -> None:
    """What is sent after a statement that fails, a COMMIT too, is passed over; the connection goes on."""
    sent(wire, "CREATE TEMPORARY TABLE kept (number int8)")
    with pytest.raises(psycopg.errors.DivisionByZero):
        sent(wire, "BEGIN", "INSERT INTO kept VALUES (1)", "SELECT 1 / 0", "COMMIT")
    wire.connection.rollback()
    assert asked(wire, "SELECT count(*) FROM kept") == [(0,)]


def test_a_statement_that_was_passed_over_is_prepared_again(wire: Wire) -> None:
    """The server may not know a statement whose preparation came after an error."""
    with pytest.raises(psycopg.errors.DivisionByZero):
        sent(wire, "SELECT 2 / 0", "SELECT 'new'::text")
    assert asked(wire, "SELECT 'new'::text") == [("new",)]


def test_names_stand_for_values_in_any_order(wire: Wire) -> None:
    """A named value may stand in several places."""
    with wire.pipeline():
        answer = wire.run("SELECT %(b)b::int8 - %(a)b::int8, %(b)b::int8", {"a": 1, "b": 5})
        assert list(answer) == [(4, 5)]


def test_much_goes_out_while_much_comes_in(wire: Wire) -> None:
    """Neither side waits for the other to read: megabytes each way, before anything is looked at."""
    body = bytes(1_000_000)
    with wire.pipeline():
        answers = [wire.run("SELECT %b::bytea", [body]) for _ in range(20)]
    assert all(answer.fetchone() == (body,) for answer in answers)


def test_a_connection_that_ends_is_found_out(wire: Wire, postgresql_server: str) -> None:
    """Who waits for an answer of a connection that was ended does not wait for ever."""
    with closing(connect_to_write(postgresql_server, "ended")) as connection:
        (pid,) = asked(Wire(connection), "SELECT pg_backend_pid()")[0]
        assert asked(wire, "SELECT pg_terminate_backend(%b::int4, 5000)", pid) == [(True,)]
        for _ in range(2):
            with pytest.raises(psycopg.OperationalError):
                asked(Wire(connection), "SELECT 1")
        assert connection.broken


def test_identifiers_are_what_they_were(wire: Wire) -> None:
    """The bytes of a UUID are its own (RFC 9562 §4)."""
    one = UUID("0190163d-8694-739b-aea5-966c26f8ad91")
    assert asked(wire, "SELECT %b::uuid, %b::uuid::text", one, one) == [(one, str(one))]
