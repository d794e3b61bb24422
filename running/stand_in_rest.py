"""The stand-in of a REST system, made of its operations and the contracts that are routed to them; and those of all
systems of a set of documents."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

import orjson

from adapters.rest.cloud_events import MEDIA_TYPE
from bus.envelope import Body, Format
from bus.errors import BusError, Finding
from contracts.json_schema import JsonSchemaValidator
from contracts.samples import Samples
from documents import kinds
from documents.compile import newest
from documents.model import Documents
from documents.shapes import Shapes
from running.stand_in import Answered, Answerer, Asked, soap

ATTEMPTS: Final = 200

CODE: Final = re.compile(r"\bcode=([45]\d\d)\b")
"""``Prefer: code=404`` asks a stand-in for an answer of that status."""


@dataclass(frozen=True, slots=True)
class _Served:
    """One operation: what it is asked with, and what it answers."""

    method: str
    path: re.Pattern[str]
    query: Mapping[str, str]
    request: JsonSchemaValidator | None
    reply: Callable[[], bytes | None]
    faults: Mapping[int, Callable[[], bytes | None]] = field(default_factory=dict)


def answerers(documents: Documents) -> dict[str, Answerer]:
    """A stand-in for every system that is called, by name. Raises `DocumentInvalid`."""
    shapes = Shapes(documents.files)
    found: dict[str, Answerer] = {}
    for _, system in documents.of(kinds.System):
        if system.adapter == "soap" and system.wsdl is not None:
            found[system.name] = soap(shapes.service(system))
        elif system.adapter == "rest" and (system.endpoint is not None or system.operations):
            found[system.name] = rest(documents, system)
    return found


def rest(documents: Documents, system: kinds.System) -> Answerer:
    """The stand-in of a REST system: it holds what it is asked against the contract and answers with a sample of its
    reply. Where a route has a transform, the system's own shape is not the contract's: what it is asked is taken as it
    is, and answered with the answers that the route's tests hold."""
    served = list(_served(documents, system))

    def answer(asked: Asked) -> Answered:
        there = [(each, found) for each in served if (found := each.path.fullmatch(asked.path))]
        chosen = next(((each, found) for each, found in there if each.method == asked.method), None)
        if chosen is None:
            return _problem(405 if there else 404, "no operation of the system has this method and path")
        operation, found = chosen
        if wrong := _wrong(operation, found.groupdict(), asked):
            return wrong
        if (code := CODE.search(asked.headers.get("prefer", ""))) is not None:
            made = operation.faults.get(int(code[1]), lambda: None)()
            return Answered(int(code[1]), made) if made else _problem(int(code[1]), "as it was asked for")
        body = operation.reply()
        return Answered(200, body) if body is not None else Answered(204)

    return answer


def _served(documents: Documents, system: kinds.System) -> Iterator[_Served]:
    shapes, contracts = Shapes(documents.files), newest(documents)
    for _, route in documents.of(kinds.Route):
        contract = contracts.get(route.contract)
        operation = system.operation(route.operation) or (None if system.operations else kinds.system.Operation())
        if route.to != system.name or contract is None or operation is None:
            continue
        plain = contract.request.format == "json" and route.transform.request is None
        yield _Served(
            operation.method.upper(),
            _pattern(operation.path),
            {str(source): name for name, source in operation.query.items()},
            shapes.json_validator(str(contract.request.schema_path)) if plain else None,
            _reply(documents, shapes, contract, route),
            {each.status: _fault(shapes, contract, each) for each in contract.faults.values() if each.status},
        )


def _pattern(path: str) -> re.Pattern[str]:
    """The path of an operation, each ``{field}`` as a group; names that are no names of groups are numbered."""
    pieces = re.split(r"\{([^{}]+)\}", path)
    groups = [
        f"(?P<f{len(name)}_{name.encode().hex()}>[^/]+)" if odd % 2 else re.escape(name)
        for odd, name in enumerate(pieces)
    ]
    return re.compile("".join(groups))


