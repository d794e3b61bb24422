"""Each adapter that calls systems, with a call it can make and an answer it understands."""

from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp
import pytest

from adapters.auth import Basic, HttpAuth, NoAuth, Tls
from adapters.call import Adapter, Call
from adapters.rest.outbound import RestAdapter, RestOperation, RestSettings
from adapters.soap.envelope import SoapVersion, enclose
from adapters.soap.outbound import SoapAdapter, SoapSettings
from adapters.soap.wsdl import Operation, Service
from bus.envelope import Body, Format
from contracts.xsd import XsdDocuments

Make = Callable[[str, aiohttp.ClientSession, HttpAuth, Tls | None], Adapter]
SCHEMA = b'<schema xmlns="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:t"><element name="Ask"/></schema>'


@dataclass(frozen=True)
class Kind:
    """One adapter under test. `reply` is what it makes of `answer`."""

    name: str
    make: Make
    body: Body
    answer: bytes
    content_type: str
    reply: Body
    call: Call = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "call", Call("ask", self.body, {"Idempotency-Key": "k-1"}, timeout=20.0))

    def adapter(
        self, url: str, session: aiohttp.ClientSession, auth: HttpAuth | None = None, tls: Tls | None = None
    ) -> Adapter:
        return self.make(url, session, auth or NoAuth(), tls)


def _rest(url: str, session: aiohttp.ClientSession, auth: HttpAuth, tls: Tls | None) -> Adapter:
    operations = {"ask": RestOperation("PUT", "/ask")}
    return RestAdapter(RestSettings(url, operations, auth=auth, tls=tls), session)


def _soap(version: SoapVersion) -> Make:
    def make(url: str, session: aiohttp.ClientSession, auth: HttpAuth, tls: Tls | None) -> Adapter:
        operations = {"ask": Operation("ask", "{urn:t}Ask", "{urn:t}Told", "urn:t:ask", version)}
        documents = XsdDocuments({"t.xsd": SCHEMA}, ["t.xsd"])
        service = Service("Ask", "AskPort", "", operations, documents)
        return SoapAdapter(SoapSettings(url, auth=auth, tls=tls), service, session)

    return make


JSON = Body(Format.JSON, b'{"n":1}')
ASK = Body(Format.XML, b'<t:Ask xmlns:t="urn:t">1</t:Ask>')
TOLD = Body(Format.XML, b'<t:Told xmlns:t="urn:t">2</t:Told>')
V11, V12 = SoapVersion.V11, SoapVersion.V12
TOLD_11 = Body(Format.XML, f'<t:Told xmlns:t="urn:t" xmlns:soap="{V11.namespace}">2</t:Told>'.encode())
TOLD_12 = Body(Format.XML, f'<t:Told xmlns:t="urn:t" xmlns:soap="{V12.namespace}">2</t:Told>'.encode())
KINDS = (
    Kind("rest", _rest, JSON, b'{"m":2}', "application/json", Body(Format.JSON, b'{"m":2}')),
    Kind("soap-1.1", _soap(V11), ASK, enclose(V11, TOLD.data), "text/xml", TOLD_11),
    Kind("soap-1.2", _soap(V12), ASK, enclose(V12, TOLD.data), "application/soap+xml", TOLD_12),
)


@pytest.fixture(params=KINDS, ids=lambda kind: str(kind.name))
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


@pytest.fixture
def password() -> Basic:
    return Basic("bus", "p:ä")
