"""What a SOAP fault means for the delivery (SOAP 1.1 §4.4, SOAP 1.2 Part 1 §5.4)."""

from collections.abc import Iterator, Sequence

from lxml import etree

from adapters.call import FaultRule, Outcome, Result
from adapters.soap.envelope import Opened, SoapVersion, alone
from bus.envelope import Body, Format

# Local names of fault codes and subcodes, from the most to the least telling: OASIS WS-Security 1.0 §12, WS-Addressing
# 1.0 SOAP Binding §6.4 and the submission of 2004 §4, SOAP 1.1 §4.4.1 with its own example of a dotted code, SOAP 1.2
# §5.4.6.
MEANINGS: dict[str, tuple[Result, str]] = {
    **dict.fromkeys(
        (
            "FailedAuthentication", "FailedCheck", "InvalidSecurity", "InvalidSecurityToken",
            "SecurityTokenUnavailable", "UnsupportedAlgorithm", "UnsupportedSecurityToken", "Authentication",
        ),
        (Result.MISCONFIGURED, "soap-security"),
    ),
    "ActionNotSupported": (Result.MISCONFIGURED, "soap-action"),
    "ActionMismatch": (Result.MISCONFIGURED, "soap-action"),
    **dict.fromkeys(
        (
            "DestinationUnreachable", "InvalidAddressingHeader", "MessageAddressingHeaderRequired",
            "InvalidMessageInformationHeader", "MessageInformationHeaderRequired",
        ),
        (Result.MISCONFIGURED, "soap-addressing"),
    ),
    "VersionMismatch": (Result.MISCONFIGURED, "soap-version"),
    "MustUnderstand": (Result.MISCONFIGURED, "soap-must-understand"),
    "DataEncodingUnknown": (Result.MISCONFIGURED, "soap-encoding"),
    "Client": (Result.REFUSED, "soap-client"),
    "Sender": (Result.REFUSED, "soap-client"),
    "Server": (Result.TROUBLE, "soap-server"),
    "Receiver": (Result.TROUBLE, "soap-server"),
}  # fmt: skip


def fault_outcome(opened: Opened, declared: Sequence[FaultRule], status: int) -> Outcome:
    """A declared fault by the name of a child of its detail, else what its codes say.

    Rules by HTTP status are not asked, since every fault of SOAP 1.1 is a 500; hence too a code that means nothing here
    is the receiver's own failure.
    """
    if opened.child is None:
        return Outcome(Result.REPLY_INVALID, "reply-not-soap", status)
    names = {rule.element: rule.name for rule in declared if rule.element}
    for child in _detail(opened.child, opened.version):
        if (name := names.get(str(child.tag))) is not None:
            return Outcome(Result.FAULT, "declared-fault", status, Body(Format.XML, alone(child)), fault=name)
    words = frozenset(word for code in _codes(opened.child, opened.version) for word in code.split("."))
    result, code = next((MEANINGS[word] for word in MEANINGS if word in words), (Result.TROUBLE, "soap-fault"))
    return Outcome(result, code, status)


def _detail(fault: etree._Element, version: SoapVersion) -> list[etree._Element]:
    # SOAP 1.1 §4.4 leaves detail without a namespace, some servers give it the envelope's. SOAP::Lite keeps it in SOAP
    # 1.2, where it is a qualified Detail (Part 1 §5.4.5).
    namespace = f"{{{version.namespace}}}"
    return [
        child for name in (f"{namespace}Detail", f"{namespace}detail", "detail") for child in fault.findall(f"{name}/*")
    ]


def _codes(fault: etree._Element, version: SoapVersion) -> Iterator[str]:
    """The local names of the code and of every subcode; of a code of SOAP 1.1 in 1.2 too, as SOAP::Lite writes it."""
    namespace = f"{{{version.namespace}}}"
    values = [*fault.findall("faultcode"), *fault.findall(f"{namespace}faultcode")]
    if version is SoapVersion.V12:
        values += fault.iter(f"{namespace}Value")
    for value in values:
        yield (value.text or "").strip().rpartition(":")[2]
