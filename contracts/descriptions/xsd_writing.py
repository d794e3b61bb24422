"""An XSD for messages of JSON: the rules of the JSON view of XML (docs/mapping.md), in the other direction.

Objects become elements in the order in which their schema names the members, lists repeated elements, ``@name``
attributes, null nil. What XML Schema cannot say is left out and told as a loss: the XSD then allows more than the JSON
Schema, by which the gateway goes on checking.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from lxml import etree

from contracts.descriptions.elements import Elements

XS: Final = "http://www.w3.org/2001/XMLSchema"
NAME: Final = re.compile(r"[^\W\d][\w.-]*")  # an NCName, without the marks that combine
_E = Elements(XS, "xs")

_SCALARS: Final = {"string": "xs:string", "integer": "xs:integer", "number": "xs:double", "boolean": "xs:boolean"}
_TYPES: Final = {str: "string", int: "integer", bool: "boolean", float: "number"}
_FORMATS: Final = {"date": "xs:date", "date-time": "xs:dateTime", "time": "xs:time"}
_TEXT: Final[Mapping[str, str]] = {"minLength": "minLength", "maxLength": "maxLength"}
_NUMBER: Final[Mapping[str, str]] = {
    "minimum": "minInclusive",
    "maximum": "maxInclusive",
    "exclusiveMinimum": "minExclusive",
    "exclusiveMaximum": "maxExclusive",
}
_TOLD: Final = frozenset(
    {"$ref", "title", "description", "examples", "default", "deprecated", "readOnly", "writeOnly", "type", "format"}
    | {"properties", "required", "additionalProperties", "items", "minItems", "maxItems", "enum", "const", "pattern"}
    | {"contentEncoding", "contentMediaType"}
    | _TEXT.keys()
    | _NUMBER.keys()
)
"""Keywords that become part of the XSD, or that ask for nothing."""
_WORDS: Final = frozenset(
    {"$ref", "title", "description", "examples", "default", "deprecated", "readOnly", "writeOnly"}
)
"""Those that ask for nothing."""


def xsd(schemas: Mapping[str, Any], roots: Iterable[str], namespace: str) -> tuple[etree._Element, tuple[str, ...]]:
    """A schema with an element for each of `roots`, and a type for each of `schemas`, as ``$defs`` of one document
    name them; and what it cannot say."""
    writer = _Writer(schemas)
    attributes = {"targetNamespace": namespace, "elementFormDefault": "qualified"}
    body = etree.Element(f"{{{XS}}}schema", attributes, nsmap={"xs": XS, "tns": namespace})
    for name in roots:
        body.append(writer.element(name, {"$ref": f"#/$defs/{name}"}, "", {}))
    for name, each in schemas.items():
        body.append(writer.named(name, each))
    return body, tuple(writer.losses)


class _Writer:
    def __init__(self, schemas: Mapping[str, Any]) -> None:
        self.losses: dict[str, None] = {}
        self._schemas = schemas
        self._targets: dict[str, Any] = {}
        self._names = _type_names(schemas)

    def named(self, name: str, schema: Any) -> etree._Element:
        """A global type."""
        # A name for another type is that type once more; one that leads back to itself says nothing.
        target = self._target(schema) if self._reference(schema) else schema
        made = self._type({} if target is None else target, f"#/$defs/{name}")
        if isinstance(made, str):  # a type of XML Schema's own
            made = _E("simpleType", _E("restriction", {"base": made})) if made != "xs:anyType" else _any()
        made.set("name", self._names[name])
        return made

    def element(self, name: str, schema: Any, place: str, occurs: Mapping[str, str]) -> etree._Element:
        """An element of a member, or the repeated one of a list."""
        written = {"name": name, **occurs}
        schema, nillable = _without_null(schema)
        if nillable:
            written["nillable"] = "true"
        made = self._type(schema, place)
        element = _E("element", written)
        if isinstance(schema, Mapping) and isinstance(schema.get("description"), str):
            element.append(_E("annotation", _E("documentation", _text(schema["description"]))))
        if isinstance(made, str):
            element.set("type", made)
        else:
            element.append(made)
        return element

    def _told(self, schema: Mapping[str, Any], place: str) -> None:
        """Say which keywords an XSD has no place for; beside a reference, those that would narrow it further."""
        narrowing = _TOLD - _WORDS if "$ref" in schema else frozenset[str]()
        for keyword in schema:
            if keyword not in _TOLD or keyword in narrowing:
                self._lose(place, f"`{keyword}` is checked on JSON alone")

    def _merged(self, schema: Any) -> Any:
        """A schema with the objects of its ``allOf`` as its own; as it is, where that cannot be said so."""
        if not isinstance(schema, Mapping) or "allOf" not in schema or "$ref" in schema:
            return schema
        whole = {key: value for key, value in schema.items() if key != "allOf"}
        for branch in schema["allOf"]:
            inner = self._target(branch)
            if inner is None or _kind(inner) != "object":
                return schema
            properties = {**inner.get("properties", {}), **whole.get("properties", {})}
            required = [*inner.get("required", ()), *whole.get("required", ())]
            whole = {**inner, **whole, "properties": properties, "required": required}
        return whole

    def _target(self, schema: Any) -> Any:
        """What a schema refers to, merged; None where it refers to itself."""
        if not isinstance(schema, Mapping) or not isinstance(schema.get("$ref"), str):
            return self._merged(schema)
        name = schema["$ref"].rpartition("/")[2]
        if name not in self._targets:
            self._targets[name] = None  # while it is being followed
            self._targets[name] = self._target(self._schemas[name])
        return self._targets[name]

    def _reference(self, schema: Any) -> str | None:
        """The name of the type that a schema refers to."""
        if not isinstance(schema, Mapping) or not isinstance(schema.get("$ref"), str):
            return None
        return self._names[schema["$ref"].rpartition("/")[2]]

    def _type(self, schema: Any, place: str) -> str | etree._Element:
        schema, null = _without_null(schema)
        if null and not place.rpartition("/")[0].endswith("properties"):
            self._lose(place, "null")
        if not isinstance(schema, Mapping) or not schema:
            self._lose(place, "any value: of which XML takes text and elements, and JSON values keep no type")
            return "xs:anyType"
        schema = self._merged(schema)
        self._told(schema, place)
        if reference := self._reference(schema):
            return f"tns:{reference}"
        match _kind(schema):
            case "object":
                return self._object(schema, place)
            case "array":
                self._lose(place, "a list in a list, or as a whole message, stands in elements `item`")
                return _E("complexType", _E("sequence", self._repeated("item", schema, place, required=True)))
            case str() as scalar:
                return self._scalar(schema, scalar, place)
        self._lose(place, "values of several types: taken as anything")
        return "xs:anyType"

    def _object(self, schema: Mapping[str, Any], place: str) -> etree._Element:
        if schema.get("additionalProperties", True) is not False:
            self._lose("", "fields that a schema does not name are not carried")
        members = {name: each for name, each in schema.get("properties", {}).items() if self._nameable(name, place)}
        required = frozenset(schema.get("required", ()))
        sequence, made = _E("sequence"), _E("complexType")
        for name, each in members.items():
            inside, target = f"{place}/properties/{name}", self._target(each)
            if name.startswith("@"):
                made.append(self._attribute(name, each, inside, required=name in required))
            elif _kind(target) == "array":
                self._told(target, inside)
                sequence.append(self._repeated(name, target, inside, required=name in required))
            else:
                occurs = {} if name in required else {"minOccurs": "0"}
                sequence.append(self.element(name, each, inside, occurs))
        made.insert(0, sequence)
        return made

    def _nameable(self, name: str, place: str) -> bool:
        if NAME.fullmatch(name.removeprefix("@")):
            return True
        self._lose(f"{place}/properties/{name}", "no element can have this name: it is not carried")
        return False

    def _attribute(self, name: str, schema: Any, place: str, *, required: bool) -> etree._Element:
        made = self._type(schema, place)
        attribute = _E("attribute", {"name": name[1:], "use": "required" if required else "optional"})
        if isinstance(made, str) and made != "xs:anyType":
            attribute.set("type", made)
        elif not isinstance(made, str) and made.tag == f"{{{XS}}}simpleType":
            attribute.append(made)
        else:
            self._lose(place, "an attribute takes a text alone")
            attribute.set("type", "xs:string")
        return attribute

    def _repeated(self, name: str, schema: Any, place: str, *, required: bool) -> etree._Element:
        schema, null = _without_null(schema)
        if null:
            self._lose(place, "null in place of a list is no element at all")
        least, most = int(schema.get("minItems", 0)), schema.get("maxItems")
        if not required and least:
            self._lose(place, "`minItems` of a list that may be absent")
        elif not required or not least:
            self._lose("", "an empty list and an absent one are the same")
        if most == 1:
            self._lose(place, "`maxItems` of 1, with which the element would be no list")
        occurs = {
            "minOccurs": str(least if required and not null else 0),
            "maxOccurs": "unbounded" if most in {None, 1} else str(int(most)),
        }
        return self.element(name, schema.get("items", {}), f"{place}/items", occurs)

    def _scalar(self, schema: Mapping[str, Any], kind: str, place: str) -> str | etree._Element:
        base = _FORMATS.get(str(schema.get("format")), _SCALARS[kind]) if kind == "string" else _SCALARS[kind]
        if "format" in schema and base == _SCALARS[kind]:
            self._lose(place, f"`format: {_text(schema['format'])}` is checked on JSON alone")
        facets = [
            *self._options(schema, base, place),
            *self._bounds(schema, base, place),
            *self._pattern(schema, kind, place),
        ]
        return _E("simpleType", _E("restriction", {"base": base}, *facets)) if facets else base

    def _options(self, schema: Mapping[str, Any], base: str, place: str) -> Iterable[etree._Element]:
        options = [schema["const"]] if "const" in schema else schema.get("enum", ())
        if options and base == "xs:boolean":
            self._lose(place, "which of true and false is checked on JSON alone")  # XSD 1.0 part 2 §3.2.2.2
            return
        yield from (_facet("enumeration", _text(option)) for option in options)

    def _bounds(self, schema: Mapping[str, Any], base: str, place: str) -> Iterable[etree._Element]:
        for word in (each for each in (*_TEXT, *_NUMBER) if each in schema):
            bound = schema[word]
            if base == "xs:string" and word in _TEXT:
                yield _facet(_TEXT[word], str(int(bound)))
            elif base == "xs:double" and word in _NUMBER:
                yield _facet(_NUMBER[word], str(bound))
            elif base == "xs:integer" and word in _NUMBER and int(bound) == bound:
                yield _facet(_NUMBER[word], str(int(bound)))
            else:
                self._lose(place, f"`{word}` is checked on JSON alone")

    def _pattern(self, schema: Mapping[str, Any], kind: str, place: str) -> Iterable[etree._Element]:
        if "pattern" not in schema or kind != "string":
            return
        if (pattern := _as_xsd(schema["pattern"])) is None:
            self._lose(place, "`pattern` is checked on JSON alone")
        else:
            yield _facet("pattern", pattern)

    def _lose(self, place: str, what: str) -> None:
        self.losses[f"{place}: {what}" if place else what] = None


def _any() -> etree._Element:
    """A type that takes anything, as xs:anyType, under a name of its own."""
    wildcard = _E("any", {"minOccurs": "0", "maxOccurs": "unbounded", "processContents": "lax"})
    return _E(
        "complexType", {"mixed": "true"}, _E("sequence", wildcard), _E("anyAttribute", {"processContents": "lax"})
    )


def _facet(name: str, value: str) -> etree._Element:
    return etree.Element(f"{{{XS}}}{name}", {"value": value})


def _text(value: object) -> str:
    """As XML can hold it (XML 1.0 §2.2)."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", str(value))


