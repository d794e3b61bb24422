"""Validation of JSON bodies by JSON Schema 2020-12.

What a finding says comes out of the schema alone. Names of members may be personal data as much as values, so a place
shows only those that the schema itself names, and ``*`` for the others.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import islice
from typing import Any
from urllib.parse import urldefrag, urljoin

import jsonschema_rs
import orjson
from jsonschema_rs import RegexOptions, ValidationError, ValidationErrorKind

from bus.envelope import Body
from bus.errors import Finding, SchemaInvalid
from contracts.json_body import parse_json

MAX_FINDINGS = 50
# jsonschema-rs gathers every error before it hands out the first: of half a million, 780 MB in 7 s.
MAX_AT_ONCE = 16 * 1024  # bytes of a body of which more than the first error is told
MAX_LIMIT = 200  # characters of a limit: a pattern or an enumeration may be endless
# Where the documents of a province lie for `$ref`: a name that never resolves (RFC 6761 §6.4).
BASE = "http://province.invalid/"


class JsonSchemaValidator:
    """A compiled schema; a `contracts.model.Validator`.

    `schema` lies at `path` among `resources` (path relative to the province folder, to schema), by which relative
    references are followed; a schema with an ``$id`` is found by that too (JSON Schema core §8.2). Nothing is fetched.
    Raises `SchemaInvalid`; `check_schema` says where.
    """

    def __init__(
        self, schema: bool | Mapping[str, Any], resources: Mapping[str, Any] | None = None, *, path: str = ""
    ) -> None:
        resources = resources or {}
        self._source = schema, resources, path
        self._names = frozenset(_names([schema, *resources.values()]))
        try:
            self._validator = jsonschema_rs.Draft202012Validator(
                schema if isinstance(schema, bool) else dict(schema),
                registry=jsonschema_rs.Registry(list(addressed(resources)), draft=jsonschema_rs.Draft202012),
                base_uri=BASE + path,
                offline=True,
                validate_formats=True,
                pattern_options=RegexOptions(),
            )
        except (ValueError, jsonschema_rs.ReferencingError):
            raise SchemaInvalid(schema=path or None, rule="json-schema") from None

    @cached_property
    def canonical(self) -> jsonschema_rs.CanonicalSchema:
        """What the schema says, each thing in one place and every reference inside it. Raises `SchemaInvalid`."""
        schema, resources, path = self._source
        try:
            return canonicalize(schema, resources, path=path)
        except (ValueError, jsonschema_rs.ReferencingError):
            raise SchemaInvalid(schema=path or None, rule="no canonical form") from None

    def is_valid(self, value: object) -> bool:
        """Whether JSON values are right."""
        return self._validator.is_valid(value)

    def check(self, body: Body) -> tuple[object, list[Finding]]:
        """The JSON values of `body` and at most 50 findings, of a long body one; raises as `parse_json` does."""
        value = parse_json(body.data)
        return value, self.findings(value, every=len(body.data) <= MAX_AT_ONCE)

    def findings(self, value: object, *, every: bool = True) -> list[Finding]:
        """What is wrong with values that were parsed already: at most 50 findings, or the first."""
        if self.is_valid(value):
            return []
        errors = self._validator.iter_errors(value) if every else self._first(value)
        return list(islice(self._each(errors), MAX_FINDINGS if every else 1))

    def _first(self, value: object) -> Iterator[ValidationError]:
        try:
            self._validator.validate(value)
        except ValidationError as error:
            yield error

    def _each(self, errors: Iterable[ValidationError], above: str = "") -> Iterator[Finding]:
        for error in errors:
            rule = above + error.kind.name
            yield Finding(self._place(error.instance_path), rule, self._limit(error.kind))
            match error.kind:
                case ValidationErrorKind.AnyOf(branches) | ValidationErrorKind.OneOfNotValid(branches):
                    yield from self._each(_closest(branches), f"{rule}/")

    def _place(self, path: Iterable[str | int]) -> str:
        """A JSON Pointer (RFC 6901) in which ``*`` stands for a name that is not the schema's."""
        return pointer(self._known(step) for step in path)

    def _known(self, step: str | int) -> str | int:
        return step if isinstance(step, int) or step in self._names else "*"

    def _limit(self, kind: ValidationErrorKind) -> str:
        """What the schema asks for; of what it does not name, how many there are."""
        match kind:
            case ValidationErrorKind.Required(name):
                return str(self._known(name))
            case ValidationErrorKind.PropertyNames(error):
                return f"{error.kind.name} {self._limit(error.kind)}".strip()
            case ValidationErrorKind.AdditionalProperties(several) | ValidationErrorKind.UnevaluatedProperties(several):
                return str(len(several))
            case ValidationErrorKind.AnyOf(branches) | ValidationErrorKind.OneOfNotValid(branches):
                return str(len(branches))
        return _stated(kind)


def canonicalize(
    schema: bool | Mapping[str, Any], resources: Mapping[str, Any] | None = None, *, path: str = ""
) -> jsonschema_rs.CanonicalSchema:
    """A schema in canonical form, read as the validator reads it."""
    return jsonschema_rs.canonicalize(
        schema if isinstance(schema, bool) else dict(schema),
        draft=jsonschema_rs.Draft202012,
        validate_formats=True,
        pattern_options=RegexOptions(),
        registry=jsonschema_rs.Registry(list(addressed(resources or {})), draft=jsonschema_rs.Draft202012),
        base_uri=BASE + path,
        offline=True,
    )


def pointer(steps: Iterable[str | int]) -> str:
    """A JSON Pointer (RFC 6901 §3)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def _stated(kind: ValidationErrorKind) -> str:
    """The value of the keyword itself, where it is short enough to read."""
    match kind:
        case ValidationErrorKind.Type(types):
            return " | ".join(types)
        case ValidationErrorKind.Enum(options):
            return _options(options)
        case ValidationErrorKind.Constant(expected):
            return _options([expected])
    for fact in ("limit", "pattern", "format", "multiple_of"):
        stated = str(getattr(kind, fact, ""))
        if stated:
            return stated if len(stated) <= MAX_LIMIT else ""
    return ""


def _options(options: list[Any]) -> str:
    """The values to choose from, or how many they are where that is too long to read."""
    listed = " | ".join(orjson.dumps(option).decode() for option in options)
    return listed if len(listed) <= MAX_LIMIT else str(len(options))


def _closest(branches: list[list[ValidationError]]) -> list[ValidationError]:
    """The errors of the branch that the sender most likely meant: the fewest, the deepest first."""
    return min(branches, key=lambda errors: (len(errors), -max((len(e.instance_path) for e in errors), default=0)))


def addressed(resources: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Resources by their place in the province and by the `$id` they give themselves."""
    for path, schema in resources.items():
        yield BASE + path, schema
        if isinstance(schema, Mapping) and isinstance(identifier := schema.get("$id"), str):
            yield urldefrag(urljoin(BASE + path, identifier)).url, schema


def _names(schemas: Iterable[Any]) -> Iterator[str]:
    """Every name of a member that schemas mention; keywords and definitions among them do no harm."""
    for schema in schemas:
        if isinstance(schema, Mapping):
            yield from (key for key in schema if isinstance(key, str))
            yield from _names(schema.values())
        elif isinstance(schema, list):
            yield from (item for item in schema if isinstance(item, str))
            yield from _names(schema)
