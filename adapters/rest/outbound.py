"""Systems that speak REST: a call is a request to one operation of theirs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import aiohttp
from yarl import URL

from adapters.auth import HttpAuth, NoAuth, Tls
from adapters.call import Call, FaultRule, Outcome, Result
from adapters.endpoint import Endpoint, endpoint, headers_are_safe, merged
from adapters.http import Answer, Defect, Request, by_status, perform
from adapters.payload import Undecodable, as_received, is_page, payload
from adapters.rest.cloud_events import MEDIA_TYPE, EventForm, as_document, as_headers
from adapters.rest.target import Target, Unfillable, take
from adapters.signing import Signer
from bus.clock import Clock, SystemClock
from bus.envelope import Body, Format
from bus.errors import SenderFault
from contracts.json_body import parse_json

ACCEPT = "application/json, application/xml;q=0.9, */*;q=0.1"
CONTENT_TYPES = {Format.JSON: "application/json", Format.XML: "application/xml; charset=utf-8"}
BODILESS = frozenset({"GET", "HEAD", "DELETE"})


@dataclass(frozen=True, slots=True)
class Failure:
    """How an operation says in its answer's body that it failed.

    `when` is asked of the answer, parsed. `code` selects the receiver's own error code out of it; without one the code
    is the HTTP status. `faults` gives a code the name of a declared fault; a code in `retry` is trouble, for a while.
    """

    when: Callable[[object], bool]
    code: Callable[[object], object] | None = None
    faults: Mapping[str, str] = field(default_factory=dict)
    retry: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RestOperation:
    """One operation: `path` follows the endpoint, and its ``{field}`` is filled from the top level of the JSON body.

    `query` names for each parameter the field that it takes. Fields in the path or the query leave the body.
    """

    method: str = "POST"
    path: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class RestSettings:
    """A system that speaks REST, its secrets resolved. Without operations every call is a POST to the endpoint.

    `events`: how events are given to it, None: as any other message. `signer`: who signs what is sent, if anybody.
    """

    endpoint: str
    operations: Mapping[str, RestOperation] = field(default_factory=dict)
    auth: HttpAuth = field(default_factory=NoAuth)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    tls: Tls | None = None
    events: EventForm | None = None
    signer: Signer | None = field(default=None, repr=False)


class RestAdapter:
    """Calls one REST system. Raises `SettingInvalid` when it is made, and nothing afterwards."""

    def __init__(self, settings: RestSettings, session: aiohttp.ClientSession, clock: Clock | None = None) -> None:
        self._session = session
        self._clock = clock or SystemClock()
        operations = settings.operations or {"": RestOperation()}
        self._operations = {name: self._prepared(settings, operation) for name, operation in operations.items()}

    async def call(self, call: Call) -> Outcome:
        operation = self._operation(call.operation)
        if operation is None:
            return Outcome(Result.MISCONFIGURED, "operation-unknown")
        read = partial(_read, operation.settings.failure, self._clock)
        return await perform(self._session, self._clock, call, operation.prepare, read)

    @staticmethod
    def _prepared(settings: RestSettings, operation: RestOperation) -> "_Operation":
        headers = merged(settings.headers, operation.headers)
        checked = endpoint(settings.endpoint, auth=settings.auth, headers=headers, tls=settings.tls)
        target = Target(operation.path, operation.query)
        return _Operation(operation, checked, target, settings.events, settings.signer)

    def _operation(self, name: str | None) -> "_Operation | None":
        """The operation of that name; a route need not name the only one."""
        if name is None and len(self._operations) == 1:
            return next(iter(self._operations.values()))
        return self._operations.get(name or "")


@dataclass(frozen=True, slots=True)
class _Operation:
    settings: RestOperation
    endpoint: Endpoint
    target: Target
    events: EventForm | None
    signer: Signer | None

    def prepare(self, call: Call) -> Request | Outcome:
        if not headers_are_safe(call.headers):
            return Outcome(Result.REFUSED, "header-invalid")
        try:
            where, body = self._filled(call.body)
        except Unfillable:
            return Outcome(Result.REFUSED, "path-value")
        method = self.settings.method.upper()
        content, data = self._content(call, None if method in BODILESS else Body(call.body.format, body))
        headers = merged({"Accept": ACCEPT}, call.headers, content, self.endpoint.headers)
        url = URL(self.endpoint.url + where, encoded=True)
        if self.signer:
            headers = self.signer.signed(method, url, headers, data)
        return Request(method, url, headers, data, self.endpoint.tls)

    def _content(self, call: Call, body: Body | None) -> tuple[dict[str, str], bytes | None]:
        """The headers that say what is sent, and its bytes. An event without a body is told by its headers alone."""
        attributes = self.events.attributes(call.event) if self.events and call.event else {}
        if body and attributes and self.events and self.events.structured:
            return {"Content-Type": f"{MEDIA_TYPE}; charset=utf-8"}, as_document(attributes, body)
        told = as_headers(attributes)
        return (told | {"Content-Type": CONTENT_TYPES[body.format]}, body.data) if body else (told, None)

    def _filled(self, body: Body) -> tuple[str, bytes]:
        """Path and query, and the body that is left; without fields to take, the sender's own bytes."""
        if not self.target.fields:
            return self.target.fill({}), body.data
        if body.format is not Format.JSON:
            raise Unfillable
        values, rest = take(body.data, self.target.fields)
        return self.target.fill(values), rest


def _read(failure: Failure | None, clock: Clock, call: Call, answer: Answer) -> Outcome:
    """Declared faults first, then the failure that a 2xx may hide, then the status."""
    try:
        body = payload(answer.content_type, answer.data) if answer.data.strip() else None
    except Undecodable:
        return _invalid(Defect.UNDECODABLE, answer, as_received(answer.data), clock)
    if body is not None and is_page(body.data):
        return _invalid("reply-html", answer, body, clock)
    named = next((rule.name for rule in call.faults if rule.status == answer.status), None)
    if named is not None:
        return Outcome(Result.FAULT, "declared-fault", answer.status, body, fault=named)
    if failure and body and (outcome := _failed(failure, call.faults, answer, body)):
        return outcome
    if not answer.is_success:
        return by_status(answer, clock)
    return Outcome(Result.ANSWERED, f"http-{answer.status}", answer.status, body)


def _invalid(code: str, answer: Answer, body: Body, clock: Clock) -> Outcome:
    """What cannot be the system's own answer: an error page speaks by its status alone."""
    if answer.is_success:
        return Outcome(Result.REPLY_INVALID, code, answer.status, body)
    return by_status(answer, clock)


def _failed(failure: Failure, declared: tuple[FaultRule, ...], answer: Answer, body: Body) -> Outcome | None:
    """What the operation's own rule makes of an answer, None where it has nothing to say."""
    status = answer.status
    try:
        value = parse_json(body.data)
    except SenderFault:
        return Outcome(Result.REPLY_INVALID, "reply-not-json", status, body) if answer.is_success else None
    if not failure.when(value):
        return None
    code = str(failure.code(value) if failure.code else status)
    fault = failure.faults.get(code)
    if fault is not None and any(rule.name == fault for rule in declared):
        return Outcome(Result.FAULT, "declared-fault", status, body, fault=fault)
    if code in failure.retry:
        return Outcome(Result.TROUBLE, "failure-in-reply", status)
    return Outcome(Result.REFUSED, "failure-in-reply", status) if answer.is_success else None
