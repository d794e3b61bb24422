"""CloudEvents 1.0 over HTTP: what comes in by headers or as a document, and what goes out as either."""

import asyncio
from base64 import b64encode
from typing import Any

import aiohttp
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from adapters.call import Call
from adapters.rest.cloud_events import EventForm, as_document, as_headers, from_header
from adapters.rest.event_reading import LONGEST, as_event
from adapters.rest.outbound import RestAdapter, RestOperation, RestSettings
from bus.envelope import Body, Format
from bus.errors import BusError, EventInvalid, MediaTypeUnsupported, SenderFault
from routes.accept import Arrival
from tests.unit.adapters.conftest import StandIn

STRUCTURED = "application/cloudevents+json; charset=utf-8"
GIVEN = {"specversion": "1.0", "id": "4711", "source": "/stations/hue-07", "type": "vn.example.reading"}
EVENT = {"id": "m-1", "source": "/systems/a", "type": "air.reading@1", "time": "2026-11-22T09:55:00.000Z"}
MARKER = "marker-7f3a"

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=50)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


async def nothing(limit: int) -> bytes:
    return b""


def binary(headers: dict[str, str], content_type: str = "application/json") -> Arrival:
    arrival = Arrival("a", "air.reading", None, Format.JSON, nothing, traceparent="of the header")
    return as_event(arrival, Headers(headers), content_type)


def structured(document: bytes) -> tuple[Arrival, bytes]:
    arrival = binary({}, STRUCTURED)
    assert arrival.unwrap
    return arrival.unwrap(arrival, document)


def document(**members: Any) -> bytes:
    return orjson.dumps({name: value for name, value in (GIVEN | members).items() if value is not ...})


@given(event_id=texts, source=texts, kind=texts, trace=texts, data=values)
def test_both_modes_are_one_event(event_id: str, source: str, kind: str, trace: str, data: object) -> None:
    """An event that is written in headers and one written as a document come in as the same, and the data of the
    document are what they were, byte for byte."""
    attributes = {"specversion": "1.0", "id": event_id, "source": source, "type": kind, "traceparent": trace}
    body = orjson.dumps(data, option=orjson.OPT_INDENT_2)
    by_headers = binary(as_headers(attributes))
    by_document, taken = structured(as_document(attributes, Body(Format.JSON, body)))
    assert by_headers == by_document
    assert by_headers.event_key == f"{source}\n{event_id}"
    assert by_headers.traceparent == trace
    assert taken == body


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_attribute_survives_its_header(value: str) -> None:
    """Whatever text an attribute is, its header is visible ASCII and gives it back."""
    (header,) = as_headers({"subject": value}).values()
    assert header == "" or (header.isascii() and header.isprintable() and " " not in header)
    assert from_header(header) == value


def test_quoted_header_is_opened() -> None:
    """Older senders quote a value with spaces instead of encoding them."""
    assert from_header('"two \\"words\\""') == 'two "words"'
    assert from_header("Euro%20%E2%82%AC") == "Euro €"


@pytest.mark.parametrize(
    ("members", "data", "form"),
    [
        ({"data": {"a": 1.50}}, b'{"a":1.5}', Format.JSON),
        ({"data": "text"}, b'"text"', Format.JSON),
        ({"data": None}, b"null", Format.JSON),
        ({"data": "<a/>", "datacontenttype": "application/xml"}, b"<a/>", Format.XML),
        ({"data": [1], "datacontenttype": "application/vnd.x+json"}, b"[1]", Format.JSON),
        ({"data_base64": b64encode(b"<a/>").decode(), "datacontenttype": "text/xml"}, b"<a/>", Format.XML),
        ({"data_base64": b64encode(b'{"a":1}').decode()}, b'{"a":1}', Format.JSON),
        ({"data": "x", "datacontenttype": "text/plain"}, b"x", None),
    ],
)
def test_data_are_taken_by_their_type(members: dict[str, Any], data: bytes, form: Format | None) -> None:
    """JSON data are a JSON value, other data a string, and base64 is either; the type says which format that is."""
    arrival, taken = structured(document(**members))
    assert (taken, arrival.format) == (data, form)


def test_data_keep_their_digits() -> None:
    """Numbers and spaces of the data are the sender's own, not a reader's idea of them."""
    raw = b'{"n" : 1.10, "big": 1e2,\n "s": "\\u00e9"}'
    head = document()[:-1]
    assert structured(head + b', "data" : ' + raw + b" }")[1] == raw


@pytest.mark.parametrize(
    ("members", "name"),
    [
        ({"specversion": "0.3"}, "specversion"),
        ({"specversion": ...}, "specversion"),
        ({"id": ...}, "id"),
        ({"id": ""}, "id"),
        ({"id": 7}, "id"),
        ({"source": "a\nb"}, "source"),
        ({"type": MARKER * LONGEST}, "type"),
        ({"data": ...}, "data"),
        ({"data_base64": ""}, "data"),
        ({"data": ..., "data_base64": MARKER}, "data_base64"),
        ({"data": {}, "datacontenttype": "application/xml"}, "data"),
        ({"datacontenttype": 5}, "datacontenttype"),
    ],
)
def test_what_is_no_event_is_refused(members: dict[str, Any], name: str) -> None:
    """What breaks the specification is refused by the name of the attribute, and nothing of it is said again."""
    with pytest.raises(EventInvalid) as refused:
        structured(document(**({"data": {}} | members)))
    assert refused.value.facts["name"] == name
    assert MARKER not in refused.value.text


