"""JSON Schemas of several files as one set of named schemas, in which nothing refers to a file."""

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from bus.errors import SchemaInvalid
from contracts.json_schema import BASE, addressed

_NAMED: Final = frozenset({"properties", "patternProperties", "dependentSchemas"})
"""Keywords beneath which stand schemas by name."""
_DATA: Final = frozenset({"const", "enum", "default", "examples", "required", "dependentRequired", "type"})
_PLACES: Final = frozenset({"$schema", "$id", "$anchor", "$defs", "definitions", "$comment"})
"""What speaks of a schema's place, which is another one now; definitions come along where something refers to them."""


class Bundle:
    """Schemas by name, filled from `resources` (JSON Schemas by path). A reference becomes `prefix`, name, `suffix`.

    Raises `SchemaInvalid` for what has no place in one document: a dynamic reference, one that leads nowhere.
    """

    def __init__(self, resources: Mapping[str, Any], prefix: str, suffix: str = "") -> None:
        self.schemas: dict[str, Any] = {}
        self._prefix, self._suffix = prefix, suffix
        known = [(uri, DRAFT202012.create_resource(each)) for uri, each in addressed(resources)]
        self._registry: Registry[Any] = Registry().with_resources(known)
        self._resources = resources
        self._names: dict[int, str] = {}
        self._waiting: list[tuple[str, Any, Any, str]] = []

    def add(self, name: str, path: str) -> None:
        """The schema of a file, under this name."""
        schema = self._resources[path]
        resolver = self._registry.resolver(BASE + path)
        if id(schema) in self._names and isinstance(schema, dict):
            self.schemas[name] = self._reference(self._names[id(schema)])
            return
        self._put(name, schema, resolver, path)
        while self._waiting:  # not within one another: references may lead on a long way
            name, schema, resolver, path = self._waiting.pop(0)
            self.schemas[name] = self._copy(schema, resolver, path)

    def _put(self, name: str, schema: Any, resolver: Any, path: str) -> None:
        self._names[id(schema)] = name
        self.schemas[name] = {}  # keeps its place, and its name from others
        self._waiting.append((name, schema, resolver, path))

    def _reference(self, name: str) -> dict[str, str]:
        return {"$ref": f"{self._prefix}{name}{self._suffix}"}

    def _copy(self, schema: Any, resolver: Any, path: str) -> Any:
        if not isinstance(schema, Mapping):
            return schema
        if "$dynamicRef" in schema:
            raise SchemaInvalid(schema=path, rule="$dynamicRef has no meaning outside its own file")
        if isinstance(schema.get("$id"), str):
            resolver = resolver.in_subresource(DRAFT202012.create_resource(schema))
        return dict(self._members(schema, resolver, path))

    def _members(self, schema: Mapping[str, Any], resolver: Any, path: str) -> Iterator[tuple[str, Any]]:
        for key, value in schema.items():
            if key == "$ref":
                yield from self._referred(str(value), resolver, path)
            elif key in _NAMED and isinstance(value, Mapping):
                yield key, {name: self._copy(inner, resolver, path) for name, inner in value.items()}
            elif key in _DATA:
                yield key, value
            elif isinstance(value, list):
                yield key, [self._copy(inner, resolver, path) for inner in value]
            elif key not in _PLACES:
                yield key, self._copy(value, resolver, path)

    def _referred(self, reference: str, resolver: Any, path: str) -> Iterator[tuple[str, Any]]:
        try:
            found = resolver.lookup(reference)
        except (Unresolvable, ValueError):
            raise SchemaInvalid(schema=path, rule="a reference leads to no schema", place=reference[:200]) from None
        target = found.contents
        if isinstance(target, bool):
            if not target:
                yield "not", {}
            return
        if id(target) not in self._names:
            self._put(self._free(reference), target, found.resolver, path)
        yield from self._reference(self._names[id(target)]).items()

    def _free(self, reference: str) -> str:
        """A name that nothing has: the last step of the reference."""
        file, _, place = reference.partition("#")
        last = place.rpartition("/")[2] or posixpath.basename(file).partition(".")[0]
        name = re.sub(r"[^A-Za-z0-9._-]", "_", last) or "schema"
        number = 1
        while (free := name if number == 1 else f"{name}-{number}") in self.schemas:
            number += 1
        return free
