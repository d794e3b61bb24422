"""CloudEvents 1.0 that come in: what the bus reads of one is what makes it once-only, and its trace.

An event is its contract's message whatever else its attributes say. `subject`, `time` and extensions are neither kept
nor passed on: what a receiver must know stands in the data, where the contract can say what it is.
"""

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from starlette.datastructures import Headers

from adapters.rest.cloud_events import MEDIA_TYPE, PREFIX, SPECVERSION, from_header
from adapters.rest.reading import declared_format
from adapters.rest.target import members
from bus.envelope import Format
from bus.errors import EventInvalid, MediaTypeUnsupported
from contracts.json_body import parse_json
from routes.accept import Arrival

REQUIRED: Final = ("specversion", "id", "source", "type")  # CloudEvents §3.1
LONGEST: Final = 1024
"""Characters of an attribute; the specification asks for whole events of 64 KiB (§5.2), of which most is data."""


def as_event(arrival: Arrival, headers: Headers, content_type: str) -> Arrival:
    """The same arrival as the event that its headers say it is, or that its body will turn out to be.

    Raises `EventInvalid`, and `MediaTypeUnsupported` for batches and for event formats other than JSON.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == MEDIA_TYPE:
        return replace(arrival, unwrap=opened)
    if kind.startswith("application/cloudevents"):
        raise MediaTypeUnsupported(expected=MEDIA_TYPE)
    return _known(arrival, _from_headers(headers))


def opened(arrival: Arrival, data: bytes) -> tuple[Arrival, bytes]:
    """Structured mode: the arrival that the document tells of, and its data. JSON data are the sender's own bytes.

    Raises `EventInvalid`, and what cannot be read safely as JSON raises as any such body does.
    """
    event = parse_json(data)
    if not isinstance(event, dict):
        raise EventInvalid(name="specversion", hint="an event is a JSON object")
    known = _known(arrival, event)
    kind = event.get("datacontenttype") or Format.JSON.media_type
    if not isinstance(kind, str):
        raise EventInvalid(name="datacontenttype", hint="a media type")
    arrival = replace(known, format=declared_format(kind), unwrap=None)
    if ("data" in event) == ("data_base64" in event):
        raise EventInvalid(name="data", hint="either it or data_base64 holds the message")
    if "data_base64" in event:
        return arrival, _decoded(event["data_base64"])
    if arrival.format is Format.JSON:
        return arrival, next(text for name, _, _, text in members(data.decode()) if name == "data").encode()
    if not isinstance(event["data"], str):
        raise EventInvalid(name="data", hint="a string, unless datacontenttype is JSON")
    return arrival, event["data"].encode()


def _decoded(text: object) -> bytes:
    try:
        return b64decode(str(text), validate=True)
    except ValueError:
        raise EventInvalid(name="data_base64", hint="base64 (RFC 4648 §4)") from None


def _known(arrival: Arrival, event: Mapping[str, object]) -> Arrival:
    """The arrival with what is read of the event's attributes."""
    _, event_id, source, _ = (_attribute(event, name) for name in REQUIRED)
    if event["specversion"] != SPECVERSION:
        raise EventInvalid(name="specversion", hint=SPECVERSION)
    trace = event.get("traceparent")
    traceparent = trace if isinstance(trace, str) else arrival.traceparent
    return replace(arrival, event_key=f"{source}\n{event_id}", traceparent=traceparent)


def _attribute(event: Mapping[str, object], name: str) -> str:
    value = event.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST or any(ord(each) < 0x20 for each in value):
        raise EventInvalid(name=name, hint=f"needed: a string of 1 to {LONGEST} characters, none of them a control")
    return value


def _from_headers(headers: Headers) -> dict[str, object]:
    """Binary mode: the attributes that are read, by name."""
    found: dict[str, object] = {}
    for name in (*REQUIRED, "traceparent"):
        sent = headers.getlist(PREFIX + name)
        if len(sent) > 1:
            raise EventInvalid(name=name, hint="once")
        if not sent:
            continue
        try:
            found[name] = from_header(sent[0])
        except ValueError:
            raise EventInvalid(name=name, hint="in a header, UTF-8 that is percent-encoded") from None
    return found
