"""What the JSON view of a document says otherwise than JSON by its schema does.

A list that the document does not have is empty in its view, which a schema may forbid. A date may bear a time zone in
XML (XSD 1.0 part 2 §3.2.9), which Java's tools write unasked, and has none in JSON (RFC 3339 full-date).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

ZONED: Final = re.compile(r"(-?[0-9]{4,}-[0-9]{2}-[0-9]{2})(?:Z|[+-][0-9]{2}:[0-9]{2})")


class Fitting:
    """Leaves out lists that are empty, need not be there, and may not be empty, and the zones of dates. `schemas` are
    JSON Schemas that refer to one another by name (`contracts.descriptions.bundle`), `root` the name of the one that
    values are of."""

    def __init__(self, schemas: Mapping[str, Any], root: str) -> None:
        self._schemas = schemas
        self._root = root
        self._any = any(_says(each) for each in schemas.values())

    def fitted(self, value: object) -> object:
        """The values as the schema means them."""
        return self._fitted(value, self._schemas[self._root]) if self._any else value

    def _fitted(self, value: object, schema: Any) -> object:
        if isinstance(value, list):
            items: Any = next((each["items"] for each in self._all(schema) if "items" in each), {})
            return [self._fitted(each, items) for each in value]
        if isinstance(value, str) and any(each.get("format") == "date" for each in self._all(schema)):
            zoned = ZONED.fullmatch(value)
            return zoned[1] if zoned else value
        if not isinstance(value, dict):
            return value
        properties: dict[str, Any] = {}
        required: set[str] = set()
        for each in self._all(schema):
            properties |= each.get("properties", {})
            required |= set(each.get("required", ()))
        return {
            name: self._fitted(each, properties.get(name, {}))
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


def _says(schema: Any) -> bool:
    """Whether there is anything to fit."""
    if isinstance(schema, Mapping):
        return "minItems" in schema or schema.get("format") == "date" or any(_says(each) for each in schema.values())
    return isinstance(schema, list) and any(_says(each) for each in schema)
