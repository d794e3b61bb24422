"""The header blocks that a system is called with: made by the schemas of its WSDL out of what its document says."""

from collections.abc import Callable, Iterator

from adapters.soap.manner import Block
from adapters.soap.wsdl import Service
from bus.errors import DocumentInvalid, Finding, SchemaInvalid, TransformFailed
from documents.kinds.soap import Soap
from documents.kinds.values import Secret
from transforms.xml_view import XmlView


def header_blocks(soap: Soap | None, service: Service, secret: Callable[[Secret], str] = str) -> Iterator[Block]:
    """Each block; `secret` resolves what stands in place of secrets, or leaves it. Raises `DocumentInvalid`, in which
    no value is quoted, and what `secret` raises."""
    for number, header in enumerate(soap.headers if soap else ()):
        try:
            data = XmlView(service.documents, header.element).encode(_resolved(header.value, secret))
        except SchemaInvalid as error:
            raise _invalid(number, "element", error.facts["rule"]) from None
        except TransformFailed as error:
            place = error.findings[0].place.removeprefix("/").partition("/")[2]
            raise _invalid(number, f"value/{place}".removesuffix("/"), error.facts["rule"]) from None
        yield Block(header.element, data, header.must_understand)


def _resolved(value: object, secret: Callable[[Secret], str]) -> object:
    if isinstance(value, Secret):
        return secret(value)
    if isinstance(value, dict):
        return {name: _resolved(each, secret) for name, each in value.items()}
    return [_resolved(each, secret) for each in value] if isinstance(value, list) else value


def _invalid(number: int, place: str, rule: str) -> DocumentInvalid:
    return DocumentInvalid(findings=[Finding(f"/{number}/{place}", rule)], count=1)
