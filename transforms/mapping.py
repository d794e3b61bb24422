"""Mappings: one JSON view into another, compiled once, pure and total.

docs/mapping.md is the language; `transforms.forms` compiles it. Both ends are JSON values: what a JSON parser gives, or
the JSON view of an XML document.
"""

from collections import abc

from bus.errors import TransformFailed
from transforms.code_lists import Entries
from transforms.findings import Spot, pointer
from transforms.forms import Forms, Views
from transforms.scope import MISSING, Broken, Budget, Make, Scope, charge

LARGEST = 64 * 1024 * 1024
"""Characters of a result: as many as the largest body has bytes."""


class Mapping:
    """A compiled mapping, safe to call from several threads.

    The result may share parts with the document it is made of.
    """

    __slots__ = ("_limit", "_make", "name")

    def __init__(self, name: str, make: Make, limit: int) -> None:
        self.name = name
        self._make = make
        self._limit = limit

    def __call__(self, document: object) -> object:
        """The result; an object without fields where nothing could be made.

        Raises `TransformFailed` alone, with the place in the result as a JSON Pointer, for every JSON value.
        """
        try:
            made = self._make(Scope(document, document, None, Budget(self._limit, times=4)))
            if made is MISSING:
                return {}
            _check(made, Budget(self._limit))
        except Broken as broken:
            place = pointer(reversed(broken.steps))
            raise TransformFailed(transform=self.name, rule=broken.rule, place=place) from None
        return made


def _check(made: object, budget: Budget) -> None:
    """The place of what cannot be written ends at the field: names further in may be the sender's own."""
    if not isinstance(made, dict):
        charge(made, budget)
        return
    for name, value in made.items():
        try:
            charge(value, budget)
        except Broken as broken:
            raise Broken(broken.rule, name) from None


def compile_mapping(
    name: str,
    fields: abc.Mapping[str, object],
    *,
    code_lists: abc.Mapping[str, Entries],
    views: Views,
    limit: int = LARGEST,
) -> Mapping:
    """The mapping called `name` with these fields, as they are written in a document of kind Transform.

    `code_lists`: the entries of each list by its name. `views`: the JSON view of XML documents by the path of a schema
    and the root element; it raises a `BusError` or `LookupError` where there is none. `limit`: characters of a result.

    Raises `DocumentInvalid` with every problem found; the place of each is a JSON Pointer inside `fields`.
    """
    spot = Spot()
    make = Forms(code_lists, views).fields(fields, spot)
    spot.conclude()
    return Mapping(name, make, limit)