def _without_null(schema: Any) -> tuple[Any, bool]:
    """A schema whose value may be null, and what it may be otherwise."""
    types = schema.get("type") if isinstance(schema, Mapping) else None
    if not isinstance(types, list) or "null" not in types or len(types) < 2:
        return schema, False
    others = [each for each in types if each != "null"]
    rest = {**schema, "type": others[0] if len(others) == 1 else others}
    if "enum" in rest:
        rest["enum"] = [each for each in rest["enum"] if each is not None]
    return rest, True


def _kind(schema: Any) -> str | None:
    """object, array or the type of a scalar; None where it may be several."""
    if not isinstance(schema, Mapping):
        return None
    types = schema.get("type", _implied(schema))
    if isinstance(types, list):
        if "array" in types and len(types) == 2 and "null" in types:
            return "array"
        types = types[0] if len(types) == 1 else None
    return types if types in {"object", "array", *_SCALARS} else None


def _implied(schema: Mapping[str, Any]) -> str | None:
    """The type that a schema without one leaves no doubt of."""
    if "properties" in schema:
        return "object"
    options = [schema["const"]] if "const" in schema else schema.get("enum", ())
    types = {type(each) for each in options}
    return _TYPES.get(types.pop()) if len(types) == 1 else None


_PLAIN: Final = re.compile(r"(?:[\w .,:;/@%&'\"#!=_~<>-]|\\[.+*?()\[\]{}|\\/^$-]|\\d|[\[\](){}|+*?^.,-])*")


