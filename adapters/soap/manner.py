"""How one server wants to be spoken to, where old ones differ from each other: said once, in its system's document."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from adapters.payload import known_charset
from adapters.soap.addressing import Edition
from adapters.soap.envelope import PREFIX, SoapVersion
from adapters.soap.multipart import RELATED, packaged, with_attachments
from adapters.soap.writing import encoded, fit, prefixed
from adapters.soap.wsdl import Operation
from adapters.soap.xop import NAMESPACE, take_out
from bus.envelope import Attachment
from contracts.xml_body import parse_xml

ACCEPT = {SoapVersion.V11: "text/xml", SoapVersion.V12: "application/soap+xml"}


class Spelling(StrEnum):
    """How the action of an operation is written in HTTP."""

    QUOTED = "quoted"  # "urn:his:ask", as SOAP 1.1 §6.1.1 has it
    BARE = "bare"  # urn:his:ask
    EMPTY = "empty"  # "", whatever the operation
    NONE = "none"  # not at all


@dataclass(frozen=True, slots=True)
class Block:
    """A header block that is the same in each call; `data` is a document of its own, which may hold secrets."""

    element: str
    data: bytes = field(repr=False)
    must_understand: bool = False


@dataclass(frozen=True, slots=True)
class Manner:
    """One server's own manner; as it is made, what most of them take.

    `to` is what the server believes its own address to be, where that is not the one that it is called at. `charset`
    is what answers are in whatever they say, `request_charset` what requests are in. `prefixes` are those of
    namespaces, the empty one that of none. With `empty_answer`, an answer with nothing in it is one. With `mtom`,
    requests are in the parts of MTOM.
    """

    action: Spelling = Spelling.QUOTED
    addressing: Edition | None = None
    must_understand: bool = False
    to: str | None = None
    charset: str = ""
    request_charset: str = ""
    envelope: str = PREFIX
    prefixes: Mapping[str, str] = field(default_factory=dict)
    empty_answer: bool = False
    mtom: bool = False

    def headers(self, operation: Operation) -> Mapping[str, str]:
        """SOAP 1.1 §6.1.1 names the action in a header, SOAP 1.2 Part 2 §6.5.3 in a parameter of the media type, which
        may be left out."""
        action = {Spelling.BARE: operation.action, Spelling.EMPTY: '""'}.get(self.action, f'"{operation.action}"')
        charset = self.request_charset or "utf-8"
        kind = f"{ACCEPT[operation.version]}; charset={charset}"
        accept = {"Accept": f"{RELATED}, {ACCEPT[operation.version]}" if self.mtom else ACCEPT[operation.version]}
        if self.action is Spelling.NONE:
            return {"Content-Type": kind, **accept}
        if operation.version is SoapVersion.V11:
            return {"Content-Type": kind, "SOAPAction": action, **accept}
        said = operation.action or self.action is Spelling.EMPTY
        return {"Content-Type": f"{kind}; action={action}" if said else kind, **accept}

    def payload(self, data: bytes) -> bytes:
        """A request as its server reads it, in UTF-8 still. Raises `Inexpressible`."""
        if not data or not (self.request_charset or self.prefixes):
            return data
        root = parse_xml(data)
        if self.request_charset:
            fit(root, known_charset(self.request_charset))
        return prefixed(root, self.prefixes)

    def block(self, block: Block, version: SoapVersion) -> bytes:
        """A header block as its server reads it. Raises `Inexpressible`."""
        root = parse_xml(self.payload(block.data))
        if block.must_understand:
            root.set(f"{{{version.namespace}}}mustUnderstand", "1")
        return prefixed(root, {**self.prefixes, version.namespace: self.envelope})

    def written(self, content_type: str, envelope: bytes, attachments: Sequence[Attachment]) -> tuple[str, bytes]:
        """An envelope as it is sent, its media type before it: in the character set of requests, and in the parts of
        MTOM, of which it may be the only one."""
        if not self.mtom or NAMESPACE.encode() in envelope:
            return with_attachments(content_type, self._encoded(envelope), attachments)
        envelope, parts = take_out(envelope)
        return packaged(content_type, self._encoded(envelope), parts, attachments)

    def _encoded(self, envelope: bytes) -> bytes:
        charset = self.request_charset
        return encoded(envelope, known_charset(charset), charset) if charset else envelope
