"""The JSON view of an XML document, and back (see docs/mapping.md).

Local names are keys, ``@name`` attributes, ``$`` the text of an element whose type has attributes. Null is nil; null
where nil is not allowed means that the element is absent. An element that may stand more than once is always an array.
Order, namespaces and the types of values come from the schema.
"""

from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import quoteattr

from lxml import etree

from bus.errors import Finding, SchemaInvalid, SenderFault, TransformFailed
from contracts.xml_body import parse_xml
from contracts.xsd import XsdDocuments
from transforms.sources import EVERY
from transforms.xml_carried import carried
from transforms.xml_decode import Decoders
from transforms.xml_encode import Encoders
from transforms.xml_facets import JsonSchema
from transforms.xml_json_schema import ViewSchema
from transforms.xml_sample import sample
from transforms.xml_scalar import Misfit
from transforms.xml_shape import Prefixes, Shape, Shaper


class XmlView:
    """The view of documents whose root is `element`, written ``{namespace}Local``; compiled once, used by any thread.

    `problems` says what the schema allows and the view cannot express; such content is refused where it is met, never
    dropped. Raises `SchemaInvalid` where the schema has no such element.
    """

    def __init__(self, documents: XsdDocuments, element: str) -> None:
        declared = documents.model.maps.elements.get(element)
        if declared is None:
            raise SchemaInvalid(schema=documents.name, rule=f"it does not declare the element {element}")
        prefixes = Prefixes(documents.units)
        shaper = Shaper(prefixes)
        root = shaper.root(declared)
        self.element = element
        self.problems: tuple[str, ...] = tuple(shaper.problems)
        self._member = root
        self._root = root.shape
        self._step = root.key
        self._decode = Decoders().member(root)
        self._encode = _document(root, prefixes)

    def json_schema(self) -> tuple[JsonSchema, tuple[str, ...]]:
        """The JSON Schema of the view, and the facets of the XSD that it does not state."""
        schema = ViewSchema()
        return schema.of(self._member), tuple(schema.left_out)

    def sample(self) -> object:
        """A small view, always the same (see `transforms.xml_sample`). Raises `NoSample`."""
        return sample(self._member)

    def missing(self, steps: Sequence[str]) -> tuple[int, frozenset[str]] | None:
        """Where keys lead to nothing that a view of such a document has: which of them, and the keys that there are;
        None where they do. The step ``*`` goes into a list."""
        shape = self._root
        for at, step in enumerate(steps):
            if step == EVERY:
                continue
            inner = {member.key: member.shape for member in shape.content.members()} if shape.content else {}
            plain = {attribute.key for attribute in shape.attributes} | (
                {"$"} if shape.scalar and shape.attributes else set()
            )
            if step not in inner and step not in plain:
                return at, frozenset(inner.keys() | plain)
            shape = inner.get(step, Shape())
        return None

    def decode(self, document: etree._Element | bytes) -> object:
        """The view of a document, or of a root that `parse_xml` gave; raises `TransformFailed`."""
        root = self._parse(document) if isinstance(document, bytes) else document
        if root.tag != self.element:
            raise self._failed(Misfit("root", self.element))
        try:
            return self._decode(root)
        except Misfit as misfit:
            raise self._failed(misfit) from None

    def encode(self, view: object) -> bytes:
        """The document of a view: UTF-8, without an XML declaration, so that it can stand in an envelope.

        Structure, types and characters are checked, facets are not: that is `XsdValidator`'s. Raises
        `TransformFailed`.
        """
        out: list[str] = []
        try:
            self._encode(view, out)
        except Misfit as misfit:
            raise self._failed(misfit) from None
        return "".join(out).encode()

    def carried(self, view: object) -> object:
        """A view without the members that such a document has no place for."""
        return carried(self._member.shape, view)

    def _parse(self, data: bytes) -> etree._Element:
        try:
            return parse_xml(data)
        except SenderFault as fault:
            place = f"line {fault.facts.get('line', '-')}"
            raise TransformFailed(transform=self.element, rule=fault.code, place=place) from None

    def _failed(self, misfit: Misfit) -> TransformFailed:
        place = "/" + "/".join([self._step, *reversed(misfit.steps)])
        finding = Finding(place, misfit.rule, misfit.limit)
        return TransformFailed(transform=self.element, rule=misfit.rule, place=place, findings=[finding])


def _document(root: Any, prefixes: Prefixes) -> Any:
    """The function of the root, which declares every namespace that may be needed below it."""
    encoders = Encoders(prefixes)
    encoders.member(root)
    declarations = "".join(
        f" xmlns:{prefixes[namespace]}={quoteattr(namespace)}"
        for namespace in sorted(encoders.namespaces - {"", "http://www.w3.org/XML/1998/namespace"})
    )
    return encoders.member(root, declarations)
