"""Documents that an XML Schema allows: for counter-examples, and to try what reads and writes such documents.

Made out of the component model (XSD 1.0 part 1 §3), and each is held against the schema before anybody sees it: what
this module does not understand (identity constraints, abstract types) costs it attempts, never the truth.
"""

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any, Final

from lxml import etree
from xmlschema import names
from xmlschema.validators import XsdAnyElement, XsdElement

from contracts.samples import DEEPEST, DEPTH, Impossible
from contracts.xsd import XsdDocuments
from contracts.xsd_values import Texts

MOST_ELEMENTS: Final = 2_000
MOST_TIMES: Final = 200
"""How often one thing is repeated, at most."""

_NIL: Final = "{http://www.w3.org/2001/XMLSchema-instance}nil"


class XmlSamples:
    """Makes documents with the root `element`; the same `chance` makes the same documents.

    `toward` are the local names that lead to a place, the last of which may be an ``@attribute``: what leads there is
    made, what stands there is varied, and elsewhere only what must be there is made. Without it, everything is varied.
    `hints` are limits whose edges are tried there.
    """

    def __init__(
        self,
        documents: XsdDocuments,
        element: str,
        chance: Random,
        toward: Sequence[str] = (),
        hints: Sequence[str] = (),
    ) -> None:
        self._root = documents.model.maps.elements[element]
        self._prefixes = _prefixes(documents)
        self._chance = chance
        self._toward = tuple(toward)
        self._counts = [int(each) for each in hints if each.isdecimal() and len(each) < len(str(MOST_ELEMENTS))]
        self._texts = Texts(chance, hints)
        self._left = 0

    def attempts(self, most: int) -> Iterator[bytes]:
        """So many attempts; each must still be held against the schema. The first are the plainest."""
        for number in range(most):
            self._left = MOST_ELEMENTS
            try:
                yield etree.tostring(self._document(min(1.0, 0.25 * number)), encoding="utf-8")
            except (Impossible, ValueError):  # ValueError: lxml's, for a character that XML does not have
                continue

    def _document(self, rich: float) -> etree._Element:
        element = self._concrete(self._root)
        root: etree._Element = etree.Element(element.name, nsmap=self._prefixes)
        steps = self._toward[1:] if self._toward else None
        self._fill(root, element, steps, rich, 0)
        return root

    def _fill(self, made: etree._Element, element: Any, steps: Sequence[str] | None, rich: float, depth: int) -> None:
        """Attributes and content. `steps` lead from here to the place of interest; None where it lies elsewhere."""
        self._left -= 1
        if depth > DEEPEST or self._left < 0:
            raise Impossible
        if depth > DEPTH or (steps is None and self._toward):
            rich = 0.0
        kind = element.type
        if kind.is_complex():
            if kind.abstract:
                raise Impossible
            self._attributes(made, kind, steps, rich)
        if element.nillable and not steps and self._chance.random() < rich / 3:
            made.set(_NIL, "true")
            return
        simple = kind if kind.is_simple() else kind.content if kind.has_simple_content() else None
        if simple is not None:
            made.text = element.fixed if element.fixed is not None else self._text(simple)
        elif kind.name == names.XSD_ANY_TYPE:
            made.text = "x"
        else:
            self._group(made, kind.content, steps, rich, depth)
            if kind.mixed:
                self._mix(made, rich)

    def _attributes(self, made: etree._Element, kind: Any, steps: Sequence[str] | None, rich: float) -> None:
        for name, attribute in kind.attributes.items():
            if name is None or attribute.use == "prohibited":
                continue
            wanted = attribute.use == "required" or (steps is not None and [*steps] == [f"@{attribute.local_name}"])
            if wanted or self._chance.random() < rich / 2:
                made.set(name, attribute.fixed if attribute.fixed is not None else self._text(attribute.type))

    def _text(self, simple: Any) -> str:
        text = self._texts.of(simple)
        if text is None:
            raise Impossible
        return text

    def _group(self, made: etree._Element, group: Any, steps: Sequence[str] | None, rich: float, depth: int) -> None:
        leads = bool(steps) and any(_leads(each, steps) for each in group)
        for time in range(self._times(group, leads, steps, rich)):
            parts = list(group)
            ahead = steps if time == 0 else None if leads else steps
            if group.model == "choice":
                parts = [self._branch(parts, ahead, rich)] if parts else []
            elif group.model == "all":
                self._chance.shuffle(parts)
            for part in parts:
                self._part(made, part, ahead, rich, depth)

    def _part(self, made: etree._Element, part: Any, steps: Sequence[str] | None, rich: float, depth: int) -> None:
        if isinstance(part, XsdAnyElement):
            for _ in range(part.min_occurs or (self._chance.random() < rich / 3 and part.max_occurs != 0)):
                self._any(made, part, depth)
        elif not isinstance(part, XsdElement):
            self._group(made, part, steps, rich, depth)
        else:
            leads = bool(steps) and _leads(part, steps)
            for time in range(self._times(part, leads, steps, rich)):
                element = self._concrete(part)
                child = etree.SubElement(made, element.name)
                ahead = steps[1:] if leads and steps and time == 0 else () if steps == () else None
                self._fill(child, element, ahead, rich, depth + 1)

    def _times(self, part: Any, leads: bool, steps: Sequence[str] | None, rich: float) -> int:
        """How often a particle stands: varied where it is the place of interest, and where everything is."""
        least: int = part.min_occurs
        bound: int = MOST_TIMES if part.max_occurs is None else min(part.max_occurs, MOST_TIMES)
        if least > bound:
            raise Impossible
        if leads and len(steps or ()) > 1:
            return max(least, min(1, bound))
        if not leads and steps is None and self._toward:
            return least
        near = [each for count in self._counts for each in (count, count + 1) if least <= each <= bound]
        if leads or (steps == () and self._toward):
            return self._chance.choice([least, min(least + 1, bound), min(bound, least + 2), bound, *near])
        if self._chance.random() >= rich:
            return least
        return min(bound, max(least, self._chance.choice([1, 1, 2, 3])))

    def _branch(self, parts: Sequence[Any], steps: Sequence[str] | None, rich: float) -> Any:
        if steps and (leading := [each for each in parts if _leads(each, steps)]):
            return leading[0]
        return self._chance.choice(parts) if rich or steps is not None else parts[0]

    def _concrete(self, element: Any) -> Any:
        """The element, or one that may stand in its place."""
        possible = [each for each in (element, *element.iter_substitutes()) if not each.abstract]
        if not possible:
            raise Impossible
        return possible[0] if possible[0] is element and self._chance.random() < 0.7 else self._chance.choice(possible)

    def _any(self, made: etree._Element, wildcard: Any, depth: int) -> None:
        """An element that a wildcard takes: a declared one where it must be, else one that nobody knows."""
        if wildcard.process_contents == "strict":
            known = [each for each in self._root.maps.elements.values() if not each.abstract]
            fits = [each for each in known if wildcard.is_matching(each.name)]
            if not fits:
                raise Impossible
            element = self._chance.choice(fits)
            self._fill(etree.SubElement(made, element.name), element, None, 0.0, depth + 1)
            return
        name = next((each for each in ("{urn:other}x", "x") if wildcard.is_matching(each)), None)
        if name is None:
            raise Impossible
        etree.SubElement(made, name).text = "x"

    def _mix(self, made: etree._Element, rich: float) -> None:
        if self._chance.random() < rich / 2:
            made.text = "x "
        for child in made:
            if self._chance.random() < rich / 3:
                child.tail = " x"


def _leads(part: Any, steps: Sequence[str] | None) -> bool:
    """Whether the next step may go into it."""
    if not steps:
        return False
    if isinstance(part, XsdElement):
        return bool(part.local_name == steps[0])
    return not isinstance(part, XsdAnyElement) and any(_leads(each, steps) for each in part)


def _prefixes(documents: XsdDocuments) -> Mapping[str, str]:
    """The schema's own prefixes, without which a document would be full of made ones."""
    found: dict[str, str] = {}
    for unit in documents.units:
        for prefix, namespace in unit.root.nsmap.items():
            if prefix and namespace not in {names.XSD_NAMESPACE, *found.values()}:
                found.setdefault(prefix, namespace)
    return found
