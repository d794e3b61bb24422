"""What a WSDL asks of callers: WS-Addressing, with the action of each operation; WS-Security; MTOM (WS-MTOMPolicy 1.0,
and W3C 2007).

WS-Addressing 1.0 Metadata (W3C 2007) and its forerunner WSDL Binding (2006), with policies as .NET, Metro and CXF write
them; the same of the submission of August 2004.
"""

from collections.abc import Iterable, Iterator, Mapping

from lxml import etree

from adapters.soap.addressing import Edition
from adapters.soap.sources import WSDL

WSAM = "{http://www.w3.org/2007/05/addressing/metadata}"
WSAW = "{http://www.w3.org/2006/05/addressing/wsdl}"
DRAFT = "{http://www.w3.org/2006/02/addressing/wsdl}"
SUBMISSION = "{http://schemas.xmlsoap.org/ws/2004/08/addressing}"
ASSERTIONS = {
    f"{WSAM}Addressing": Edition.W3C,
    f"{WSAW}UsingAddressing": Edition.W3C,
    f"{DRAFT}UsingAddressing": Edition.W3C,
    "{http://schemas.xmlsoap.org/ws/2004/08/addressing/policy}UsingAddressing": Edition.SUBMISSION,
}
MTOM = (
    "{http://schemas.xmlsoap.org/ws/2004/09/policy/optimizedmimeserialization}OptimizedMimeSerialization",
    "{http://www.w3.org/2007/08/soap12-mtom-policy}MTOM",
)
POLICIES = ("{http://schemas.xmlsoap.org/ws/2004/09/policy}", "{http://www.w3.org/ns/ws-policy}")
# WS-SecurityPolicy 1.2, its draft, and its forerunner: an assertion, and the scheme of `auth` that meets it.
SECURITY = {
    f"{{{namespace}}}{name}": scheme
    for namespace in (
        "http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702",
        "http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200512",
        "http://schemas.xmlsoap.org/ws/2005/07/securitypolicy",
    )
    for name, scheme in (("AsymmetricBinding", "wsse-x509"), ("UsernameToken", "wsse-username"))
}
WSU_ID = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd}Id"


def asked(definitions: Mapping[str, etree._Element], nodes: Iterable[etree._Element]) -> Edition | None:
    """The edition of WS-Addressing that a port asks for by what stands in these nodes, its own and its binding's."""
    return next((ASSERTIONS[str(each.tag)] for each in _assertions(definitions, nodes, ASSERTIONS)), None)


def mtom_asked(definitions: Mapping[str, etree._Element], nodes: Iterable[etree._Element]) -> bool:
    """Whether a port asks for requests in the parts of MTOM."""
    return next(_assertions(definitions, nodes, MTOM), None) is not None


def secured(definitions: Mapping[str, etree._Element], nodes: Iterable[etree._Element]) -> tuple[str, ...]:
    """The schemes of WS-Security that it asks for so."""
    return tuple(dict.fromkeys(SECURITY[str(each.tag)] for each in _assertions(definitions, nodes, SECURITY)))


def _assertions(
    definitions: Mapping[str, etree._Element], nodes: Iterable[etree._Element], names: Iterable[str]
) -> Iterator[etree._Element]:
    """What is asserted by those names; what may be left out asks for nothing."""
    policies = {policy.get(WSU_ID) or policy.get("Id"): policy for policy in _every(definitions.values(), "Policy")}
    for node in nodes:
        # What an operation says is not the port's.
        own = [each for each in node if each.tag != f"{WSDL}operation"]
        led_to = [policies.get(each.get("URI", "").removeprefix("#")) for each in _every(own, "PolicyReference")]
        for each in (*own, *(policy for policy in led_to if policy is not None)):
            for assertion in each.iter(*names):
                if not any(assertion.get(f"{policy}Optional") in {"true", "1"} for policy in POLICIES):
                    yield assertion


def actions(
    definitions: Mapping[str, etree._Element], port_type: etree.QName, stated: Mapping[str, str]
) -> dict[str, str]:
    """The action of each operation's request: as the port type says it, else the SOAPAction that is `stated`, else by
    the rule of Metadata §4.4.4: namespace, port type and input, parted by slashes, in a URN by colons."""
    found = dict[str, str]()
    for node in _operations(definitions, port_type):
        name, given = node.get("name", ""), node.find(f"{WSDL}input")
        said = () if given is None else (given.get(f"{each}Action", "") for each in (WSAM, WSAW, DRAFT, SUBMISSION))
        found[name] = next(filter(None, said), None) or stated.get(name) or _default(port_type, node)
    return found


def _default(port_type: etree.QName, operation: etree._Element) -> str:
    namespace = port_type.namespace or ""
    slash = ":" if namespace.lower().startswith("urn:") else "/"
    given, answered = operation.find(f"{WSDL}input"), operation.find(f"{WSDL}output")
    name = operation.get("name", "") + ("Request" if answered is not None else "")
    named = given.get("name") if given is not None else None
    return slash.join((namespace.removesuffix(slash), port_type.localname, named or name))


def _operations(definitions: Mapping[str, etree._Element], port_type: etree.QName) -> Iterator[etree._Element]:
    for root in definitions.values():
        if root.get("targetNamespace", "") == (port_type.namespace or ""):
            for node in root.iterfind(f"{WSDL}portType"):
                if node.get("name") == port_type.localname:
                    yield from node.iterfind(f"{WSDL}operation")


def _every(nodes: Iterable[etree._Element], name: str) -> Iterator[etree._Element]:
    for node in nodes:
        yield from node.iter(*(f"{policy}{name}" for policy in POLICIES))