@pytest.mark.parametrize("raw", [b"[]", b'"x"', b"{", b'{"id":1,"id":2}', b"\xff", b"[" * 200])
def test_document_that_cannot_be_read_is_refused(raw: bytes) -> None:
    """What is no JSON object, or could be read in two ways, is refused as the sender's fault."""
    with pytest.raises(BusError) as refused:
        structured(raw)
    assert refused.value.status in {400, 415}


NAMES = st.sampled_from([*GIVEN, "data", "data_base64", "datacontenttype", "traceparent", "subject"])


@given(st.dictionaries(NAMES, values | st.sampled_from(["1.0", "application/xml", "PGEvPg=="]), max_size=8))
def test_any_document_is_an_event_or_the_senders_fault(members: dict[str, Any]) -> None:
    """Whatever stands where, an event comes in whole or its sender is told; nothing else is raised."""
    given = orjson.dumps(members | ({"specversion": "1.0"} if "id" in members else {}))
    try:
        arrival, taken = structured(given)
    except SenderFault:
        return
    assert isinstance(taken, bytes)
    assert arrival.event_key == f"{members['source']}\n{members['id']}"


def test_other_event_formats_are_refused() -> None:
    """Batches and other formats are told which format is understood."""
    for kind in ("application/cloudevents-batch+json", "application/cloudevents+xml"):
        with pytest.raises(MediaTypeUnsupported) as refused:
            binary({}, kind)
        assert refused.value.facts == {"expected": "application/cloudevents+json"}


def test_attribute_in_two_headers_is_refused() -> None:
    """Two ids are none: which one would make the message once-only?"""
    raw = [(f"ce-{name}".encode(), value.encode()) for name, value in (*GIVEN.items(), ("id", "4712"))]
    arrival = Arrival("a", "b", None, Format.JSON, nothing)
    with pytest.raises(EventInvalid):
        as_event(arrival, Headers(raw=raw), "application/json")
    with pytest.raises(EventInvalid):
        binary(as_headers(GIVEN) | {"ce-id": "%ff"})


def test_trace_of_the_header_stays() -> None:
    """An event without a trace of its own goes on in that of the request."""
    assert binary(as_headers(GIVEN)).traceparent == "of the header"


async def called(
    stand_in: StandIn, session: aiohttp.ClientSession, form: EventForm, call: Call, method: str = "POST"
) -> tuple[dict[str, str], bytes]:
    settings = RestSettings(stand_in.url, {"do": RestOperation(method)}, events=form)
    await asyncio.wait_for(RestAdapter(settings, session).call(call), 10)
    (received,) = stand_in.received
    return {name.lower(): value for name, value in received.headers.items()}, received.body


async def test_binary_event_goes_out(stand_in: StandIn, session: aiohttp.ClientSession) -> None:
    """In binary mode the body is the message's own bytes, and headers say the rest."""
    call = Call("do", Body(Format.XML, b"<a/>"), {"ce-id": "m-1"}, event=EVENT | {"dataschema": "/s"})
    headers, body = await called(stand_in, session, EventForm(structured=False, base="https://bus.vn/"), call)
    assert body == b"<a/>"
    assert headers["content-type"] == "application/xml; charset=utf-8"
    told = {name.removeprefix("ce-"): value for name, value in headers.items() if name.startswith("ce-")}
    assert told == EVENT | {"specversion": "1.0", "dataschema": "https://bus.vn/s"}


@pytest.mark.parametrize(
    ("body", "data", "kind"),
    [
        (Body(Format.JSON, b'{"n": 1.10}'), b'{"n": 1.10}', "application/json"),
        (Body(Format.XML, '<a b="é"/>'.encode()), '"<a b=\\"é\\"/>"'.encode(), "application/xml"),
    ],
)
async def test_structured_event_goes_out(
    stand_in: StandIn, session: aiohttp.ClientSession, body: Body, data: bytes, kind: str
) -> None:
    """In structured mode all of it is one JSON document; without an address of the bus there is no `dataschema`."""
    call = Call("do", body, {"Idempotency-Key": "d-1"}, event=EVENT | {"dataschema": "/s"})
    headers, sent = await called(stand_in, session, EventForm(structured=True), call)
    assert headers["content-type"] == STRUCTURED
    assert headers["idempotency-key"] == "d-1"
    assert sent.endswith(b',"data":' + data + b"}")
    read = orjson.loads(sent)
    assert read.pop("data") == orjson.loads(data)
    assert read == EVENT | {"specversion": "1.0", "datacontenttype": kind}


async def test_what_is_no_event_goes_out_as_ever(stand_in: StandIn, session: aiohttp.ClientSession) -> None:
    """A request or a document to a system that takes CloudEvents is none of them."""
    call = Call("do", Body(Format.JSON, b"{}"))
    headers, body = await called(stand_in, session, EventForm(structured=True), call)
    assert (headers["content-type"], body) == ("application/json", b"{}")
    assert not any(name.startswith("ce-") for name in headers)


async def test_event_without_a_body_is_told_by_headers(stand_in: StandIn, session: aiohttp.ClientSession) -> None:
    """An operation that has no body carries the attributes as headers in either mode."""
    call = Call("do", Body(Format.JSON, b"{}"), event=EVENT)
    headers, body = await called(stand_in, session, EventForm(structured=True), call, "DELETE")
    assert (body, headers["ce-type"], headers.get("content-type")) == (b"", "air.reading@1", None)
