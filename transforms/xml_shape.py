"""The shape of an XML element as the JSON view needs it, read once out of a schema's component model.

Keys are chosen here: local names, with a prefix from the schema's declarations where two siblings share one.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from xmlschema import names

from contracts.xsd_closure import XS, Unit
from transforms.xml_scalar import Scalar, scalar_of, text

XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_XML = "http://www.w3.org/XML/1998/namespace"


@dataclass(slots=True, eq=False)
class Attribute:
    key: str
    tag: str
    required: bool
    scalar: Scalar
    simple: Any = None


@dataclass(slots=True, eq=False)
class Shape:
    """What may stand in an element: attributes, and either a text or children, by `content`.

    `simple` is the schema's type of the text, where it says one.
    """

    type_name: str = ""
    attributes: list[Attribute] = field(default_factory=list)
    scalar: Scalar | None = None
    simple: Any = None
    content: "Group | None" = None


@dataclass(slots=True, eq=False)
class Member:
    """A child element; `most` None is without bound. `many` says that its view is an array, `source` is its declaration
    in the schema."""

    tag: str
    shape: Shape
    nillable: bool
    least: int
    most: int | None
    default: str | None = None
    key: str = ""
    many: bool = False
    source: Any = None


@dataclass(slots=True, eq=False)
class Group:
    """A sequence (xs:all too, which the order of a sequence satisfies) or a choice."""

    choice: bool
    least: int
    most: int | None
    parts: "list[Member | Group]" = field(default_factory=list)

    def members(self) -> Iterator[Member]:
        for part in self.parts:
            if isinstance(part, Member):
                yield part
            else:
                yield from part.members()


class Prefixes:
    """A prefix for each namespace: the schema's own where it declares one."""

    def __init__(self, units: Iterable[Unit]) -> None:
        self._by_namespace = {_XML: "xml", XSI[1:-1]: "xsi"}
        for unit in units:
            for prefix, namespace in unit.root.nsmap.items():
                if prefix and namespace != XS[1:-1] and prefix not in self._by_namespace.values():
                    self._by_namespace.setdefault(namespace, prefix)

    def __getitem__(self, namespace: str) -> str:
        taken = self._by_namespace
        if namespace not in taken:
            taken[namespace] = next(f"ns{n}" for n in range(len(taken) + 1) if f"ns{n}" not in taken.values())
        return taken[namespace]

    def name(self, tag: str) -> str:
        """``{namespace}Local`` as it is written in a document."""
        namespace, local = split(tag)
        return f"{self[namespace]}:{local}" if namespace else local


def split(tag: str) -> tuple[str, str]:
    """Namespace, empty where there is none, and local name."""
    namespace, _, local = tag.rpartition("}")
    return namespace[1:], local


