"""Does one schema allow everything that another allows? A proof, a message that shows the contrary, or neither.

JSON Schemas are held against each other by their canonical forms. A difference of two schemas describes what one
allows and the other refuses; values are made of it until one is found that the old schema's validator accepts and the
new one's refuses. That value is the counter-example, and nothing is called breaking by it that was not tried.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from random import Random
from typing import Any, Final

import jsonschema_rs
import orjson
from jsonschema_rs.canonical import Containment

from bus.errors import Finding, SchemaInvalid
from contracts.json_schema import JsonSchemaValidator, canonicalize
from contracts.samples import Samples

ATTEMPTS: Final = 400
"""Values that are made, of the difference and of the old schema each, before nothing is found."""

ENOUGH: Final = 8
"""Counter-examples, of which the shortest is shown."""


class Verdict(StrEnum):
    """What a change does to those who keep to the former version."""

    COMPATIBLE = "compatible"
    BREAKING = "breaking"
    UNKNOWN = "unknown"  # neither proved nor refuted: somebody must say

    @classmethod
    def worst(cls, several: Iterable["Verdict"]) -> "Verdict":
        """One that breaks is enough; one that nobody knows spoils a proof."""
        found = set(several)
        return next((each for each in (cls.BREAKING, cls.UNKNOWN) if each in found), cls.COMPATIBLE)


@dataclass(frozen=True, slots=True)
class Covered:
    """Whether everything that one schema allows is allowed by another. `example` is a body that is not, and `findings`
    what is wrong with it there. `declared`: it was proved for messages that hold no member but those that the schema
    names, which is all that anybody could have meant to send."""

    verdict: Verdict
    example: bytes | None = None
    findings: tuple[Finding, ...] = ()
    declared: bool = False


def covers(wide: JsonSchemaValidator, narrow: JsonSchemaValidator, bodies: Iterable[object] = ()) -> Covered:
    """Whether `wide` allows all that `narrow` allows. `bodies` are values to try first: real ones say more than made
    ones. Deterministic."""
    try:
        one, other = wide.canonical, narrow.canonical
    except SchemaInvalid:
        return _refuted(wide, narrow, bodies) or Covered(Verdict.UNKNOWN)
    proved = one.covers(other)
    if proved == Containment.YES:
        return Covered(Verdict.COMPATIBLE)
    closed = _closed_form(other)
    if closed is not None and one.covers(closed) == Containment.YES:
        return Covered(Verdict.COMPATIBLE, declared=True)
    made = _made(one, other if closed is None else closed)
    found = _refuted(wide, narrow, (*bodies, *made))
    return found or Covered(Verdict.BREAKING if proved == Containment.NO and closed is None else Verdict.UNKNOWN)


def _refuted(wide: JsonSchemaValidator, narrow: JsonSchemaValidator, values: Iterable[object]) -> Covered | None:
    """The shortest of the first values that `narrow` allows and `wide` does not."""
    found = (value for value in values if narrow.is_valid(value) and not wide.is_valid(value))
    shown = [(orjson.dumps(value), value) for value in islice(found, ENOUGH)]
    if not shown:
        return None
    body, value = min(shown, key=lambda pair: (len(pair[0]), pair[0]))
    return Covered(Verdict.BREAKING, body, tuple(wide.findings(value)))


def _made(one: jsonschema_rs.CanonicalSchema, other: jsonschema_rs.CanonicalSchema) -> Iterator[object]:
    """Values of what `other` allows and `one` does not, then of `other`."""
    forms: list[Any] = []
    with suppress(ValueError):  # a difference that has no form
        forms.append(other.subtract(one).to_json_schema())
    forms.append(other.to_json_schema())
    for form in forms:
        yield from Samples(form, Random(1)).attempts(ATTEMPTS)  # noqa: S311 - nothing is kept secret by it


def _closed_form(schema: jsonschema_rs.CanonicalSchema) -> jsonschema_rs.CanonicalSchema | None:
    """The schema for those who send no member but the named ones; None where it says so itself."""
    form = schema.to_json_schema()
    closed = _closed(form)
    if closed == form or not isinstance(closed, dict):
        return None
    try:
        return canonicalize(closed)
    except (ValueError, jsonschema_rs.ReferencingError):
        return None


def _closed(form: Any) -> Any:
    """Every object that names members and says nothing of others, without others. In canonical form what one object
    may hold stands in one place, so nothing is closed that another part of the schema opens."""
    if isinstance(form, list):
        return [_closed(each) for each in form]
    if not isinstance(form, Mapping):
        return form
    closed = {name: value if name in {"const", "enum", "not"} else _closed(value) for name, value in form.items()}
    says = {"propertyNames", "additionalProperties", "patternProperties", "unevaluatedProperties", "allOf", "anyOf"}
    if "properties" in form and isinstance(form.get("properties"), Mapping) and not says & set(form):
        closed["additionalProperties"] = False
    return closed
