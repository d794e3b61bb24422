"""How one server wants to be spoken to, where old ones differ from each other: said once, in its system's document."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from adapters.soap.addressing import Edition
from adapters.soap.envelope import SoapVersion
from adapters.soap.wsdl import Operation

ACCEPT = {SoapVersion.V11: "text/xml", SoapVersion.V12: "application/soap+xml"}


class Spelling(StrEnum):
    """How the action of an operation is written in HTTP."""

    QUOTED = "quoted"  # "urn:his:ask", as SOAP 1.1 §6.1.1 has it
    BARE = "bare"  # urn:his:ask
    EMPTY = "empty"  # "", whatever the operation
    NONE = "none"  # not at all


@dataclass(frozen=True, slots=True)
class Manner:
    """One server's own manner; as it is made, what most of them take.

    `to` is what the server believes its own address to be, where that is not the one that it is called at.
    """

    action: Spelling = Spelling.QUOTED
    addressing: Edition | None = None
    must_understand: bool = False
    to: str | None = None

    def headers(self, operation: Operation) -> Mapping[str, str]:
        """SOAP 1.1 §6.1.1 names the action in a header, SOAP 1.2 Part 2 §6.5.3 in a parameter of the media type, which
        may be left out."""
        action = {Spelling.BARE: operation.action, Spelling.EMPTY: '""'}.get(self.action, f'"{operation.action}"')
        kind, accept = f"{ACCEPT[operation.version]}; charset=utf-8", {"Accept": ACCEPT[operation.version]}
        if self.action is Spelling.NONE:
            return {"Content-Type": kind, **accept}
        if operation.version is SoapVersion.V11:
            return {"Content-Type": kind, "SOAPAction": action, **accept}
        said = operation.action or self.action is Spelling.EMPTY
        return {"Content-Type": f"{kind}; action={action}" if said else kind, **accept}
