"""Systems that speak SOAP: a call is one element in the Body of an envelope."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

import aiohttp
from yarl import URL

from adapters.auth import HttpAuth, NoAuth, Tls, WsseUsername
from adapters.call import Call, Outcome, Result
from adapters.endpoint import endpoint, headers_are_safe, merged
from adapters.http import Answer, Defect, Request, by_status, perform
from adapters.payload import Undecodable, as_received, is_page, to_utf8
from adapters.soap.envelope import NotSoap, SoapVersion, alone, enclose, open_envelope
from adapters.soap.faults import fault_outcome
from adapters.soap.multipart import NotRelated, envelope_of
from adapters.soap.security import username_token
from adapters.soap.wsdl import Operation, Service
from bus.clock import Clock, SystemClock
from bus.envelope import Body, Format
from bus.errors import SettingInvalid


@dataclass(frozen=True, slots=True)
class SoapSettings:
    """A system that speaks SOAP, its secrets resolved. Without an `endpoint` the address is the WSDL's."""

    endpoint: str | None = None
    auth: HttpAuth | WsseUsername = field(default_factory=NoAuth)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    tls: Tls | None = None


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
        self._operations = service.operations
        self._wsse = settings.auth if isinstance(settings.auth, WsseUsername) else None
        self._endpoint = endpoint(address, auth=settings.auth, headers=settings.headers, tls=settings.tls, query=True)
        self._url = URL(self._endpoint.url)

    async def call(self, call: Call) -> Outcome:
        operation = self._operation(call.operation)
        if operation is None:
            return Outcome(Result.MISCONFIGURED, "operation-unknown")
        prepare, read = partial(self._prepare, operation), partial(_read, operation, self._clock)
        return await perform(self._session, self._clock, call, prepare, read)

    def _operation(self, name: str | None) -> Operation | None:
        """The operation of that name; a route need not name the only one."""
        if name is None and len(self._operations) == 1:
            return next(iter(self._operations.values()))
        return self._operations.get(name or "")

    def _prepare(self, operation: Operation, call: Call) -> Request | Outcome:
        if call.body.format is not Format.XML:
            return Outcome(Result.REFUSED, "body-not-xml")
        if not headers_are_safe(call.headers):
            return Outcome(Result.REFUSED, "header-invalid")
        security = username_token(operation.version, self._wsse, self._clock.now()) if self._wsse else b""
        data = call.body.data
        if operation.encoding and data:
            data = operation.encoding.put_on(data, operation.version)
        body = enclose(operation.version, data, security)
        headers = merged(call.headers, self._endpoint.headers, _content(operation))
        return Request("POST", self._url, headers, body, self._endpoint.tls)


def _content(operation: Operation) -> Mapping[str, str]:
    """SOAP 1.1 §6.1.1 names the action in a header, SOAP 1.2 Part 2 §6.5.3 in a parameter of the media type."""
    if operation.version is SoapVersion.V11:
        return {
            "Content-Type": "text/xml; charset=utf-8",
            "SOAPAction": f'"{operation.action}"',
            "Accept": "text/xml",
        }
    action = f'; action="{operation.action}"' if operation.action else ""
    return {"Content-Type": f"application/soap+xml; charset=utf-8{action}", "Accept": "application/soap+xml"}


def _read(operation: Operation, clock: Clock, call: Call, answer: Answer) -> Outcome:
    """The envelope first, whatever the status: servers put faults into 200 and answers into 500."""
    status = answer.status
    if not answer.data.strip():
        return _empty(operation, clock, answer)
    try:
        data = to_utf8(*envelope_of(answer.content_type, answer.data))
    except (NotRelated, Undecodable) as error:
        code = Defect.UNDECODABLE if isinstance(error, Undecodable) else "reply-not-soap"
        return _invalid(code, answer, answer.data, clock)
    try:
        opened = open_envelope(operation.encoding.take_off(data, operation.output) if operation.encoding else data)
    except NotSoap:
        return _invalid("reply-html" if is_page(data) else "reply-not-soap", answer, data, clock)
    if opened.is_fault:
        return fault_outcome(opened, call.faults, status)
    if not answer.is_success:
        return by_status(answer, clock)
    reply = None if opened.child is None else Body(Format.XML, alone(opened.child))
    return Outcome(Result.ANSWERED, f"http-{status}", status, reply)


def _empty(operation: Operation, clock: Clock, answer: Answer) -> Outcome:
    """No body answers a one-way operation (WS-I Basic Profile 1.1, R2714); of another it says nothing."""
    if not answer.is_success:
        return by_status(answer, clock)
    if operation.output is None or answer.status == 202:
        return Outcome(Result.ANSWERED, f"http-{answer.status}", answer.status)
    return Outcome(Result.REPLY_INVALID, "reply-empty", answer.status)


def _invalid(code: str, answer: Answer, data: bytes, clock: Clock) -> Outcome:
    """What is no envelope is somebody else's page or error, and speaks by its status alone."""
    if answer.is_success:
        return Outcome(Result.REPLY_INVALID, code, answer.status, as_received(data))
    return by_status(answer, clock)