def _wrong(operation: _Served, groups: Mapping[str, str], asked: Asked) -> Answered | None:
    """What is wrong with the request by its contract."""
    if operation.request is None:
        return None
    message: dict[str, Any] = {}
    if asked.body:
        try:
            message = orjson.loads(asked.body)
        except ValueError:
            return _problem(400, "the body is not JSON")
        if asked.headers.get("content-type", "").startswith(MEDIA_TYPE) and isinstance(message, dict):
            message = message.get("data", {})
    fields = {bytes.fromhex(name.partition("_")[2]).decode(): unquote(value) for name, value in groups.items()}
    named = {name: source for source, name in operation.query.items()}
    pairs = [(named[name], value) for name, value in parse_qsl(asked.query, keep_blank_values=True) if name in named]
    if isinstance(message, dict):
        message = {**message, **fields, **_gathered(pairs)}
        for name in (*fields, *named.values()):
            if name in message:
                message[name] = _typed(operation.request, message, name)
    found = operation.request.findings(message)
    return _problem(400, "; ".join(map(_told, found[:3]))) if found else None


def _gathered(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Query parameters; one that stands several times is a list."""
    made: dict[str, Any] = {}
    for name, value in pairs:
        made[name] = (
            value if name not in made else [*(made[name] if isinstance(made[name], list) else [made[name]]), value]
        )
    return made


def _typed(schema: JsonSchemaValidator, message: dict[str, Any], name: str) -> Any:
    """A text of path or query as the schema wants it: itself, the number or truth value that it writes, or a list."""
    text = message[name]
    for choice in (text, _read(text), [text], [_read(text)]):
        places = {each.place for each in schema.findings({**message, name: choice})}
        if not any(place == f"/{name}" or place.startswith(f"/{name}/") for place in places):
            return choice
    return text


def _read(text: Any) -> Any:
    if isinstance(text, list):
        return [_read(each) for each in text]
    with suppress(ValueError, TypeError):
        return json.loads(text)
    return text


def _reply(
    documents: Documents, shapes: Shapes, contract: kinds.Contract, route: kinds.Route
) -> Callable[[], bytes | None]:
    """Answers to give, one after the other: of the route's tests where it has a transform, else samples."""
    if route.transform.reply is not None:
        paths = [str(test.reply) for test in route.tests if test.reply is not None and test.fault is None]
        own = [documents.files[path] for path in paths if path in documents.files]
        return lambda: own[0] if own else b"{}"
    if contract.reply is None:
        return lambda: None
    if contract.reply.format == "xml":
        view = shapes.view(str(contract.reply.schema_path), str(contract.reply.element))
        return lambda: view.encode(view.sample())
    return _sampled(shapes.json_validator(str(contract.reply.schema_path)))


def _fault(shapes: Shapes, contract: kinds.Contract, fault: Any) -> Callable[[], bytes | None]:
    if fault.schema_path is None or contract.fault_format(fault) != "json":
        return lambda: None
    return _sampled(shapes.json_validator(str(fault.schema_path)))


def _sampled(schema: JsonSchemaValidator) -> Callable[[], bytes | None]:
    """Valid values, another each time; the same from one start to the next."""
    chance = Random(1)  # noqa: S311 - nothing is kept secret by it

    def make() -> bytes | None:
        with suppress(BusError):
            form: Any = schema.canonical.to_json_schema()
            for value in Samples(form, chance).attempts(ATTEMPTS):
                if schema.is_valid(value):
                    return orjson.dumps(value)
        return None

    return make


def request_sample(schema: JsonSchemaValidator) -> Body | None:
    """A valid message, the plainest that is found; None where none is."""
    made = _sampled(schema)()
    return None if made is None else Body(Format.JSON, made)


def _told(finding: Finding) -> str:
    return " ".join(each for each in (finding.place or "the whole", finding.rule, finding.limit) if each)


def _problem(status: int, detail: str) -> Answered:
    body = orjson.dumps({"type": "about:blank", "status": status, "detail": detail})
    return Answered(status, body, "application/problem+json")
