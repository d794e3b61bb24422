"""Does one XML Schema allow every document that another allows?

By rules of our own over the schemas' component models (XSD 1.0 part 1 §3): what lies in the same place is held against
what lies there in the other. Where the two are built too differently to be held against each other, the answer is
unknown; what is called breaking is so for some document that the other schema allows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from xmlschema import names
from xmlschema.validators import XsdAnyElement, XsdElement, XsdGroup

from bus.errors import Finding
from contracts.compatibility import Covered, Verdict
from contracts.xsd import XsdDocuments
from contracts.xsd_closure import canonical

WIDE: Final = (names.XSD_STRING, names.XSD_ANY_SIMPLE_TYPE, names.XSD_ANY_ATOMIC_TYPE)
"""Simple types that allow every text."""

DEEPEST: Final = 100


def covers(wide: XsdDocuments, narrow: XsdDocuments, element: str) -> Covered:
    """Whether the schema `wide` allows every document with the root `element` that `narrow` allows."""
    if _written(wide) == _written(narrow):
        return Covered(Verdict.COMPATIBLE)
    one, other = wide.model.maps.elements.get(element), narrow.model.maps.elements.get(element)
    if one is None or other is None:
        return Covered(Verdict.BREAKING, findings=(Finding("", "root", element),))
    held = _Held()
    held.element(one, other, "")
    found = [verdict for verdict, _ in held.found]
    return Covered(Verdict.worst(found), findings=tuple(finding for _, finding in held.found))


@dataclass(slots=True)
class _Held:
    """What was found where two schemas were held against each other."""

    found: list[tuple[Verdict, Finding]] = field(default_factory=list)
    _seen: set[tuple[int, int]] = field(default_factory=set)

    def breaks(self, place: str, rule: str, limit: object = "") -> None:
        self.found.append((Verdict.BREAKING, Finding(place, rule, str(limit))))

    def doubts(self, place: str, rule: str, limit: object = "") -> None:
        self.found.append((Verdict.UNKNOWN, Finding(place, rule, str(limit))))

    def element(self, wide: Any, narrow: Any, place: str) -> None:
        place = f"{place}/{narrow.local_name}"
        if narrow.nillable and not wide.nillable:
            self.breaks(place, "nillable", "false")
        if wide.fixed is not None and wide.fixed != narrow.fixed:
            self.breaks(place, "fixed", wide.fixed)
        pair = (id(wide.type), id(narrow.type))
        if pair in self._seen or place.count("/") > DEEPEST:
            return
        self._seen.add(pair)
        self._type(wide.type, narrow.type, place)
        # The same two types may stand elsewhere, with another outcome only if this one is still open (recursion).

    def _type(self, wide: Any, narrow: Any, place: str) -> None:
        if wide.name == names.XSD_ANY_TYPE:
            return
        if narrow.name == names.XSD_ANY_TYPE:
            self.breaks(place, "type", wide.local_name or "")
            return
        if wide.is_complex() or narrow.is_complex():
            self._attributes(getattr(wide, "attributes", {}), getattr(narrow, "attributes", {}), place)
        one, other = _simple(wide), _simple(narrow)
        if one is not None and other is not None:
            self._simple(one, other, place)
        elif one is not None or other is not None:
            self.breaks(place, "content", "text" if one is not None else "elements")
        else:
            if narrow.mixed and not wide.mixed:
                self.breaks(place, "mixed", "false")
            self._group(wide.content, narrow.content, place)

    def _attributes(self, wide: Mapping[Any, Any], narrow: Mapping[Any, Any], place: str) -> None:
        for name, attribute in wide.items():
            if name is None:
                continue
            former = narrow.get(name)
            if attribute.use == "required" and (former is None or former.use != "required"):
                self.breaks(f"{place}/@{attribute.local_name}", "required")
        for name, attribute in narrow.items():
            where = f"{place}/@{attribute.local_name}" if name is not None else place
            if name is None:
                if None not in wide:
                    self.doubts(where, "anyAttribute")
            elif name in wide and wide[name].use != "prohibited":
                self._simple(wide[name].type, attribute.type, where)
            elif attribute.use != "prohibited" and None not in wide:
                self.breaks(where, "attribute")

    def _group(self, wide: XsdGroup, narrow: XsdGroup, place: str) -> None:
        one, other = _unwrapped(wide), _unwrapped(narrow)
        if self._nothing(one, other, place):
            return
        self._occurs(one, other, place, empty=one.is_emptiable())
        if one.model == "choice" and other.model == "choice":
            self._alternatives(one, other, place)
        elif one.model == "choice":
            self._alternatives_of_one(one, other, place)
        elif other.model == "choice":
            self.doubts(place, "choice")
        elif one.model == "all":
            self._any_order(one, other, place)
        elif other.model == "all" and len(other) > 1:
            self.doubts(place, "all")
        else:
            self._in_order(list(one), list(other), place, empty=len(other) == 1 and one.is_emptiable())

    def _nothing(self, wide: XsdGroup, narrow: XsdGroup, place: str) -> bool:
        """Whether one of the two has no elements, which settles it."""
        if _impossible(narrow):
            return True
        if _impossible(wide):
            self.breaks(place, "content", "nothing")
        elif _empty(narrow):
            if not wide.is_emptiable():
                self.breaks(place, "content", _first_required(wide))
        elif _empty(wide):
            self.breaks(place, "content", "empty")
        else:
            return False
        return True

    def _occurs(self, wide: Any, narrow: Any, place: str, *, empty: bool = False) -> None:
        """`empty`: that it is absent is allowed, whatever it says itself."""
        if narrow.min_occurs < wide.min_occurs and not (empty and wide.min_occurs == 1):
            self.breaks(place, "minOccurs", wide.min_occurs)
        most, former = wide.max_occurs, narrow.max_occurs
        if most is not None and (former is None or former > most):
            self.breaks(place, "maxOccurs", most)

    def _in_order(self, wide: list[Any], narrow: list[Any], place: str, *, empty: bool) -> None:
        """Two sequences: what the wide one has beyond the other must be optional."""
        rest = iter(wide)
        for particle in narrow:
            passed = []
            for mate in rest:
                if _mates(mate, particle):
                    break
                passed.append(mate)
            else:
                if any(_mates(mate, particle) for mate in wide):
                    self.breaks(place, "sequence", _name(particle))
                elif _most(particle) != 0:
                    self._absent(particle, wide, place)
                return
            self._required(passed, place)
            self._particle(mate, particle, place, empty=empty)
        self._required(rest, place)

    def _absent(self, particle: Any, wide: list[Any], place: str) -> None:
        if any(isinstance(each, XsdAnyElement) for each in wide) or not isinstance(particle, XsdElement):
            self.doubts(place, "content")
        else:
            self.breaks(f"{place}/{particle.local_name}", "unknown-element")

    def _required(self, particles: Any, place: str) -> None:
        for each in particles:
            if _least(each):
                self.breaks(f"{place}/{_name(each)}", "required")

    def _any_order(self, wide: XsdGroup, narrow: XsdGroup, place: str) -> None:
        self._alternatives(wide, narrow, place)
        self._required([each for each in wide if not any(_mates(each, other) for other in narrow)], place)

    def _alternatives(self, wide: XsdGroup, narrow: XsdGroup, place: str) -> None:
        """Each member of the one stands in the other, wherever."""
        for particle in narrow:
            mate = next((each for each in wide if _mates(each, particle)), None)
            if mate is None:
                self._absent(particle, list(wide), place)
            else:
                self._particle(mate, particle, place, empty=wide.model == "choice" and wide.is_emptiable())

    def _alternatives_of_one(self, wide: XsdGroup, narrow: XsdGroup, place: str) -> None:
        """A sequence of one element may have become one of several alternatives."""
        if len(narrow) == 1 and (mate := next((each for each in wide if _mates(each, narrow[0])), None)) is not None:
            self._particle(mate, narrow[0], place, empty=wide.is_emptiable())
        else:
            self.doubts(place, "choice")

    def _particle(self, wide: Any, narrow: Any, place: str, *, empty: bool = False) -> None:
        if isinstance(wide, XsdGroup) and isinstance(narrow, XsdGroup):
            self._group(wide, narrow, place)
            return
        where = f"{place}/{_name(narrow)}"
        self._occurs(wide, narrow, where, empty=empty)
        if isinstance(wide, XsdAnyElement):
            if not isinstance(narrow, XsdAnyElement) or not _same_wildcard(wide, narrow):
                self.doubts(where, "any")
        else:
            self.element(wide, narrow, place)

    def _simple(self, wide: Any, narrow: Any, place: str) -> None:
        if _allows_every_text(wide):
            return
        if wide.variety != "atomic" or narrow.variety != "atomic":
            self._several(wide, narrow, place)
            return
        one, other = _root_name(wide), _root_name(narrow)
        if one != other:
            # A text may be anything, so some of what was allowed is no number, date or truth value.
            if narrow.enumeration and all(wide.is_valid(str(value)) for value in narrow.enumeration):
                return
            # What a pattern left of it may still be all right.
            tell = self.doubts if _patterns(narrow) else self.breaks
            tell(place, "type", wide.local_name or one.rpartition("}")[2])
            return
        if _whole(wide) and not _whole(narrow) and not narrow.enumeration:
            (self.doubts if _patterns(narrow) else self.breaks)(place, "type", wide.local_name or "integer")
        self._facets(wide, narrow, place)

    def _several(self, wide: Any, narrow: Any, place: str) -> None:
        """Lists of the same items, unions of the same members in the same order; all else nobody knows."""
        if wide.name is not None and wide.name == narrow.name and wide.name.startswith(f"{{{names.XSD_NAMESPACE}}}"):
            return
        one, other = _members(wide), _members(narrow)
        if wide.variety != narrow.variety or len(one) != len(other):
            self.doubts(place, "type")
            return
        inner = _Held()
        for mine, theirs in zip(one, other, strict=True):
            inner._simple(mine, theirs, place)
        # What one member of a union refuses another may take.
        self.found += [(Verdict.UNKNOWN if wide.variety == "union" else each, finding) for each, finding in inner.found]
        facets = {str(name) for name in (*wide.facets, *narrow.facets) if name and name != names.XSD_WHITE_SPACE}
        if any(_facet_text(wide, name) != _facet_text(narrow, name) for name in facets):
            self.doubts(place, "type")

    def _facets(self, wide: Any, narrow: Any, place: str) -> None:
        if narrow.enumeration:
            # The former values are all there are: each is tried.
            refused = [value for value in narrow.enumeration if not wide.is_valid(str(value))]
            if refused:
                self.breaks(place, "enumeration", " | ".join(map(str, wide.enumeration or ())))
            return
        one, other = _patterns(wide), _patterns(narrow)
        tell = self.doubts if other else self.breaks
        if wide.enumeration:
            tell(place, "enumeration", " | ".join(map(str, wide.enumeration)))
        for facet, tighter in (
            ("min_length", _above),
            ("max_length", _below),
            ("min_value", _above),
            ("max_value", _below),
        ):
            limit, former = getattr(wide, facet, None), getattr(narrow, facet, None)
            if limit is not None and (former is None or tighter(limit, former)):
                tell(place, facet.replace("_l", "L").replace("_value", "Inclusive"), limit)
        for facet in (names.XSD_TOTAL_DIGITS, names.XSD_FRACTION_DIGITS, names.XSD_LENGTH):
            limit, former = _facet(wide, facet), _facet(narrow, facet)
            if limit is not None and (former is None or former > limit):
                tell(place, facet.rpartition("}")[2], limit)
        if one and one != other:
            self.doubts(place, "pattern")


def _written(documents: XsdDocuments) -> list[bytes]:
    return [canonical(unit.root) for unit in documents.units]


def _simple(kind: Any) -> Any:
    """The type of the text, where the content is text."""
    if kind.is_simple():
        return kind
    return kind.content if kind.has_simple_content() else None


def _unwrapped(group: Any) -> Any:
    """A group in whose place its only member may stand, which is a group that occurs once."""
    while len(group) == 1 and isinstance(group[0], XsdGroup) and (group.min_occurs, group.max_occurs) == (1, 1):
        group = group[0]
    return group


def _least(particle: Any) -> bool:
    """Whether a document must hold something for it."""
    if not particle.min_occurs:
        return False
    return not (isinstance(particle, XsdGroup) and particle.is_emptiable())


def _most(particle: Any) -> int | None:
    return particle.max_occurs  # type: ignore[no-any-return]


def _first_required(group: Any) -> str:
    return next((_name(each) for each in group if _least(each)), "")


def _name(particle: Any) -> str:
    return getattr(particle, "local_name", None) or ("any" if isinstance(particle, XsdAnyElement) else particle.model)


def _mates(wide: Any, narrow: Any) -> bool:
    """Whether two particles stand for the same thing."""
    if isinstance(narrow, XsdElement):
        return isinstance(wide, XsdElement) and wide.name == narrow.name
    if isinstance(narrow, XsdGroup):
        if not isinstance(wide, XsdGroup) or wide.model != narrow.model:
            return False
        return bool({_name(each) for each in wide} & {_name(each) for each in narrow})
    return isinstance(wide, XsdAnyElement)


def _same_wildcard(wide: Any, narrow: Any) -> bool:
    return "##any" in wide.namespace or list(wide.namespace) == list(narrow.namespace)


def _allows_every_text(kind: Any) -> bool:
    while kind.name not in WIDE and kind.base_type is not None and not kind.facets:
        kind = kind.base_type
    return kind.name in WIDE


def _whole(kind: Any) -> bool:
    """Whether its values are whole numbers, which its primitive type does not say."""
    return bool(kind.is_derived(kind.maps.types[names.XSD_INTEGER]))


def _empty(group: Any) -> bool:
    return next(group.iter_elements(), None) is None and not _impossible(group)


def _impossible(group: Any) -> bool:
    """A choice among nothing, which has to be made."""
    return group.model == "choice" and not len(group) and group.min_occurs > 0


def _members(kind: Any) -> list[Any]:
    """The types of a list's items or of a union's members, of whichever type it restricts."""
    while not (found := getattr(kind, "item_type", None) or getattr(kind, "member_types", None)):
        if kind.base_type is None:
            return []
        kind = kind.base_type
    return list(found) if isinstance(found, list | tuple) else [found]


def _facet_text(kind: Any, name: str) -> str:
    found = kind.facets.get(name)
    return "" if found is None else _said(found)


def _said(facet: Any) -> str:
    """What a facet says: patterns and enumerations hold several values."""
    return str(getattr(facet, "regexps", None) or getattr(facet, "enumeration", None) or facet.value)


def _root_name(kind: Any) -> str:
    """The primitive type that it restricts (XSD 1.0 part 2 §3.2)."""
    return str(kind.primitive_type.name if kind.primitive_type is not None else kind.root_type.name)


def _facet(kind: Any, name: str) -> Any:
    found = kind.get_facet(name)
    return None if found is None else found.value


def _patterns(kind: Any) -> list[str]:
    found = kind.patterns
    return [] if found is None else list(found.regexps)


def _above(limit: Any, former: Any) -> bool:
    return bool(limit > former)


def _below(limit: Any, former: Any) -> bool:
    return bool(limit < former)
