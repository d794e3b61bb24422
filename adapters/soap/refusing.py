"""The bus's own errors, and the faults that contracts declare, as SOAP faults."""

import re
from collections.abc import Mapping
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from adapters.soap.envelope import SoapVersion
from bus.envelope import Body
from bus.errors import BusError, SenderFault
from bus.languages import Language, say, say_finding

ERRORS: Final = "urn:lgsp:error"
"""The namespace of what a fault's detail says of an error of the bus (docs/soap.md)."""

NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML cannot hold (XML 1.0 §2.2)."""

REPLACEMENT: Final = "\ufffd"

WSSE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSA: Final = "http://www.w3.org/2005/08/addressing"

# SOAP 1.1 §4.4.1 and SOAP 1.2 Part 1 §5.4.6 have names of their own for these, and no detail with them.
_OF_SOAP: Final[Mapping[str, str]] = {"soap-version": "VersionMismatch", "soap-must-understand": "MustUnderstand"}

# OASIS WS-Security 1.0 §12, WS-Addressing 1.0 SOAP Binding §6.4.
_NAMED: Final[Mapping[str, tuple[str, str]]] = {
    "security-invalid": (WSSE, "InvalidSecurity"),
    "security-replayed": (WSSE, "InvalidSecurity"),
    "credential-invalid": (WSSE, "FailedAuthentication"),
    "addressing-invalid": (WSA, "InvalidAddressingHeader"),
}


def fault(
    version: SoapVersion,
    error: BusError,
    language: Language,
    *,
    detail: bytes | None = None,
    message: str = "",
    body: Body | None = None,
) -> bytes:
    """The element Fault. `detail` is what the contract declares; else the error says what it is, of `message` where one
    was accepted, with the `body` of a fault as text."""
    says = _detail(error, language, message, body) if detail is None else detail
    if error.code in _OF_SOAP:
        says = b""
    return (_fault_11 if version is SoapVersion.V11 else _fault_12)(error, language, says)


def status(version: SoapVersion, error: BusError) -> int:
    """500 for every fault of SOAP 1.1 (§6.2, WS-I Basic Profile 1.1 R1126), 400 for a Sender's of SOAP 1.2; but 401
    where only that makes a client say who it is, and 405 and 415 where HTTP itself was misused (R1114, R1115)."""
    if error.status in {401, 415}:
        return error.status
    return 400 if version is SoapVersion.V12 and _code(version, error) == "Sender" else 500


def _code(version: SoapVersion, error: BusError) -> str:
    if error.code in _OF_SOAP:
        return _OF_SOAP[error.code]
    sender = isinstance(error, SenderFault)
    if version is SoapVersion.V11:
        return "Client" if sender else "Server"
    return "Sender" if sender else "Receiver"


def _fault_11(error: BusError, language: Language, detail: bytes) -> bytes:
    namespace, local = _NAMED.get(error.code, ("", ""))
    code = f"e:{local}" if namespace else f"soap:{_code(SoapVersion.V11, error)}"
    declared = f' xmlns:e="{namespace}"' if namespace else ""
    return b"".join(
        [
            f"<soap:Fault><faultcode{declared}>{code}</faultcode>".encode(),
            f'<faultstring xml:lang="{language}">{escape(say(error, language))}</faultstring>'.encode(),
            b"<detail>%b</detail>" % detail if detail else b"",
            b"</soap:Fault>",
        ]
    )


def _fault_12(error: BusError, language: Language, detail: bytes) -> bytes:
    namespace, local = _NAMED.get(error.code, (ERRORS, error.code))
    subcode = f'<soap:Subcode><soap:Value xmlns:e="{namespace}">e:{local}</soap:Value></soap:Subcode>'
    if error.code in _OF_SOAP:
        subcode = ""
    texts = "".join(
        f'<soap:Text xml:lang="{each}">{escape(say(error, each))}</soap:Text>' for each in _languages(language)
    )
    return b"".join(
        [
            f"<soap:Fault><soap:Code><soap:Value>soap:{_code(SoapVersion.V12, error)}</soap:Value>".encode(),
            f"{subcode}</soap:Code><soap:Reason>{texts}</soap:Reason>".encode(),
            b"<soap:Detail>%b</soap:Detail>" % detail if detail else b"",
            b"</soap:Fault>",
        ]
    )


def _detail(error: BusError, language: Language, message: str, body: Body | None) -> bytes:
    """What a problem document says, with each text in both languages, the preferred one first."""
    lines = [f'<e:error xmlns:e="{ERRORS}"><e:code>{error.code}</e:code>']
    lines += [f'<e:text xml:lang="{each}">{escape(say(error, each))}</e:text>' for each in _languages(language)]
    message = message or error.facts.get("message", "")
    if message:
        lines.append(f"<e:message>{escape(message)}</e:message>")
    if error.reference:
        lines.append(f"<e:reference>{escape(error.reference)}</e:reference>")
    if error.retry_after is not None:
        lines.append(f"<e:retryAfter>{error.retry_after}</e:retryAfter>")
    for finding in error.findings[:50]:
        where = f"place={quoteattr(finding.place)} rule={quoteattr(finding.rule)}"
        texts = "".join(
            f'<e:text xml:lang="{each}">{escape(say_finding(finding, each))}</e:text>' for each in _languages(language)
        )
        lines.append(f"<e:finding {where}>{texts}</e:finding>")
    if body is not None:
        lines.append(f"<e:fault>{escape(error.facts['fault'])}</e:fault>")
        lines.append(f"<e:body>{escape(NO_XML.sub(REPLACEMENT, body.data.decode(errors='replace')))}</e:body>")
    return "".join([*lines, "</e:error>"]).encode()


def _languages(preferred: Language) -> tuple[Language, ...]:
    return (preferred, *(each for each in Language if each is not preferred))
