"""What a JSON Schema says of the values in a message: an object with members, a list, or one value.

Read for whoever writes a mapping: alternatives are laid together, and what only narrows values is left away.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from contracts.json_schema import BASE, addressed
from documents.fields import DEEPEST, MOST, Field, named

Path = tuple[str, ...]


@dataclass(slots=True)
class Node:
    """One value. `members` of an object; `items` of a list; of any other its type, format, pattern and codes.

    `required`: it must be there wherever the object is that it stands in.
    """

    required: bool = False
    members: "dict[str, Node]" = field(default_factory=dict)
    items: "Node | None" = None
    kind: str = ""
    format: str = ""
    pattern: str = ""
    codes: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Leaf:
    """A single value, or a list of such. `lists`: after how many of its names a list stands, from the root."""

    field: Field
    node: Node
    lists: tuple[int, ...]

    @property
    def path(self) -> Path:
        return self.field.path


def outline(schema: Any, resources: Mapping[str, Any], path: str) -> Node:
    """The value that a JSON Schema at `path` describes; a type that contains itself is followed once."""
    known = [(uri, DRAFT202012.create_resource(each)) for uri, each in addressed({**resources, path: schema})]
    registry: Registry[Any] = Registry().with_resources(known)
    node = Node()
    _Outlining(MOST * 4).read(schema, registry.resolver(BASE + path), node, (), 0)
    return node


def leaves(node: Node, path: Path = (), lists: tuple[int, ...] = ()) -> Iterator[Leaf]:
    """The single values of an outline in its order, at most 400."""
    yield from islice(_leaves(node, path, lists), MOST)


def _leaves(node: Node, path: Path, lists: tuple[int, ...]) -> Iterator[Leaf]:
    if node.items is not None:
        yield from _leaves(node.items, path, (*lists, len(path)))
    elif node.members:
        for name, member in node.members.items():
            yield from _leaves(member, (*path, name), lists)
    elif path:
        codes = frozenset(str(each) for each in node.codes if each is not None)
        yield Leaf(named(path, node.kind, node.format, codes), node, lists)


class _Outlining:
    def __init__(self, left: int) -> None:
        self._left = left

    def read(self, schema: Any, resolver: Any, node: Node, seen: tuple[int, ...], depth: int) -> None:
        """Add to a node what a schema says of it."""
        if not isinstance(schema, Mapping) or seen.count(id(schema)) > 0 or depth > DEEPEST or self._left < 0:
            return
        self._left -= 1
        seen = (*seen, id(schema))
        _value(schema, node)
        if isinstance(reference := schema.get("$ref"), str):
            try:
                resolved = resolver.lookup(reference)
            except (Unresolvable, ValueError):
                return
            self.read(resolved.contents, resolved.resolver, node, seen, depth)
        self._members(schema, resolver, node, seen, depth)
        if isinstance(items := schema.get("items"), Mapping):
            node.items = node.items or Node()
            self.read(items, resolver, node.items, seen, depth + 1)
        for part in _listed(schema, "allOf"):
            self.read(part, resolver, node, seen, depth)
        self._alternatives(schema, resolver, node, seen, depth)

    def _members(self, schema: Mapping[str, Any], resolver: Any, node: Node, seen: tuple[int, ...], depth: int) -> None:
        properties = schema.get("properties")
        for name, each in properties.items() if isinstance(properties, Mapping) else ():
            if each is not False:
                self.read(each, resolver, node.members.setdefault(str(name), Node()), seen, depth + 1)
        for name in _listed(schema, "required"):
            if name in node.members:
                node.members[name].required = True

    def _alternatives(
        self, schema: Mapping[str, Any], resolver: Any, node: Node, seen: tuple[int, ...], depth: int
    ) -> None:
        """Members of every alternative, of which none must be there."""
        for word in ("anyOf", "oneOf"):
            several = [each for each in _listed(schema, word) if not _is_null(each)]
            for each in several:
                own = node if len(several) == 1 else Node()
                self.read(each, resolver, own, seen, depth)
                if own is not node:
                    _join(node, own)


def _join(node: Node, other: Node) -> None:
    for name, member in other.members.items():
        member.required = False
        node.members.setdefault(name, member)
    node.items = node.items or other.items
    node.kind = node.kind or other.kind


def _value(schema: Mapping[str, Any], node: Node) -> None:
    kinds = schema.get("type", "")
    kind = next((each for each in kinds if each != "null"), "") if isinstance(kinds, list) else kinds
    node.kind = node.kind or str(kind)
    node.format = node.format or str(schema.get("format", ""))
    node.pattern = node.pattern or str(schema.get("pattern", ""))
    codes = [schema["const"]] if "const" in schema else schema.get("enum")
    if isinstance(codes, list) and not node.codes:
        node.codes = tuple(codes)


def _listed(schema: Mapping[str, Any], word: str) -> list[Any]:
    found = schema.get(word)
    return found if isinstance(found, list) else []


def _is_null(schema: Any) -> bool:
    return isinstance(schema, Mapping) and schema.get("type") == "null"
