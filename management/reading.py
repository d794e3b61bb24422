"""What is sent to the management API, held against its description without a word of it being quoted."""

from typing import Any, Final

from connexion.exceptions import BadRequestProblem
from connexion.json_schema import Draft4RequestValidator
from connexion.utils import is_null, is_nullable
from connexion.validators.abstract import AbstractRequestBodyValidator
from connexion.validators.parameter import ParameterValidator
from jsonschema import Draft4Validator, Draft202012Validator, ValidationError
from starlette.types import Scope

from bus.errors import Finding, RequestInvalid
from contracts.json_body import parse_json
from documents.problems import pointer

FORMATS: Final = Draft202012Validator.FORMAT_CHECKER
"""Draft 4, which OpenAPI 3.0 builds on, has no UUIDs."""


class Body(AbstractRequestBodyValidator):
    """A body of JSON, read as messages are: duplicate keys, infinities and endless depth are refused."""

    async def _parse(self, stream: Any, scope: Scope) -> Any:  # noqa: ARG002 - connexion asks so
        body = b"".join([piece async for piece in stream])
        return parse_json(body) if body else None

    def _validate(self, body: Any) -> None:
        if body is None:
            if self._required or not self._nullable:
                raise RequestInvalid(findings=[Finding("", "required")])
            return
        validator = Draft4RequestValidator(self._schema, format_checker=FORMATS)
        found = [finding for error in validator.iter_errors(body) for finding in _leaves(error)]
        if found:
            raise RequestInvalid(findings=found)


class Parameters(ParameterValidator):
    """Parameters of path, query and head."""

    @staticmethod
    def validate_parameter(
        parameter_type: str,
        value: Any,
        param: dict[str, Any],
        param_name: str | None = None,  # noqa: ARG004 - connexion's own signature
    ) -> None:
        """Raises `RequestInvalid`, which connexion lets through."""
        place = f"{parameter_type} {param['name']}"
        if value is None:
            if param.get("required"):
                raise RequestInvalid(findings=[Finding(place, "required")])
            return
        if "\0" in str(value):
            raise RequestInvalid(findings=[Finding(place, "nul")])
        schema = param.get("schema", param)
        if is_nullable(param) and is_null(value):
            return
        errors = Draft4Validator(schema, format_checker=FORMATS).iter_errors(value)
        if found := [Finding(place, str(error.validator), _limit(error)) for error in errors]:
            raise RequestInvalid(findings=found)


def findings(refused: Exception) -> list[Finding]:
    """What is known of a refusal of connexion's own."""
    if isinstance(refused, BadRequestProblem) and str(refused.detail).startswith("Extra "):
        return [Finding("query", "additionalProperties")]
    return []


def _leaves(error: ValidationError) -> list[Finding]:
    if error.context and error.validator in {"anyOf", "oneOf"}:
        return [finding for each in error.context for finding in _leaves(each)]
    return [Finding(pointer(error.absolute_path), str(error.validator), _limit(error))]


def _limit(error: ValidationError) -> str:
    """What the rule asks for: out of the description, never out of what was sent."""
    limit = error.validator_value
    return str(limit)[:200] if isinstance(limit, str | int | float | list) and error.validator != "required" else ""
