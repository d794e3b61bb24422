"""What is wrong with a JSON Schema, said when it is registered."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

import jsonschema_rs
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from bus.errors import SchemaInvalid
from contracts.json_schema import BASE, JsonSchemaValidator, addressed, pointer

DIALECT = "https://json-schema.org/draft/2020-12/schema"

# What stands beneath these is data, in which `$ref` and `pattern` are names like any other.
_DATA = frozenset({"const", "default", "enum", "examples"})


def check_schema(schema: Any, resources: Mapping[str, Any] | None = None, *, path: str = "") -> list[str]:
    """What keeps `schema` from being used, each as ``#JSON-Pointer: reason``; empty where nothing does.

    `resources` and `path` are those of `JsonSchemaValidator`.
    """
    found = list(dict.fromkeys(_against_metaschema(schema)))
    if found:
        return found
    found = [*_dialects(schema), *_patterns(schema, []), *_references(schema, dict(resources or {}), path)]
    try:
        JsonSchemaValidator(schema, resources, path=path)
    except SchemaInvalid:
        return found or ["#: it, or a schema that it refers to, cannot be compiled"]
    return found


def _against_metaschema(schema: Any) -> Iterator[str]:
    meta = Draft202012Validator(Draft202012Validator.META_SCHEMA, registry=Registry())
    for error in meta.iter_errors(schema):
        yield f"#{pointer(error.absolute_path)}: {_reason(error)}"


def _reason(error: ValidationError) -> str:
    """Of a word that is to be chosen, such as a type, which there are and which was probably meant."""
    choice = next((each for each in (error, *(error.context or ())) if each.validator == "enum"), None)
    if choice is None or not isinstance(choice.instance, str):
        return f"not JSON Schema 2020-12 ({error.validator})"
    words = [str(word) for word in choice.validator_value]
    close = get_close_matches(choice.instance, words, n=1)
    return f"`{choice.instance[:60]}` is none of {', '.join(words)}" + (
        f": did you mean `{close[0]}`?" if close else ""
    )


def _dialects(schema: Any) -> Iterator[str]:
    dialect = schema.get("$schema", DIALECT) if isinstance(schema, Mapping) else DIALECT
    if dialect.rstrip("#") != DIALECT:
        yield f"#/$schema: only {DIALECT} is read here"


def _patterns(schema: Any, place: list[str]) -> Iterator[str]:
    for step, expression in _expressions(schema):
        if not _linear(expression):
            yield f"#{pointer([*place, *step])}: a pattern without look-around and back-references is needed here"
    for name, inner in _inside(schema):
        yield from _patterns(inner, [*place, name])


def _expressions(schema: Any) -> Iterator[tuple[list[str], str]]:
    """The regular expressions that `schema` itself states, and where."""
    if not isinstance(schema, Mapping):
        return
    if isinstance(schema.get("pattern"), str):
        yield ["pattern"], schema["pattern"]
    if isinstance(schema.get("patternProperties"), Mapping):
        yield from ((["patternProperties", name], name) for name in schema["patternProperties"])


def _linear(pattern: str) -> bool:
    """Whether `pattern` runs in time linear in the text."""
    try:
        jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=jsonschema_rs.RegexOptions())
    except ValueError:
        return False
    return True


def _references(schema: Any, resources: dict[str, Any], path: str) -> Iterator[str]:
    known = [(uri, DRAFT202012.create_resource(each)) for uri, each in addressed({**resources, path: schema})]
    registry: Registry[Any] = Registry().with_resources(known)
    yield from _unresolved(schema, registry.resolver(BASE + path), [])


def _unresolved(schema: Any, resolver: Any, place: list[str]) -> Iterator[str]:
    """References that lead nowhere; `resolver` is referencing's, which knows the base address at `place`."""
    if isinstance(schema, Mapping):
        if place and isinstance(schema.get("$id"), str):
            resolver = resolver.in_subresource(DRAFT202012.create_resource(schema))
        for keyword in ("$ref", "$dynamicRef"):
            reference = schema.get(keyword)
            if isinstance(reference, str) and not _leads(resolver, reference):
                yield f"#{pointer([*place, keyword])}: no schema among the documents lies at {reference}"
    for step, inner in _inside(schema):
        yield from _unresolved(inner, resolver, [*place, step])


def _leads(resolver: Any, reference: str) -> bool:
    try:
        resolver.lookup(reference)
    except (Unresolvable, ValueError):
        return False
    return True


def _inside(schema: Any) -> Iterator[tuple[str, Any]]:
    """What `schema` contains that may hold schemas, by step."""
    if isinstance(schema, Mapping):
        yield from ((step, inner) for step, inner in schema.items() if step not in _DATA)
    elif isinstance(schema, list):
        yield from ((str(step), inner) for step, inner in enumerate(schema))
