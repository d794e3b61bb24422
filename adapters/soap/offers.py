"""What the bus offers over SOAP: operations, how each one's payloads stand in a Body, and their description."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol

import orjson
from lxml import etree

from adapters.soap.envelope import alone
from adapters.soap.fitting import Fitting
from bus.envelope import Body, Exchange, Format
from bus.errors import BodyInvalid, OperationUnknown, TransformFailed
from contracts.descriptions.json_schema import bundled
from contracts.descriptions.model import Payload, Subject
from contracts.descriptions.wsdl import ACTION, PORT_TYPE, namespace, published, schemas
from contracts.json_body import parse_json
from contracts.model import Contract
from contracts.xsd import XsdDocuments
from transforms.xml_view import XmlView


class Read(Protocol):
    """The Body's element into the bytes of the contract's request."""

    def __call__(self, element: etree._Element | None, /) -> bytes:
        """Raises a `SenderFault`."""


Write = Callable[[Body], bytes]
"""A reply, or a fault's payload, into an element; raises `TransformFailed`."""

Describe = Callable[[str, str, str], bytes]
"""The document for an address of ours, by what is asked for: ``wsdl``, ``wsdl12`` or ``xsd``, and its number. Raises
`PathUnknown`, `SchemaInvalid`."""

WORDY: Final = 4
"""How much longer XML may be than the JSON that it says: it has each name twice, and a namespace's prefix with it."""

MOST: Final = 64 * 1024 * 1024
"""Bytes of any body, as everywhere."""

FILE: Final = "contract.xsd"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: which contract it sends, by which element in the Body (None: by none) and by which action.

    `answers` is the action of its reply (WS-Addressing 1.0 Metadata §4.4.4). One without `reply` is one-way.

    Of a contract of JSON, `whole` writes a request, where the element can say all of it, and `replies` read replies and
    faults by their elements: for those who receive by SOAP.
    """

    name: str
    contract: str
    version: str
    element: str | None
    action: str
    read: Read = field(repr=False)
    reply: Write | None = field(default=None, repr=False)
    faults: Mapping[str, Write] = field(default_factory=dict, repr=False)
    answers: str = ""
    whole: Write | None = field(default=None, repr=False)
    replies: Mapping[str, Read] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Offer:
    """One service at one address. `max_bytes` is the most that one of its requests may have, `attached` the most that
    may go along with one. `plain` takes SOAP
    encoding off an envelope before anything else reads it, where the service is written so; it raises `NotSoap`."""

    operations: tuple[Operation, ...]
    max_bytes: int
    describe: Describe = field(repr=False)
    plain: Callable[[bytes], bytes] | None = field(default=None, repr=False)
    attached: int = 0

    def operation(self, element: str | None, action: str) -> Operation:
        """The one that is called: by what stands in the Body; by the action only where that leaves several. Raises
        `OperationUnknown`."""
        found = [each for each in self.operations if each.element == element]
        if len(found) > 1:
            found = [each for each in found if each.action == action]
        if len(found) != 1:
            raise OperationUnknown
        return found[0]


def of_contract(subject: Subject, contract: Contract) -> Offer:
    """A contract as a service of one operation. Raises `SchemaInvalid`."""
    forms = _Forms(subject)
    element = forms.element("request", subject.request)
    faults = {each.name: forms.write(f"fault-{each.name}", each.payload) for each in subject.faults if each.payload}
    is_request = contract.exchange is Exchange.REQUEST
    action = f"{namespace(subject)}:{ACTION}"
    operation = Operation(
        element.rpartition("}")[2],
        contract.name,
        contract.version,
        element,
        action,
        forms.read("request", subject.request),
        forms.write("reply", subject.reply) if is_request and subject.reply else None,
        faults if is_request else {},
        f"{namespace(subject)}:{PORT_TYPE}:{element.rpartition('}')[2]}Response",
        forms.whole("request", subject.request),
        dict(forms.replies()),
    )
    most = contract.limits.max_bytes
    if subject.request.format is Format.JSON:
        most = min(most * WORDY, max(most, MOST))
    attached = contract.request.attachments.max_bytes if contract.request.attachments else 0
    return Offer((operation,), most, partial(published, subject), attached=attached)


class _Forms:
    """How the payloads of one contract stand in a Body: XML as it is, JSON by the view of the XSD made of it."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._documents: XsdDocuments | None = None
        self._views: dict[str, XmlView] = {}

    def element(self, name: str, payload: Payload) -> str:
        return payload.root or f"{{{namespace(self._subject)}}}{name}"

    def read(self, name: str, payload: Payload) -> Read:
        if payload.format is Format.XML:
            return as_it_is
        contract = f"{self._subject.name}@{self._subject.version}"
        return reading_json(self._view(name), contract, Fitting(bundled(self._subject, "#/$defs/"), name).fitted)

    def write(self, name: str, payload: Payload) -> Write:
        if payload.format is Format.XML:
            return lambda body: body.data
        return writing_json(self._view(name))

    def whole(self, name: str, payload: Payload) -> Write | None:
        if payload.format is Format.XML:
            return None
        view = self._view(name)
        return lambda body: view.encode(parse_json(body.data))

    def replies(self) -> Iterator[tuple[str, Read]]:
        for name, payload in self._subject.payloads().items():
            if name != "request" and payload.format is Format.JSON:
                yield self.element(name, payload), self.read(name, payload)

    def _view(self, name: str) -> XmlView:
        if name not in self._views:
            self._views[name] = self._made(name)
        return self._views[name]

    def _made(self, name: str) -> XmlView:
        if self._documents is None:
            found, _ = schemas(self._subject)
            self._documents = XsdDocuments({FILE: etree.tostring(found[-1])}, [FILE])
        return XmlView(self._documents, f"{{{namespace(self._subject)}}}{name}")


def as_it_is(element: etree._Element | None) -> bytes:
    """An element as the contract's own XML."""
    return b"" if element is None else alone(element)


def reading_json(view: XmlView, contract: str, then: Callable[[object], object] = lambda value: value) -> Read:
    """The view of an element as JSON; what the schema of the element does not allow breaks the contract."""

    def read(element: etree._Element | None) -> bytes:
        try:
            return orjson.dumps(then(view.decode(element)) if element is not None else {})
        except TransformFailed as error:
            raise BodyInvalid(contract=contract, count=len(error.findings), findings=error.findings) from None
        except orjson.JSONEncodeError:
            raise BodyInvalid(contract=contract, count=1) from None

    return read


def writing_json(view: XmlView) -> Write:
    """JSON as an element; members that the XSD does not name are not carried (docs/descriptions.md)."""

    def write(body: Body) -> bytes:
        return view.encode(view.carried(parse_json(body.data)))

    return write
