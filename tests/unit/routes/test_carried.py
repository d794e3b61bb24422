"""How deliveries and signals are written for a broker."""

from uuid import UUID, uuid4

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.envelope import Body, Envelope, Exchange, Format
from journal.commands import Reply
from routes.broker import LARGEST_CARRIED, Carried, Signal
from routes.work import signal
from tests.unit.routes.conftest import an_envelope

TEXTS = st.text(st.characters(codec="utf-8"), max_size=50)
TIMES = st.integers(-(2**53), 2**53)
ENVELOPES = st.builds(
    Envelope,
    st.uuids(),
    TEXTS,
    TEXTS,
    st.sampled_from(Exchange),
    TEXTS,
    TIMES,
    TIMES,
    TEXTS,
    st.sampled_from(Format),
    TEXTS,
)
BODIES = st.builds(Body, st.sampled_from(Format), st.binary(max_size=200))


@given(st.uuids(), TEXTS, ENVELOPES, st.none() | st.binary(max_size=200))
def test_delivery_is_read_as_it_was_written(
    delivery: UUID, system: str, envelope: Envelope, body: bytes | None
) -> None:
    """Every field of a delivery and every byte of its body survive, and no body is told from an empty one."""
    carried = Carried(delivery, system, envelope, body)
    assert Carried.decode(carried.encode()) == carried


@given(st.uuids(), TEXTS, TEXTS, st.none() | BODIES, st.integers(0, 999))
def test_signal_is_read_as_it_was_written(message: UUID, kind: str, fault: str, body: Body | None, status: int) -> None:
    """Every field of a signal and every byte of its reply survive."""
    given = Signal(message, kind, fault, body, status)
    assert Signal.decode(given.encode()) == given


def test_bodies_are_not_shown() -> None:
    """The text of a delivery or a signal for people holds nothing of its body."""
    body = b"Nguy\xe1\xbb\x85n"
    carried = Carried(UUID(int=1), "his", an_envelope(), body)
    assert "Nguy" not in repr(carried) + repr(Signal(UUID(int=1), "reply", "", Body(Format.JSON, body)))


def test_signal_carries_what_is_small_and_right() -> None:
    """A reply or fault of at most 64 KiB goes with its signal; a larger one, and a raw one, are left to the journal."""
    envelope = an_envelope()
    small, large = Body(Format.JSON, b"x" * LARGEST_CARRIED), Body(Format.JSON, b"x" * (LARGEST_CARRIED + 1))
    assert signal(envelope, Reply("reply", small)) == Signal(envelope.message, "reply", "", small)
    fault = Signal(envelope.message, "fault", "not-found", small, 404)
    assert signal(envelope, Reply("fault", small, "not-found"), 404) == fault
    for kept in (None, Reply("raw", small), Reply("reply", large)):
        assert signal(envelope, kept) == Signal(envelope.message)


@pytest.mark.parametrize("fields", [[], [200], [200, "of a later version"]])
def test_signal_of_another_version(fields: list[object]) -> None:
    """During an upgrade signals of the version before, and of the one after, are understood as far as they go."""
    message = uuid4()
    head = orjson.dumps([message, "reply", "", "json", *fields])
    assert Signal.decode(head + b"\n{}") == Signal(message, "reply", "", Body(Format.JSON, b"{}"), 200 if fields else 0)
