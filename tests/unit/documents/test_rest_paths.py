"""Which operations of REST systems are offered as they are, and as messages of which contracts."""

import json
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from adapters.rest.paths import Kinds, Paths
from adapters.rest.source import message
from contracts.json_schema_names import EVERY, SchemaNames
from documents.compile import Compiled, compile_documents
from documents.importers.run import Order, import_here
from documents.importers.target import Target
from documents.load import load
from documents.model import Documents
from documents.plan import result
from tests.unit.documents.importers.test_openapi import TODAY
from transforms.apart.pool import Pool

Build = Callable[..., Path]
UNCHANGED = ("transform: {request: question-out, reply: answer-back, faults: {unknown: unknown-back}}\n", "")


def compiled(documents: Documents) -> Compiled:
    with Pool() as pool:
        made, _ = compile_documents(documents, pool)
    return made


def paths(folder: Path) -> dict[str, Paths]:
    return dict(compiled(load(folder).documents).paths)


def test_route_with_a_transform_offers_nothing(province: Build) -> None:
    """Where a transform lies between, the contract's shape is not the provider's: its calls would be misread."""
    assert paths(province()) == {}


def test_route_without_a_transform_offers_its_operation(province: Build) -> None:
    """The operation of a route that passes on what was sent is offered under its contract."""
    (offer,) = paths(province({"civil/exchange.yaml": UNCHANGED}))["register"].offers
    assert (offer.name, offer.method, offer.path) == ("ask", "POST", "/ask")
    assert [each.reference for each in offer.leads] == ["civil.question@1"]


def test_newest_major_is_meant_first(province: Build) -> None:
    """Of several majors that lead to one operation the newest comes first."""
    folder = province({"civil/exchange.yaml": UNCHANGED})
    text = (folder / "civil/exchange.yaml").read_text()
    contract, route, *_ = text.split("---\n")
    newer = contract.replace("1.0.0", "2.1.0") + "---\n" + route.replace("@1", "@2").partition("tests:")[0]
    (folder / "civil/newer.yaml").write_text(newer)
    (offer,) = paths(folder)["register"].offers
    assert [each.reference for each in offer.leads] == ["civil.question@2", "civil.question@1"]


def test_fields_have_the_schemas_types(province: Build) -> None:
    """What a field is, the schema says, wherever its words stand."""
    systems = ("    path: /ask\n", "    method: GET\n    path: /ask/{number}\n    query: {s: sort}\n")
    folder = province({"civil/exchange.yaml": UNCHANGED, "systems.yaml": systems})
    (offer,) = paths(folder)["register"].offers
    assert offer.leads[0].kinds == {"number": Kinds(frozenset({"string"})), "sort": Kinds(frozenset({"string"}))}


@pytest.mark.parametrize(
    ("schema", "types"),
    [
        ({"type": ["integer", "null"]}, {"integer", "null"}),
        ({"anyOf": [{"type": "integer"}, {"$ref": "#/$defs/text"}]}, {"integer", "string"}),
        ({"enum": [1, "a", True, None]}, {"number", "string", "boolean", "null"}),
        ({"const": 1.5}, {"number"}),
        ({"minLength": 3}, set()),
        (True, set()),
    ],
)
def test_types_that_a_schema_names(schema: object, types: set[str]) -> None:
    """Every branch is heard, references are followed, and values that are listed tell of their type."""
    whole = {"$defs": {"text": {"type": "string"}}, "allOf": [{"properties": {"a": schema, "b": {"items": schema}}}]}
    names = SchemaNames(whole, {}, path="a.json")
    assert names.types(["a"]) == types
    assert names.types(["b", EVERY]) == types
    assert names.types(["c"]) == set()


def test_imported_operations_are_offered(tmp_path: Path) -> None:
    """What `lgsp import openapi` makes of a description is called as the description says."""
    identifier = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}
    answer = {"200": {"description": "", "content": {"application/json": {"schema": {"type": "object"}}}}}
    body = {"type": "object", "properties": {"id": {"type": "string"}, "name": {"type": "string"}}}
    tags = {"name": "tag[]", "in": "query", "schema": {"type": "array", "items": {"type": "integer"}}}
    described = {
        "openapi": "3.0.3",
        "info": {"title": "Hộ tịch", "version": "1"},
        "servers": [{"url": "https://a.example.vn/api"}],
        "paths": {
            "/hồ sơ/{id}": {
                "parameters": [identifier],
                "get": {"operationId": "get", "parameters": [tags], "responses": answer},
                "put": {
                    "operationId": "put",
                    "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
                    "responses": answer,
                },
            },
        },
    }
    (tmp_path / "api.json").write_text(json.dumps(described), encoding="utf-8")
    outcome = import_here(Order("openapi", tmp_path, Target("register", "H98.03"), TODAY))
    offered = compiled(result(Documents(), outcome.documents)).paths["register"]
    (place,) = offered.at("/h%E1%BB%93%20s%C6%A1/7")
    (got,), (put,) = place.offers["GET"], place.offers["PUT"]
    read = message(got, got.leads[0], place.values, [("tag[]", "1"), ("tag[]", "2")], None)
    assert orjson.loads(read) == {"id": 7, "tag[]": [1, 2]}
    written = message(put, put.leads[0], place.values, [], '{"id":"x","name":"Ê"}'.encode())
    assert orjson.loads(written) == {"id-path": 7, "id": "x", "name": "Ê"}
