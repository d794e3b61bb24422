"""Signed deliveries: what is signed, that receivers can verify it as docs/events.md shows, and nothing else passes."""

import re
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import InvalidSignature
from yarl import URL

from adapters.call import Call
from adapters.rest.cloud_events import EventForm
from adapters.rest.outbound import RestAdapter, RestOperation, RestSettings
from adapters.signing import Signer
from bus.clock import ManualClock, SystemClock
from bus.envelope import Body, Format
from identity.keyring import KeyRing, Purpose, new_key
from tests.unit.adapters.conftest import StandIn

CLOCK = SystemClock()
KEY = new_key(Purpose.DELIVERIES, 1, CLOCK.new_id)
TOKEN_KEY = new_key(Purpose.TOKEN, 1, CLOCK.new_id)
JWKS = KeyRing([KEY, TOKEN_KEY]).jwks()
DOCS = Path(__file__).resolve().parents[3] / "docs"


@pytest.fixture(scope="module")
def shown() -> dict[str, Any]:
    """The names that the example for receivers defines."""
    (example,) = re.findall(r"```python\n(.*?)```", (DOCS / "events.md").read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(example, "docs/events.md", "exec", dont_inherit=True), names)
    return names


def test_signature_base_is_as_rfc_9421_says() -> None:
    """The signature is over the lines of RFC 9421 §2.5, written out here by hand; verified by nothing but Ed25519."""
    clock = ManualClock(1_618_884_473_999)
    headers = {"Accept": "*/*", "Content-Type": "application/json", "Idempotency-Key": "d-1", "ce-id": "m-1"}
    # RFC 9421 §B.2 and RFC 9530 §B.1 have this body and its digest.
    url = URL("https://Example.com:443/a%20b?x=1", encoded=True)
    signed = Signer(KEY, clock).signed("POST", url, headers, b'{"hello": "world"}')
    digest = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"
    parameters = (
        '("@method" "@target-uri" "ce-id" "content-type" "idempotency-key" "content-digest")'
        f';created=1618884473;keyid="{KEY.kid}";alg="ed25519";tag="lgsp-delivery"'
    )
    base = "\n".join(
        [
            '"@method": POST',
            f'"@target-uri": {url}',
            '"ce-id": m-1',
            '"content-type": application/json',
            '"idempotency-key": d-1',
            f'"content-digest": {digest}',
            f'"@signature-params": {parameters}',
        ]
    )
    assert signed["Content-Digest"] == digest
    assert signed["Signature-Input"] == f"bus={parameters}"
    signature = b64decode(signed["Signature"].removeprefix("bus=:").removesuffix(":"))
    Ed25519PublicKey.from_public_bytes(KEY.public).verify(signature, base.encode())


async def delivered(stand_in: StandIn, session: aiohttp.ClientSession, **settings: Any) -> tuple[str, Any, bytes]:
    """What a signed delivery looks like to its receiver: its address, its headers, its body."""
    asked = RestSettings(stand_in.url + "/in", signer=Signer(KEY, CLOCK), **settings)
    event = {"id": "m-1", "source": "/systems/a", "type": "b@1"}
    headers = {"Idempotency-Key": "d-1", "Bus-Sequence": "7"}
    outcome = await RestAdapter(asked, session).call(
        Call(None, Body(Format.JSON, b'{"id":"a b"}'), headers, event=event)
    )
    assert outcome.code == "http-200"
    (received,) = stand_in.received
    return stand_in.url + received.line.split()[1], received.headers, received.body


async def test_receiver_verifies_as_the_docs_show(
    shown: dict[str, Any], stand_in: StandIn, session: aiohttp.ClientSession
) -> None:
    """The example in the docs accepts what the bus sends over the wire, in each form."""
    for form in (None, EventForm(structured=False), EventForm(structured=True)):
        stand_in.received.clear()
        url, headers, body = await delivered(stand_in, session, events=form)
        assert shown["delivery"](shown["Received"]("POST", url, headers), body, JWKS) == "d-1"
        covered = re.findall(r'"([^"]+)"', headers["Signature-Input"].partition(")")[0])
        assert "bus-sequence" in covered
        assert {name.lower() for name in headers if name.lower().startswith("ce-")} <= set(covered)


@pytest.mark.parametrize(
    "tampered",
    [
        lambda received, body, jwks: (received, body + b" ", jwks),
        lambda received, body, jwks: (replace(received, url=received.url + "2"), body, jwks),
        lambda received, body, jwks: (replace(received, method="PUT"), body, jwks),
        lambda received, body, jwks: (with_header(received, "Idempotency-Key", "d-2"), body, jwks),
        lambda received, body, jwks: (with_header(received, "ce-type", "c@1"), body, jwks),
        lambda received, body, jwks: (with_header(received, "Content-Type", "text/plain"), body, jwks),
        lambda received, body, jwks: (received, body, KeyRing([new_key(Purpose.DELIVERIES, 1, CLOCK.new_id)]).jwks()),
        lambda received, body, jwks: (received, body, {"keys": [each | {"kid": "token-1"} for each in jwks["keys"]]}),
    ],
)
async def test_anything_else_is_refused(
    shown: dict[str, Any],
    stand_in: StandIn,
    session: aiohttp.ClientSession,
    tampered: Callable[[Any, bytes, Any], tuple[Any, bytes, Any]],
) -> None:
    """A changed body, address, method or header does not verify, nor does another key."""
    url, headers, body = await delivered(stand_in, session, events=EventForm(structured=False))
    received = shown["Received"]("POST", url, dict(headers))
    assert shown["delivery"](received, body, JWKS) == "d-1"
    with pytest.raises(InvalidSignature):
        shown["delivery"](*tampered(received, body, JWKS))


def with_header(received: Any, name: str, value: str) -> Any:
    assert name in received.headers
    return replace(received, headers=received.headers | {name: value})


async def test_old_signature_is_refused(shown: dict[str, Any]) -> None:
    """What was signed an hour ago is no delivery of now."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": "d-1"}
    old = ManualClock(CLOCK.now() - 3_600_000)
    signed = Signer(KEY, old).signed("POST", URL("http://host/"), headers, b"{}")
    with pytest.raises(InvalidSignature):
        shown["delivery"](shown["Received"]("POST", "http://host/", signed), b"{}", JWKS)


async def test_call_without_a_body_is_signed(stand_in: StandIn, session: aiohttp.ClientSession) -> None:
    """A GET has no digest; its address, filled with values of the message, is covered as it was sent."""
    url, headers, _ = await delivered(
        stand_in, session, operations={"get": RestOperation("GET", "/{id}", query={"q": "id"})}
    )
    assert url.endswith("/in/a%20b?q=a%20b")
    assert "Content-Digest" not in headers
    parameters = headers["Signature-Input"].removeprefix("bus=")
    base = (
        f'"@method": GET\n"@target-uri": {url}\n"bus-sequence": 7\n"idempotency-key": d-1\n'
        f'"@signature-params": {parameters}'
    )
    signature = b64decode(headers["Signature"].removeprefix("bus=:").removesuffix(":"))
    Ed25519PublicKey.from_public_bytes(KEY.public).verify(signature, base.encode())
