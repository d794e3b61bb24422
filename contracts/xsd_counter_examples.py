"""A document that one XML Schema allows and another refuses: made near the places where their rules differ.

A rule says where two schemas differ; documents of the one are made that vary there, until libxml2 accepts one by the
first schema and refuses it by the second. Nothing is shown that was not tried so.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from random import Random
from typing import Final

from bus.envelope import Body, Format
from bus.errors import BusError, Finding
from contracts.compatibility import Covered, Verdict
from contracts.xml_samples import XmlSamples
from contracts.xsd import XsdDocuments, XsdValidator

ATTEMPTS: Final = 60
"""Documents that are made for one finding, and without one, before nothing is found."""

MOST_FINDINGS: Final = 6
ENOUGH: Final = 8
"""Counter-examples, of which the shortest is shown."""


def with_example(
    covered: Covered, wide: XsdDocuments, narrow: XsdDocuments, element: str, bodies: Iterable[bytes] = ()
) -> Covered:
    """What the rules found, with a document that `narrow` allows and `wide` refuses where one is found. The finding
    that it shows comes first; one that was in doubt is a break by it. `bodies` are tried first. Deterministic."""
    if covered.verdict is Verdict.COMPATIBLE or element not in narrow.model.maps.elements:
        return covered
    try:
        allows, refuses = XsdValidator(narrow, element), XsdValidator(wide, element)
    except BusError:  # one of them is no schema that anything is held against
        return covered
    for finding, made in _made(covered.findings, narrow, element, bodies):
        found = (body for body in made if _allowed(allows, body) and not _allowed(refuses, body))
        shown = sorted(islice(found, ENOUGH), key=lambda body: (len(body), body))
        if shown:
            reasons = covered.findings
            if finding is not None:
                reasons = (finding, *(each for each in reasons if each != finding))
            return Covered(Verdict.BREAKING, shown[0], reasons)
    return covered


def _made(
    findings: Sequence[Finding], narrow: XsdDocuments, element: str, bodies: Iterable[bytes]
) -> Iterator[tuple[Finding | None, Iterable[bytes]]]:
    yield None, bodies
    for finding in findings[:MOST_FINDINGS]:
        steps = [each for each in finding.place.split("/") if each]
        samples = XmlSamples(narrow, element, _chance(), steps, finding.limit.split(" | "))
        yield finding, samples.attempts(ATTEMPTS)
    yield None, XmlSamples(narrow, element, _chance()).attempts(ATTEMPTS)


def _chance() -> Random:
    return Random(1)  # noqa: S311 - nothing is kept secret by it


def _allowed(validator: XsdValidator, body: bytes) -> bool:
    try:
        return not validator.check(Body(Format.XML, body))[1]
    except BusError:
        return False