def _as_xsd(pattern: str) -> str | None:
    """The same expression in XML Schema, whose patterns always match the whole (XSD 1.0 part 2 §F); None where that is
    not surely so."""
    if not (pattern.startswith("^") and pattern.endswith("$")) or pattern.endswith("\\$") or "(?" in pattern:
        return None
    inner = pattern[1:-1]
    depth = 0
    for sign in re.sub(r"\\.|\[[^\]]*\]", "", inner):
        depth += (sign == "(") - (sign == ")")
        if sign in "^$." or (sign == "|" and not depth):
            return None
    inner = inner.replace(r"\/", "/").replace(r"\d", "[0-9]") if r"[\d" not in inner else inner
    if not _PLAIN.fullmatch(inner) or "[[" in inner:
        return None
    restriction = _E("restriction", {"base": "xs:string"}, _facet("pattern", inner))
    try:
        etree.XMLSchema(_E("schema", _E("simpleType", {"name": "t"}, restriction)))
    except etree.XMLSchemaParseError:
        return None
    return inner


def _type_names(schemas: Mapping[str, Any]) -> dict[str, str]:
    """A type's name for each schema; those that are no names of XML get one."""
    names: dict[str, str] = {}
    for name in schemas:
        base = re.sub(r"[^\w.-]", "_", name)
        base = base if NAME.fullmatch(base) else f"_{base}"
        names[name] = next(each for n in range(len(schemas) + 1) if (each := f"{base}{n or ''}") not in names.values())
    return names
