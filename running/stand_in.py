"""Stand-ins for systems, made of their descriptions alone: they check what they are asked and answer with a sample.

For trying an import and for developing against a contract, on loopback: nothing of the real service is called. This
module serves them, and is the one for SOAP; `running.stand_in_rest` is the one for REST.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from lxml import etree

from adapters.soap.envelope import NotSoap, SoapVersion, alone, enclose, open_envelope
from adapters.soap.wsdl import Operation, Service
from bus.envelope import Body, Format
from bus.errors import BusError
from contracts.xsd import XsdDocuments, XsdValidator
from transforms.xml_sample import NoSample
from transforms.xml_view import XmlView

LARGEST = 1024 * 1024
"""Bytes of a request that a stand-in reads."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, its path as it follows the system's endpoint; names of headers in small letters."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """HTTP status and body of an answer, and its media type."""

    status: int
    body: bytes = b""
    media: str = "application/json"


Answerer = Callable[[Asked], Answered]


@contextmanager
def standing_in(systems: Mapping[str, Answerer], port: int = 0) -> Iterator[Mapping[str, str]]:
    """Stand-ins for systems, by name; where each answers. `port` 0: one that is free."""
    server = ThreadingHTTPServer(("127.0.0.1", port), _Handler)
    server.daemon_threads = True
    server.systems = dict(systems)  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield {system: f"http://127.0.0.1:{server.server_port}/{system}" for system in systems}
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def soap(service: Service) -> Answerer:
    """The stand-in of a SOAP system."""
    version = next(iter(service.operations.values())).version
    media = "text/xml" if version is SoapVersion.V11 else "application/soap+xml"

    def answer(asked: Asked) -> Answered:
        status, body = answered(service, asked.body, _action(asked.headers))
        return Answered(status, body, f"{media}; charset=utf-8")

    return answer


def _action(headers: Mapping[str, str]) -> str:
    """SOAP 1.1 §6.1.1 has a header for it, SOAP 1.2 Part 2 §6.5.3 a parameter of the media type."""
    media = Message()
    media["Content-Type"] = headers.get("content-type", "")
    return (headers.get("soapaction") or str(media.get_param("action") or "")).strip('"')


def answered(service: Service, envelope: bytes, action: str = "") -> tuple[int, bytes]:
    """HTTP status and envelope of the answer: a sample of what the WSDL promises, or a fault.

    `action` is what the caller says of itself beside the envelope: it parts operations that carry the same.
    """
    version = next(iter(service.operations.values())).version
    try:
        child = open_envelope(envelope).child
    except NotSoap:
        return _fault(version, "this is no SOAP envelope")
    operation = _operation(service, None if child is None else str(child.tag), action)
    if operation is None:
        return _fault(version, "the WSDL has no such operation")
    if child is not None and operation.encoding is None:
        wrong = _wrong(service.documents, child)
        if wrong:
            return _fault(version, f"it does not fit its schema: {wrong}")
    if operation.output is None:
        return 202, b""
    try:
        view = XmlView(service.documents, operation.output)
        return 200, enclose(version, view.encode(view.sample()))
    except (BusError, NoSample):
        return _fault(version, "no sample of the answer can be made")


def _operation(service: Service, element: str | None, action: str) -> Operation | None:
    same = [each for each in service.operations.values() if each.input == element]
    return next((each for each in same if each.action == action), same[0] if same else None)


def _wrong(documents: XsdDocuments, child: etree._Element) -> str:
    _, findings = XsdValidator(documents, str(child.tag)).check(Body(Format.XML, alone(child)))
    return ", ".join(f"{each.place} {each.rule}" for each in findings[:3])


def _fault(version: SoapVersion, text: str) -> tuple[int, bytes]:
    """The sender's fault (SOAP 1.1 §4.4, SOAP 1.2 Part 1 §5.4)."""
    if version is SoapVersion.V11:
        inner = f"<faultcode>s:Client</faultcode><faultstring>{text}</faultstring>"
    else:
        inner = (
            f"<s:Code><s:Value>s:Sender</s:Value></s:Code><s:Reason><s:Text xml:lang='en'>{text}</s:Text></s:Reason>"
        )
    return 500, enclose(version, f'<s:Fault xmlns:s="{version.namespace}">{inner}</s:Fault>'.encode())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        where, _, query = self.path.partition("?")
        system, _, path = where.lstrip("/").partition("/")
        answerer: Answerer | None = self.server.systems.get(system)  # type: ignore[attr-defined]
        length = min(int(self.headers.get("Content-Length") or 0), LARGEST)
        body = self.rfile.read(length)
        if answerer is None:
            given = Answered(404, b"", "text/plain")
        else:
            headers = {name.lower(): value for name, value in self.headers.items()}
            given = answerer(Asked(self.command, f"/{path}" if path else "", query, headers, body))
        self.send_response(given.status)
        self.send_header("Content-Type", given.media)
        self.send_header("Content-Length", str(len(given.body)))
        self.end_headers()
        self.wfile.write(given.body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - the library's own names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the library's own name
        pass