class Shaper:
    """Reads shapes out of xmlschema's components; `problems` collects what a view cannot express."""

    def __init__(self, prefixes: Prefixes) -> None:
        self.problems: dict[str, None] = {}
        self._prefixes = prefixes
        self._shapes: dict[int, Shape] = {}

    def root(self, element: Any) -> Member:
        place = f"/{element.local_name}"
        member = self._member(element, place, 1, 1)
        member.key = element.local_name
        return member

    def _member(self, element: Any, place: str, least: int, most: int | None) -> Member:
        shape = self._shape(element.type, place)
        default = element.default if element.default is not None else element.fixed
        return Member(element.name, shape, bool(element.nillable), least, most, default, source=element)

    def _shape(self, xsd_type: Any, place: str) -> Shape:
        known = self._shapes.get(id(xsd_type))
        if known is not None:
            return known
        shape = self._shapes[id(xsd_type)] = Shape(xsd_type.name or "")
        if xsd_type.name == names.XSD_ANY_TYPE:
            self._tell(place, "any content is allowed, of which the view takes text only")
            shape.scalar = text("string", "preserve")
            return shape
        if xsd_type.is_complex():
            self._complex(xsd_type, shape, place)
        else:
            shape.scalar, shape.simple = self._scalar(xsd_type, place), xsd_type
        return shape

    def _complex(self, xsd_type: Any, shape: Shape, place: str) -> None:
        if xsd_type.abstract:
            self._tell(place, "its type is abstract, and the view does not take xsi:type")
        shape.attributes = list(self._attributes(xsd_type, place))
        if xsd_type.has_simple_content():
            shape.scalar, shape.simple = self._scalar(xsd_type.content, place), xsd_type.content
            return
        content = self._group(xsd_type.content, place)
        if list(content.members()):
            shape.content = content
            self._name(content, place)
            if xsd_type.mixed:
                self._tell(place, "text between its elements is refused")
        elif xsd_type.mixed:
            shape.scalar = text("string", "preserve")

    def _scalar(self, simple: Any, place: str) -> Scalar:
        scalar = scalar_of(simple)
        if scalar.name in {"QName", "NOTATION"}:
            self._tell(place, "a qualified name is taken as text: its prefix keeps no meaning")
        return scalar

    def _attributes(self, xsd_type: Any, place: str) -> Iterator[Attribute]:
        declared = {name: each for name, each in xsd_type.attributes.items() if name is not None}
        keys = _keys(list(declared), self._prefixes)
        for name, each in declared.items():
            if each.use != "prohibited":
                key = f"@{keys[name]}"
                scalar = self._scalar(each.type, f"{place}/{key}")
                yield Attribute(key, name, each.use == "required", scalar, each.type)
        if None in xsd_type.attributes:
            self._tell(place, "attributes that the schema does not name are refused")

    def _group(self, group: Any, place: str) -> Group:
        shaped = Group(group.model == "choice", group.min_occurs, group.max_occurs)
        for part in group:
            if part.max_occurs == 0:
                continue
            if hasattr(part, "model"):
                shaped.parts.append(self._group(part, place))
            elif hasattr(part, "nillable"):
                shaped.parts.extend(self._element(part, place))
            else:
                self._tell(place, "elements that the schema does not name are refused")
                if part.min_occurs == 0:  # which makes a choice one of nothing, too
                    shaped.parts.append(Group(choice=False, least=0, most=1))
        shaped.choice = shaped.choice and len(shaped.parts) > 0
        _fold(shaped)
        if shaped.most != 1 and not _regular(shaped):
            self._tell(place, "repeated elements of several names are put in the order of the schema")
        return shaped

    def _element(self, element: Any, place: str) -> "Iterator[Member | Group]":
        """An element, or the choice among it and what may stand in its place (XSD 1.0 part 1 §2.2.2.2)."""
        least, most = element.min_occurs, element.max_occurs
        candidates = [element, *element.iter_substitutes()]
        possible = [each for each in candidates if not each.abstract]
        if possible == [element]:
            yield self._member(element, f"{place}/{element.local_name}", least, most)
        elif possible:
            parts: list[Member | Group] = [self._member(each, f"{place}/{each.local_name}", 1, 1) for each in possible]
            yield Group(choice=True, least=least, most=most, parts=parts)
            if most != 1 and len(parts) > 1:
                self._tell(place, "repeated elements of several names are put in the order of the schema")

    def _name(self, content: Group, place: str) -> None:
        """Give every child its key, and say which are arrays."""
        members = list(content.members())
        bounds = _bounds(content)
        keys = _keys(list(bounds), self._prefixes)
        for member in members:
            member.key, member.many = keys[member.tag], bounds[member.tag] > 1
        for tag, count in Counter(member.tag for member in members).items():
            if count > 1:
                self._tell(f"{place}/{keys[tag]}", "it stands in several places, which are filled from the first on")

    def _tell(self, place: str, what: str) -> None:
        self.problems[f"{place}: {what}"] = None


def _keys(tags: Sequence[str], prefixes: Prefixes) -> Mapping[str, str]:
    """A key for each tag; those in no namespace keep their bare name."""
    locals_ = Counter(split(tag)[1] for tag in tags)
    return {tag: prefixes.name(tag) if locals_[split(tag)[1]] > 1 else split(tag)[1] for tag in tags}


def _bounds(part: Member | Group) -> dict[str, float]:
    """How often each element may stand in one parent, at most."""
    most = float("inf") if part.most is None else part.most
    if isinstance(part, Member):
        return {part.tag: most}
    bounds: dict[str, float] = {}
    for each in part.parts:
        for tag, bound in _bounds(each).items():
            before = bounds.get(tag, 0)
            bounds[tag] = max(before, bound * most) if part.choice else before + bound * most
    return bounds


def _fold(group: Group) -> None:
    """A repeated group of one element is that element repeated; numbers between are for a validator to refuse."""
    if len(group.parts) == 1 and isinstance(inner := group.parts[0], Group) and inner.least == inner.most == 1:
        group.parts, group.choice = inner.parts, inner.choice
    if len(group.parts) == 1 and isinstance(part := group.parts[0], Member):
        part.least *= group.least
        part.most = None if part.most is None or group.most is None else part.most * group.most
        group.least = group.most = 1


def _regular(group: Group) -> bool:
    """Whether repetitions of a group can be told from the number of each of its elements."""
    if len(group.parts) == 1:
        (part,) = group.parts
        return isinstance(part, Member) or (part.least == part.most == 1 and _regular(part))
    once = all(isinstance(part, Member) and part.least == part.most == 1 for part in group.parts)
    return once and not group.choice
