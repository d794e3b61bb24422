"""Systems that speak SOAP: a call is one element in the Body of an envelope."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import aiohttp
from cryptography import x509
from lxml import etree
from yarl import URL

from adapters.auth import Auth, NoAuth, Tls, WsseSignature, WsseUsername
from adapters.call import Call, Outcome, Result
from adapters.endpoint import endpoint, headers_are_safe, merged
from adapters.http import Answer, Defect, Request, by_status, perform
from adapters.payload import Undecodable, as_received, is_page, known_charset, to_utf8
from adapters.soap.addressing import answers, asking, message_id
from adapters.soap.envelope import NotSoap, Opened, alone, enclose, open_envelope
from adapters.soap.faults import fault_outcome
from adapters.soap.manner import Block, Manner
from adapters.soap.multipart import NotRelated, envelope_of
from adapters.soap.security import username_token
from adapters.soap.signing import Signer
from adapters.soap.verifying import signed_part
from adapters.soap.writing import Inexpressible
from adapters.soap.wsdl import Operation, Service
from bus.clock import Clock, SystemClock
from bus.envelope import Body, Format
from bus.errors import SettingInvalid


@dataclass(frozen=True, slots=True)
class SoapSettings:
    """A system that speaks SOAP, its secrets resolved. Without an `endpoint` the address is the WSDL's. With
    `signed_by`, an answer is taken only where the key of this certificate signed it."""

    endpoint: str | None = None
    auth: Auth = field(default_factory=NoAuth)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    tls: Tls | None = None
    manner: Manner = field(default_factory=Manner)
    signed_by: x509.Certificate | None = field(default=None, repr=False)
    blocks: Sequence[Block] = ()


@dataclass(frozen=True, slots=True)
class _Way:
    """An operation, and the headers and header blocks of every call of it."""

    operation: Operation
    headers: Mapping[str, str] = field(repr=False)
    blocks: bytes = field(default=b"", repr=False)


class SoapAdapter:
    """Calls one port of one SOAP service. Raises `SettingInvalid` when it is made, and nothing afterwards."""

    def __init__(
        self, settings: SoapSettings, service: Service, session: aiohttp.ClientSession, clock: Clock | None = None
    ) -> None:
        address = settings.endpoint or service.address
        if not address:
            raise SettingInvalid(name="endpoint", hint="give one: the WSDL has no address")
        self._session = session
        self._clock = clock or SystemClock()
        self._manner = settings.manner
        self._charset = known_charset(settings.manner.charset) if settings.manner.charset else ""
        self._wsse = settings.auth if isinstance(settings.auth, WsseUsername) else None
        self._signer = Signer(settings.auth) if isinstance(settings.auth, WsseSignature) else None
        self._signed_by = settings.signed_by
        self._endpoint = endpoint(address, auth=settings.auth, headers=settings.headers, tls=settings.tls, query=True)
        self._url = URL(self._endpoint.url)
        declared = {header for each in service.operations.values() for header in each.headers}
        self._ways = {
            name: self._compiled(
                each,
                [block for block in settings.blocks if block.element in each.headers or block.element not in declared],
            )
            for name, each in service.operations.items()
        }

    def _compiled(self, operation: Operation, blocks: Iterable[Block]) -> _Way:
        try:
            written = b"".join(self._manner.block(each, operation.version) for each in blocks)
        except Inexpressible:
            raise SettingInvalid(name="soap.headers", hint="a name in them is not in requestCharset") from None
        return _Way(operation, merged(self._endpoint.headers, self._manner.headers(operation)), written)

    async def call(self, call: Call) -> Outcome:
        way = self._way(call.operation)
        if way is None:
            return Outcome(Result.MISCONFIGURED, "operation-unknown")
        asked = message_id(call.headers) if self._manner.addressing else ""
        prepare, read = partial(self._prepare, way, asked), partial(self._read, way.operation, asked)
        return await perform(self._session, self._clock, call, prepare, read)

    def _way(self, name: str | None) -> _Way | None:
        """The way to the operation of that name; a route need not name the only one."""
        if name is None and len(self._ways) == 1:
            return next(iter(self._ways.values()))
        return self._ways.get(name or "")

    def _prepare(self, way: _Way, asked: str, call: Call) -> Request | Outcome:
        if call.body.format is not Format.XML:
            return Outcome(Result.REFUSED, "body-not-xml")
        if not headers_are_safe(call.headers):
            return Outcome(Result.REFUSED, "header-invalid")
        operation, data = way.operation, call.body.data
        if operation.encoding and data:
            data = operation.encoding.put_on(data, operation.version)
        try:
            data = self._manner.payload(data)
        except Inexpressible:
            return Outcome(Result.REFUSED, "body-inexpressible")
        body = self._envelope(operation, data, self._header(operation, asked) + way.blocks)
        headers = merged(call.headers, way.headers)
        headers["Content-Type"], body = self._manner.written(headers["Content-Type"], body, call.attachments)
        return Request("POST", self._url, headers, body, self._endpoint.tls)

    def _envelope(self, operation: Operation, data: bytes, header: bytes) -> bytes:
        version, prefix = operation.version, self._manner.envelope
        if self._signer:
            return self._signer.enclosed(version, data, header, self._clock.now(), prefix)
        return enclose(version, data, header, prefix)

    def _header(self, operation: Operation, asked: str) -> bytes:
        """The header blocks of a call."""
        manner, header = self._manner, b""
        if manner.addressing:
            soap, to = manner.envelope, manner.to or self._endpoint.url
            declared = f' {soap}:mustUnderstand="1" xmlns:{soap}="{operation.version.namespace}"'
            understood = declared if manner.must_understand else ""
            header = asking(manner.addressing, to, operation.addressed, asked, understood)
        if self._wsse:
            header += username_token(operation.version, self._wsse, self._clock.now(), manner.envelope)
        return header

    def _read(self, operation: Operation, asked: str, call: Call, answer: Answer) -> Outcome:
        """The envelope first, whatever the status: servers put faults into 200 and answers into 500."""
        status, clock = answer.status, self._clock
        if not answer.data.strip():
            return self._empty(operation, answer)
        opened = self._opened(operation, answer, call.max_bytes)
        if isinstance(opened, Outcome):
            return opened
        if defect := self._defect(opened, asked):
            return _invalid(defect, answer, answer.data, clock)
        if opened.is_fault:
            return fault_outcome(opened, call.faults if opened.is_proved else (), status)
        if not answer.is_success:
            return by_status(answer, clock)
        reply = self._nothing(operation) if opened.child is None else Body(Format.XML, alone(opened.child))
        return Outcome(Result.ANSWERED, f"http-{status}", status, reply, attachments=opened.attachments)

    def _defect(self, opened: Opened, asked: str) -> str | None:
        """What keeps an envelope from being the answer to this call."""
        if self._manner.addressing and not answers(opened.headers, self._manner.addressing, asked):
            return "reply-unrelated"
        # Servers do not sign that they understood nothing: such a fault is believed by its code, as a status is.
        return None if opened.is_proved or opened.is_fault else "reply-unsigned"

    def _opened(self, operation: Operation, answer: Answer, limit: int) -> Opened | Outcome:
        try:
            kind, data, attachments = envelope_of(answer.content_type, answer.data, limit)
            data = to_utf8(kind, data, self._charset)
        except (NotRelated, Undecodable) as error:
            code = Defect.UNDECODABLE if isinstance(error, Undecodable) else "reply-not-soap"
            return _invalid(code, answer, answer.data, self._clock)
        try:
            if self._signed_by is None:
                return replace(_opened(operation, data), attachments=attachments)
            signed = signed_part(data, self._signed_by, self._clock.now())
            opened = _opened(operation, data if signed is None else signed)
            # Headers are not of what was signed; all that is read of them is that they do not contradict.
            is_proved = signed is not None and not attachments  # which a signature does not cover
            return replace(opened, headers=open_envelope(data).headers, is_proved=is_proved)
        except NotSoap:
            return _invalid("reply-html" if is_page(data) else "reply-not-soap", answer, data, self._clock)

    def _empty(self, operation: Operation, answer: Answer) -> Outcome:
        """No body answers a one-way operation (WS-I Basic Profile 1.1, R2714); of another it says nothing."""
        status = answer.status
        if not answer.is_success:
            return by_status(answer, self._clock)
        if self._signed_by and operation.output is not None:
            return Outcome(Result.REPLY_INVALID, "reply-unsigned", status)
        reply = self._nothing(operation)
        if reply or operation.output is None or status == 202:
            return Outcome(Result.ANSWERED, f"http-{status}", status, reply)
        return Outcome(Result.REPLY_INVALID, "reply-empty", status)

    def _nothing(self, operation: Operation) -> Body | None:
        """What an answer without anything in it says: where that is one, the operation's element with nothing in it."""
        if operation.output is None or not self._manner.empty_answer:
            return None
        return Body(Format.XML, etree.tostring(etree.Element(operation.output)))


def _opened(operation: Operation, data: bytes) -> Opened:
    """Raises `NotSoap`."""
    return open_envelope(operation.encoding.take_off(data, operation.output) if operation.encoding else data)


def _invalid(code: str, answer: Answer, data: bytes, clock: Clock) -> Outcome:
    """What is no envelope is somebody else's page or error, and speaks by its status alone."""
    if answer.is_success:
        return Outcome(Result.REPLY_INVALID, code, answer.status, as_received(data))
    return by_status(answer, clock)
