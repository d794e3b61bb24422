"""The JSON Schema (2020-12) of the JSON view of an XML document: what `XmlView.decode` gives, and `encode` takes."""

from collections.abc import Iterator
from typing import Any

from transforms.xml_facets import JsonSchema, simple_schema
from transforms.xml_shape import Group, Member, Shape, split

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class ViewSchema:
    """Derives the schema of a root; `left_out` says which facets it does not state, by place."""

    def __init__(self) -> None:
        self.left_out: dict[str, None] = {}
        self._definitions: dict[str, JsonSchema] = {}
        self._names: dict[Shape, str] = {}

    def of(self, root: Member) -> JsonSchema:
        """The schema of a document; types of elements that have attributes or children stand in ``$defs``."""
        schema = self._member(root, f"/{root.key}")
        described = {"description": text} if (text := _documented(root.source)) else {}
        return {"$schema": DIALECT, **described, **schema, "$defs": self._definitions}

    def _member(self, member: Member, place: str) -> JsonSchema:
        schema = self._shape(member.shape, split(member.tag)[1], place)
        if member.nillable:
            if "$ref" in schema or "enum" in schema:
                schema = {"anyOf": [schema, {"type": "null"}, *self._nil(member.shape, place)]}
            else:
                schema = _or_null(schema)
        return schema

    def _nil(self, shape: Shape, place: str) -> Iterator[JsonSchema]:
        """A nil element that has attributes."""
        if shape.attributes:
            properties = {each.key: self._scalar(each.simple, f"{place}/{each.key}") for each in shape.attributes}
            required = ["$", *(each.key for each in shape.attributes if each.required)]
            nil = {**properties, "$": {"type": "null"}}
            yield {"type": "object", "properties": nil, "required": required, "additionalProperties": False}

    def _shape(self, shape: Shape, local: str, place: str) -> JsonSchema:
        if shape.scalar is not None and not shape.attributes:
            return self._scalar(shape.simple, place)
        if shape not in self._names:
            self._names[shape] = name = self._new_name(split(shape.type_name)[1] or local)
            self._definitions[name] = {}
            self._definitions[name].update(self._object(shape, place))
        return {"$ref": f"#/$defs/{self._names[shape]}"}

    def _new_name(self, wanted: str) -> str:
        taken, number, name = self._definitions, 1, wanted
        while name in taken:
            number += 1
            name = f"{wanted}-{number}"
        return name

    def _object(self, shape: Shape, place: str) -> JsonSchema:
        properties = {each.key: self._scalar(each.simple, f"{place}/{each.key}") for each in shape.attributes}
        required = [each.key for each in shape.attributes if each.required]
        schema: JsonSchema = {"type": "object", "properties": properties, "required": required}
        if shape.scalar is not None:
            properties["$"] = self._scalar(shape.simple, f"{place}/$")
            required.append("$")
        if shape.content is not None:
            properties.update(self._properties(shape.content, place))
            required += _required(shape.content)
            if choices := list(_choices(shape.content)):
                schema["allOf"] = choices
        return {
            **{key: value for key, value in schema.items() if value or key == "type"},
            "additionalProperties": False,
        }

    def _properties(self, content: Group, place: str) -> dict[str, JsonSchema]:
        found: dict[str, JsonSchema] = {}
        counts: dict[str, int] = {}
        members = list(content.members())
        for member in members:
            counts[member.key] = counts.get(member.key, 0) + 1
        for member in members:
            if member.key in found:
                continue
            schema = self._member(member, f"{place}/{member.key}")
            if member.many:
                schema = {"type": "array", "items": schema}
                if counts[member.key] == 1 and content.most == 1 and member.most is not None and _once(content, member):
                    schema["maxItems"] = member.most
                if counts[member.key] == 1 and member.least and member.key in _required(content):
                    schema["minItems"] = member.least
            if text := _documented(member.source):
                schema = {"description": text, **schema}
            found[member.key] = schema
        return found

    def _scalar(self, simple: Any, place: str) -> JsonSchema:
        if simple is None:
            return {"type": "string"}
        left_out: list[str] = []
        schema = simple_schema(simple, left_out)
        self.left_out.update(dict.fromkeys(f"{place}: {facet}" for facet in left_out))
        return schema


def _or_null(schema: JsonSchema) -> JsonSchema:
    kinds = schema.get("type", [])
    return {**schema, "type": [*(kinds if isinstance(kinds, list) else [kinds]), "null"]}


def _required(part: Member | Group) -> list[str]:
    """The keys that stand in every view of the part: those of elements that must be there, whatever is chosen."""
    if part.least == 0:
        return []
    if isinstance(part, Member):
        return [part.key]
    found = [_required(each) for each in part.parts]
    if not part.choice:
        return list(dict.fromkeys(key for each in found for key in each))
    return [key for key in (found[0] if found else []) if all(key in each for each in found)]


def _choices(group: Group, *, always: bool = True) -> Iterator[JsonSchema]:
    """What each choice that is made once allows: the elements of one branch, and none of the others'; of none at all
    where it need not be made (`always`)."""
    always = always and group.least > 0
    if group.choice and group.most == 1 and all(not isinstance(each, Group) or each.most == 1 for each in group.parts):
        members = list(group.members())
        if len({each.key for each in members}) == len(members) and not any(each.many for each in members):
            yield _choice(group, always)
        return
    for part in group.parts:
        if isinstance(part, Group) and group.most == 1:
            yield from _choices(part, always=always and not group.choice)


def _choice(group: Group, always: bool) -> JsonSchema:
    branches = []
    keys = [[member.key for member in _members(part)] for part in group.parts]
    for number, part in enumerate(group.parts):
        others = [key for place, each in enumerate(keys) if place != number for key in each]
        branch: JsonSchema = {"properties": dict.fromkeys(others, False)}
        if needed := _required(part):
            branch["required"] = needed
        branches.append(branch)
    if not always and all("required" in each for each in branches):
        branches.append({"properties": {key: False for each in keys for key in each}})
    return {"anyOf": branches}


def _members(part: Member | Group) -> Iterator[Member]:
    return iter([part]) if isinstance(part, Member) else part.members()


def _once(group: Group, member: Member) -> bool:
    """Whether the member stands in no group that may be repeated."""
    for part in group.parts:
        if part is member:
            return True
        if isinstance(part, Group) and any(each is member for each in part.members()):
            return part.most == 1 and _once(part, member)
    return False


def _documented(component: Any) -> str:
    """What a schema's author says of an element, as one line."""
    annotation = getattr(component, "annotation", None)
    return " ".join(str(annotation).split())[:500] if annotation is not None else ""
