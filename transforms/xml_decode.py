"""From an XML element to its JSON view, by functions compiled from the shape of the element."""

from collections.abc import Callable
from typing import Any

from lxml import etree

from transforms.xml_scalar import Misfit, Scalar
from transforms.xml_shape import XSI, Member, Shape, split

# An element, and the text that its declaration gives where it is empty.
Decode = Callable[..., object]

_TYPE = f"{XSI}type"
_NIL = f"{XSI}nil"
# Said of an element by its writer, without meaning for its content.
_REMARKS = frozenset({_NIL, f"{XSI}schemaLocation", f"{XSI}noNamespaceSchemaLocation"})


class Decoders:
    """Compiles the function of each shape once; shapes may contain themselves."""

    def __init__(self) -> None:
        self._done: dict[Shape, Decode] = {}

    def member(self, member: Member) -> Decode:
        """The function of an element: nil and default first, then its shape."""
        shape, default, decode = member.shape, member.default or "", self._shape(member.shape)

        def decode_member(element: etree._Element) -> object:
            if member.nillable and element.get(_NIL) in {"true", "1"}:
                return _nil(element, shape)
            return decode(element, default)

        return decode_member if member.nillable or default else decode

    def _shape(self, shape: Shape) -> Decode:
        done = self._done
        if shape not in done:

            def until_compiled(element: etree._Element, default: str = "") -> object:
                return done[shape](element, default)

            done[shape] = until_compiled
            done[shape] = self._object(shape) if shape.scalar is None or shape.attributes else _plain(shape.scalar)
        return done[shape]

    def _object(self, shape: Shape) -> Decode:
        attributes = {each.tag: (each.key, each.scalar.read) for each in shape.attributes}
        read = shape.scalar.read if shape.scalar else None
        members = list(shape.content.members()) if shape.content else []
        children: dict[Any, tuple[str, bool, Decode]] = {
            member.tag: (member.key, member.many, self.member(member)) for member in members
        }
        arrays = [key for key, many, _ in children.values() if many]

        def decode(element: etree._Element, default: str = "") -> object:
            view: dict[str, object] = {}
            if element.keys():
                _take_attributes(element, attributes, shape, view)
            if read is not None:
                _refuse_children(element)
                view["$"] = _at("$", read, element.text or default)
                return view
            _refuse_text(element.text)
            for child in element:
                _take_child(child, children, view)
            for key in arrays:
                view.setdefault(key, [])
            return view

        return decode


def _plain(scalar: Scalar) -> Decode:
    read = scalar.read

    def decode(element: etree._Element, default: str = "") -> object:
        if len(element) or element.keys():
            _refuse_extras(element)
        return read(element.text or default)

    return decode


def _at(step: str, read: Callable[[Any], object], given: object) -> object:
    """What `read` makes of what was given, which stands at `step`."""
    try:
        return read(given)
    except Misfit as misfit:
        misfit.steps.append(step)
        raise


def _take_child(child: etree._Element, children: dict[Any, tuple[str, bool, Decode]], view: dict[str, object]) -> None:
    found = children.get(child.tag)
    if found is None:
        raise Misfit("unknown-element")
    key, many, decode = found
    try:
        value = decode(child)
    except Misfit as misfit:
        misfit.steps.append(key)
        raise
    _refuse_text(child.tail)
    if many:
        items: Any = view.setdefault(key, [])
        items.append(value)
    elif key in view:
        repeated = Misfit("maxOccurs", "1")
        repeated.steps.append(key)
        raise repeated
    else:
        view[key] = value


def _take_attributes(
    element: etree._Element, attributes: dict[str, tuple[str, Any]], shape: Shape, view: dict[str, object]
) -> None:
    for tag, text in element.items():
        if (found := attributes.get(str(tag))) is not None:
            view[found[0]] = _at(*found, text)
        elif tag == _TYPE:
            _check_type(element, str(text), shape)
        elif tag not in _REMARKS:
            raise Misfit("unknown-attribute")


def _check_type(element: etree._Element, given: str, shape: Shape) -> None:
    """An element may say its own type; another one has a shape that the view does not know."""
    prefix, _, local = given.strip().rpartition(":")
    if (element.nsmap.get(prefix or None) or "", local) != split(shape.type_name):
        raise Misfit("xsi:type", shape.type_name)


def _nil(element: etree._Element, shape: Shape) -> object:
    view: dict[str, object] = {}
    attributes = {each.tag: (each.key, each.scalar.read) for each in shape.attributes}
    _take_attributes(element, attributes, shape, view)
    if len(element) or element.text:
        raise Misfit("nil")
    return {**view, "$": None} if view else None


def _refuse_extras(element: etree._Element) -> None:
    """A plain value may say its simple type: one that derives from the declared one is read by that."""
    _refuse_children(element)
    if not set(element.keys()) <= {_TYPE, *_REMARKS}:
        raise Misfit("unknown-attribute")


def _refuse_children(element: etree._Element) -> None:
    if len(element):
        raise Misfit("unknown-element")


def _refuse_text(text: str | None) -> None:
    if text and text.strip(" \t\r\n"):
        raise Misfit("text")
