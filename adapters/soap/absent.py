"""Lists that an XML document does not have: its JSON view says that they are empty, which a schema may forbid."""

from collections.abc import Iterator, Mapping
from typing import Any


class Absent:
    """Leaves out lists that are empty, need not be there, and may not be empty. `schemas` are JSON Schemas that refer
    to one another by name (`contracts.descriptions.bundle`), `root` the name of the one that values are of."""

    def __init__(self, schemas: Mapping[str, Any], root: str) -> None:
        self._schemas = schemas
        self._root = root
        self._any = any(_says(each, "minItems") for each in schemas.values())

    def without(self, value: object) -> object:
        """The values without them."""
        return self._without(value, self._schemas[self._root]) if self._any else value

    def _without(self, value: object, schema: Any) -> object:
        if isinstance(value, list):
            items: Any = next((each["items"] for each in self._all(schema) if "items" in each), {})
            return [self._without(each, items) for each in value]
        if not isinstance(value, dict):
            return value
        properties: dict[str, Any] = {}
        required: set[str] = set()
        for each in self._all(schema):
            properties |= each.get("properties", {})
            required |= set(each.get("required", ()))
        return {
            name: self._without(each, properties.get(name, {}))
            for name, each in value.items()
            if each != [] or name in required or not self._wants_items(properties.get(name, {}))
        }

    def _wants_items(self, schema: Any) -> bool:
        return any(each.get("minItems", 0) for each in self._all(schema))

    def _all(self, schema: Any, deep: int = 0) -> Iterator[Mapping[str, Any]]:
        """A schema, and those that it wants held besides."""
        if not isinstance(schema, Mapping) or deep > 20:
            return
        yield schema
        for branch in schema.get("allOf", ()):
            yield from self._all(branch, deep + 1)
        if isinstance(schema.get("$ref"), str):
            yield from self._all(self._schemas.get(schema["$ref"].rpartition("/")[2]), deep + 1)


def _says(schema: Any, keyword: str) -> bool:
    if isinstance(schema, Mapping):
        return keyword in schema or any(_says(each, keyword) for each in schema.values())
    return isinstance(schema, list) and any(_says(each, keyword) for each in schema)
