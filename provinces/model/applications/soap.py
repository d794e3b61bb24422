"""A SOAP service, document/literal, as a department's application offers it: envelope, WS-Security, faults.

SOAP 1.1 (W3C Note, 2000) and 1.2 (W3C Recommendation, 2007), UsernameToken profile 1.0 (OASIS, 2004).
"""

import base64
import hashlib
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lxml import etree
from starlette.requests import Request
from starlette.responses import Response

from provinces.model.applications.locks import same
from provinces.model.applications.stand_in import Clock
from provinces.model.applications.xml_documents import Element, Schema, Unreadable, maker, parse, write

WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
PASSWORD_DIGEST = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"  # noqa: S105
CLOCK_SKEW = timedelta(minutes=5)  # the profile's own recommendation, section 3.1


@dataclass(frozen=True)
class Version:
    """What differs between the versions. Statuses: SOAP 1.1 section 6.2, SOAP 1.2 part 2 section 7.5.2.2."""

    namespace: str
    media_type: str
    sender: str
    receiver: str
    sender_status: int

    def tag(self, name: str) -> str:
        return f"{{{self.namespace}}}{name}"


SOAP_1_1 = Version("http://schemas.xmlsoap.org/soap/envelope/", "text/xml", "Client", "Server", 500)
SOAP_1_2 = Version("http://www.w3.org/2003/05/soap-envelope", "application/soap+xml", "Sender", "Receiver", 400)


class Fault(Exception):
    """The service says no: whose fault, why, and a detail of its own."""

    def __init__(self, reason: str, *, sender: bool = True, code: str = "", detail: Element | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sender = sender
        self.code = code  # a subcode of WS-Security
        self.detail = detail


Operation = Callable[[Element, Request], Element]
"""From the child of one Body to the child of the other; raises `Fault`."""


@dataclass
class UsernameToken:
    """Who may call: one user with one password, sent as text or as a digest that no one can send twice."""

    username: str
    password: str = field(repr=False)
    clock: Clock
    digest: bool = False
    seen: deque[str] = field(default_factory=lambda: deque(maxlen=10_000), repr=False)

    def check(self, header: Element | None) -> None:
        """Raises `Fault` for anything but the one user."""
        token = None if header is None else header.find(f"{{{WSSE}}}Security/{{{WSSE}}}UsernameToken")
        if token is None or not same(token.findtext(f"{{{WSSE}}}Username") or "", self.username):
            raise self.refusal()
        password = token.find(f"{{{WSSE}}}Password")
        if password is None or (password.get("Type") == PASSWORD_DIGEST) != self.digest:
            raise self.refusal()
        if not same(password.text or "", self.expected(token) if self.digest else self.password):
            raise self.refusal()

    def expected(self, token: Element) -> str:
        """Base64(SHA-1(nonce + created + password)): the profile's section 3.1. Raises `Fault` when old or repeated."""
        nonce = token.findtext(f"{{{WSSE}}}Nonce") or ""
        created = token.findtext(f"{{{WSU}}}Created") or ""
        if nonce in self.seen or not self.recent(created):
            raise self.refusal()
        self.seen.append(nonce)
        try:
            raw = base64.b64decode(nonce, validate=True)
        except ValueError:
            raise self.refusal() from None
        return base64.b64encode(hashlib.sha1(raw + f"{created}{self.password}".encode()).digest()).decode()  # noqa: S324

    def recent(self, created: str) -> bool:
        try:
            return abs(datetime.fromisoformat(created) - self.clock()) < CLOCK_SKEW
        except (ValueError, TypeError):  # no date, or one without an offset
            return False

    @staticmethod
    def refusal() -> Fault:
        return Fault("Sai tên đăng nhập hoặc mật khẩu", code="FailedAuthentication")


@dataclass(frozen=True)
class Service:
    """A SOAP endpoint: operations by the local name of the element that asks for them."""

    version: Version
    schema: Schema
    door: UsernameToken
    operations: Mapping[str, Operation]
    wsdl: bytes

    async def __call__(self, request: Request) -> Response:
        """GET: the WSDL. POST: one call."""
        if request.method == "GET":
            return Response(self.wsdl, media_type="text/xml")
        try:
            answer = self.perform(await request.body(), request)
        except Fault as fault:
            status = self.version.sender_status if fault.sender else 500
            return self.response(self.fault(fault), status)
        return self.response(answer, 200)

    def perform(self, data: bytes, request: Request) -> Element:
        if not request.headers.get("content-type", "").startswith(self.version.media_type):
            raise Fault(f"Content-Type phải là {self.version.media_type}")
        try:
            envelope = parse(data)
        except Unreadable:
            raise Fault("Không đọc được XML") from None
        body = envelope.find(self.version.tag("Body"))
        if envelope.tag != self.version.tag("Envelope") or body is None or len(body) != 1:
            raise Fault("Không phải phong bì SOAP có một nội dung")
        self.door.check(envelope.find(self.version.tag("Header")))
        return self.serve(body[0], request)

    def serve(self, question: Element, request: Request) -> Element:
        operation = self.operations.get(etree.QName(question).localname)
        if operation is None:
            raise Fault("Không có nghiệp vụ này")
        if complaint := self.schema.complaint(question):
            raise Fault(complaint)
        return operation(question, request)

    def response(self, content: Element, status: int) -> Response:
        tag = self.version.tag
        envelope = etree.Element(tag("Envelope"), nsmap={"soap": self.version.namespace})
        etree.SubElement(envelope, tag("Body")).append(content)
        return Response(write(envelope), status, media_type=f"{self.version.media_type}; charset=utf-8")

    def fault(self, fault: Fault) -> Element:
        return fault_1_1(fault) if self.version is SOAP_1_1 else fault_1_2(fault)

    def rude_fault(self) -> Response:
        """A failure of our own, said with the status of success."""
        return self.response(self.fault(Fault("Lỗi nội bộ", sender=False)), 200)


def fault_1_1(fault: Fault) -> Element:
    """SOAP 1.1, section 4.4: unqualified children; a code of WS-Security replaces Client."""
    make = maker()
    soap = maker(SOAP_1_1.namespace, soap=SOAP_1_1.namespace, wsse=WSSE)
    role = SOAP_1_1.sender if fault.sender else SOAP_1_1.receiver
    code = f"wsse:{fault.code}" if fault.code else f"soap:{role}"
    element = soap("Fault", make("faultcode", code), make("faultstring", fault.reason))
    if fault.detail is not None:
        element.append(make("detail", fault.detail))
    return element


def fault_1_2(fault: Fault) -> Element:
    """SOAP 1.2 part 1, section 5.4."""
    soap = maker(SOAP_1_2.namespace, soap=SOAP_1_2.namespace, wsse=WSSE)
    role = SOAP_1_2.sender if fault.sender else SOAP_1_2.receiver
    code = soap("Code", soap("Value", f"soap:{role}"))
    if fault.code:
        code.append(soap("Subcode", soap("Value", f"wsse:{fault.code}")))
    text = soap("Text", fault.reason)
    text.set("{http://www.w3.org/XML/1998/namespace}lang", "vi")
    element = soap("Fault", code, soap("Reason", text))
    if fault.detail is not None:
        element.append(soap("Detail", fault.detail))
    return element
