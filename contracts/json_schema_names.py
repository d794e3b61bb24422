"""What a JSON Schema says of the members of an object: which names there may be."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from contracts.json_schema import BASE, addressed

EVERY = "*"
TYPES = {
    str: "string",
    bool: "boolean",
    int: "number",
    float: "number",
    list: "array",
    dict: "object",
    type(None): "null",
}
_BESIDE = ("allOf", "anyOf", "oneOf")
_ALONE = ("if", "then", "else")


class SchemaNames:
    """Follows keys into a schema that lies at `path` among `resources`, as `JsonSchemaValidator` has them."""

    def __init__(self, schema: Any, resources: Mapping[str, Any], *, path: str) -> None:
        known = [(uri, DRAFT202012.create_resource(each)) for uri, each in addressed({**resources, path: schema})]
        registry: Registry[Any] = Registry().with_resources(known)
        self._root = (schema, registry.resolver(BASE + path))

    def missing(self, steps: Sequence[str]) -> tuple[int, frozenset[str]] | None:
        """Where steps lead to no member that the schema names: which step, and the names there are; None where they do,
        or where an object may have members that the schema does not name. The step ``*`` goes into a list, or stays
        where there is none."""
        here = [self._root]
        for at, step in enumerate(steps):
            around = [each for one in here for each in self._around(*one, seen=())]
            if step == EVERY:
                here = [(schema["items"], resolver) for schema, resolver in around if "items" in schema] or here
                continue
            named = {name for schema, _ in around for name in schema.get("properties", {})}
            found = [
                (schema["properties"][step], resolver)
                for schema, resolver in around
                if step in schema.get("properties", {})
            ]
            if not found:
                return (at, frozenset(named)) if named and _closed(schema for schema, _ in around) else None
            here = found
        return None

    def types(self, steps: Sequence[str]) -> frozenset[str]:
        """The JSON types that the schema names for what steps lead to, by any of its branches; ``*`` goes into a list.
        None where it names none."""
        here = [self._root]
        for step in steps:
            around = [each for one in here for each in self._around(*one, seen=())]
            inner = [
                (schema.get("items") if step == EVERY else _member(schema, step), found) for schema, found in around
            ]
            here = [each for each in inner if each[0] is not None]
        return frozenset(name for one in here for each, _ in self._around(*one, seen=()) for name in _types(each))

    def _around(self, schema: Any, resolver: Any, seen: tuple[int, ...]) -> Iterator[tuple[Mapping[str, Any], Any]]:
        """The schema and every other that speaks of the same value."""
        if not isinstance(schema, Mapping) or id(schema) in seen:
            return
        yield schema, resolver
        seen = (*seen, id(schema))
        reference = schema.get("$ref")
        if isinstance(reference, str):
            try:
                resolved = resolver.lookup(reference)
            except (Unresolvable, ValueError):
                return
            yield from self._around(resolved.contents, resolved.resolver, seen)
        for inner in (*(each for word in _BESIDE for each in schema.get(word, ())), *map(schema.get, _ALONE)):
            yield from self._around(inner, resolver, seen)


def _closed(schemas: Iterator[Mapping[str, Any]]) -> bool:
    """Whether no member may have a name of its own."""
    around = list(schemas)
    words = ("additionalProperties", "unevaluatedProperties")
    closed = any(schema.get(word) is False for schema in around for word in words)
    return closed and not any("patternProperties" in schema for schema in around)


def _member(schema: Mapping[str, Any], name: str) -> Any:
    members = schema.get("properties")
    return members.get(name) if isinstance(members, Mapping) else None


def _types(schema: Mapping[str, Any]) -> Iterator[str]:
    """The types that a schema names itself, or shows by the values that it lists."""
    named = schema.get("type")
    if named is not None:
        yield from [named] if isinstance(named, str) else named
        return
    values = [schema["const"]] if "const" in schema else schema.get("enum", ())
    yield from (TYPES[type(value)] for value in values)
