"""Reading what callers send: bodies, formats, preferences."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.types import Message

from adapters.rest.preferences import LONGEST_WAIT, Preference, preference
from adapters.rest.reading import InFlight, declared_format, read_body
from bus.envelope import Format
from bus.errors import BodyTooLarge, CharsetUnsupported, HeaderInvalid, Overloaded


def sending(*pieces: bytes) -> tuple[Request, list[bytes]]:
    """A request whose body comes in pieces, and the list of those that have not been asked for."""
    left = list(pieces)

    async def each() -> AsyncIterator[Message]:
        while left:
            piece = left.pop(0)
            yield {"type": "http.request", "body": piece, "more_body": bool(left)}

    messages = each()
    request = Request({"type": "http", "method": "POST", "headers": []}, receive=lambda: anext(messages))
    return request, left


async def test_body_past_the_limit_is_not_read_on() -> None:
    """Reading ends with the piece that goes past the limit."""
    request, left = sending(b"aa", b"bb", b"cc", b"dd")
    with InFlight().holding() as take, pytest.raises(BodyTooLarge):
        await read_body(request, 5, 10, take)
    assert left == [b"dd"]


async def test_bytes_in_flight_are_bounded() -> None:
    """A process takes no more bytes at once than it may hold, and takes more once they have been given back."""
    in_flight = InFlight(most=5)
    with in_flight.holding() as first:
        assert await read_body(sending(b"abc")[0], 9, 10, first) == b"abc"
        request, left = sending(b"de", b"f", b"g")
        with in_flight.holding() as second, pytest.raises(Overloaded):
            await read_body(request, 9, 10, second)
        assert (in_flight.held, left) == (3, [b"g"])
    with in_flight.holding() as third:
        assert await read_body(sending(b"abcde")[0], 9, 10, third) == b"abcde"
    assert in_flight.held == 0


@given(st.text(max_size=60))
def test_any_content_type_is_read(text: str) -> None:
    """Whatever stands in Content-Type is a format, no format, or another character set."""
    for declared in (text, f"application/json;{text}", f"application/xml; charset={text}"):
        try:
            assert declared_format(declared) in {None, Format.JSON, Format.XML}
        except CharsetUnsupported:
            assert "charset" in declared.lower()


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], Preference()),
        (["respond-async"], Preference(0.0, "respond-async", later=True)),
        (["Respond-Async, wait=5"], Preference(5.0, "wait=5", later=True)),
        (["wait = 5 ; foo=bar"], Preference(5.0, "wait=5")),
        (['wait="5"'], Preference(5.0, "wait=5")),
        (["wait=1, wait=x", "wait=3"], Preference(1.0, "wait=1")),
        (["wait=999999"], Preference(LONGEST_WAIT, "wait=120")),
        (["wait=0"], Preference(0.0, "wait=0")),
    ],
    ids=str,
)
def test_preferences_are_read(headers: list[str], expected: Preference) -> None:
    """Preferences are read in every header, whatever their case, the first of a kind counting (RFC 7240 §2)."""
    assert preference(headers) == expected


@given(st.lists(st.text(max_size=40), max_size=3))
def test_any_preference_is_read(headers: list[str]) -> None:
    """Whatever is preferred, the wait is bounded or refused."""
    try:
        wait = preference(headers).wait
    except HeaderInvalid:
        assert any("wait" in header.lower() for header in headers)
    else:
        assert wait is None or 0 <= wait <= LONGEST_WAIT
