"""OpenAPI documents become REST systems, and contracts whose messages fill their operations."""

import json
import os
from collections.abc import Mapping
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.json_schema import JsonSchemaValidator
from documents.importers.run import Order, Outcome, import_here
from documents.importers.target import Target

TODAY = date(2026, 11, 25)
DOSSIER: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Hộ tịch", "version": "1"},
    "servers": [{"url": "https://{host}.example.vn/api", "variables": {"host": {"default": "hotich"}}}],
    "components": {
        "schemas": {
            "Person": {
                "type": "object",
                "required": ["name", "id"],
                "properties": {
                    "id": {"type": "string", "readOnly": True},
                    "name": {"type": "string", "nullable": True},
                    "age": {"type": "integer", "minimum": 0, "exclusiveMinimum": True},
                    "children": {"type": "array", "items": {"$ref": "#/components/schemas/Person"}},
                },
            }
        },
        "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}},
    },
    "paths": {
        "/dossiers/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {
                "operationId": "getDossier",
                "summary": "Xem hồ sơ",
                "parameters": [
                    {"name": "full", "in": "query", "schema": {"type": "boolean"}},
                    {"name": "X-Region", "in": "header", "required": True, "schema": {"type": "string"}},
                ],
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Person"}}}},
                    "404": {"description": "không có"},
                    "401": {"description": "ai đó"},
                },
            },
            "put": {
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Person"}}},
                },
                "responses": {"204": {"description": "xong"}, "409": {"description": "trùng"}},
            },
        },
        "/photos": {"post": {"requestBody": {"content": {"image/png": {}}}, "responses": {"201": {"description": ""}}}},
    },
}


def imported(folder: Path, document: Any, kind: str = "openapi", **said: Any) -> Outcome:
    """The outcome for one document, or for several files by name."""
    folder.mkdir(exist_ok=True)
    files = (
        document if isinstance(document, Mapping) and all(isinstance(each, str) for each in document.values()) else None
    )
    for name, text in (files or {"api.json": json.dumps(document)}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return import_here(Order(kind, folder, Target("civil.status", "H98.03", **said), TODAY))


def codes(outcome: Outcome) -> set[str]:
    return {note.remark.code for note in outcome.imported.notes}


def schema(outcome: Outcome, part: str, contract: str = "civil.status.get-dossier") -> JsonSchemaValidator:
    (found,) = (each for each in outcome.imported.of("Contract") if each["name"] == contract)
    return JsonSchemaValidator(json.loads(outcome.imported.files[found[part]["schema"]]))


@pytest.fixture
def outcome(tmp_path: Path) -> Outcome:
    return imported(tmp_path / "source", DOSSIER)


def test_every_operation_of_json_becomes_a_contract(outcome: Outcome) -> None:
    """What takes and gives JSON becomes contracts of a system that is called where the description says."""
    assert outcome.ok, (outcome.imported.errors, outcome.problems)
    (system,) = outcome.imported.of("System")
    assert system["endpoint"] == "https://hotich.example.vn/api"
    assert system["auth"] == {"scheme": "api-key", "header": "X-Key", "value": "secret:civil-status-secret"}
    assert {each["name"]: each["exchange"] for each in outcome.imported.of("Contract")} == {
        "civil.status.get-dossier": "request",
        "civil.status.put-dossiers-id": "document",
    }


def test_parameters_are_members_of_the_message(outcome: Outcome) -> None:
    """Path and query are filled from the message, which must hold what is required and nothing unknown."""
    (system,) = outcome.imported.of("System")
    operation = system["operations"]["get-dossier"]
    assert operation == {"method": "GET", "path": "/dossiers/{id}", "query": {"full": "full"}, "repeatable": True}
    request = schema(outcome, "request")
    assert request.is_valid({"id": "1", "full": True})
    assert not request.is_valid({"full": True})
    assert not request.is_valid({"id": "1", "other": 1})


def test_a_name_that_stands_twice_has_two_fields(outcome: Outcome) -> None:
    """A parameter with the name of a member of the body gets another field, and the path takes that one."""
    (system,) = outcome.imported.of("System")
    assert system["operations"]["put-dossiers-id"]["path"] == "/dossiers/{id}"
    assert schema(outcome, "request", "civil.status.put-dossiers-id").is_valid({"id": "1", "name": "An"})


def test_the_dialect_of_old_becomes_the_present_one(outcome: Outcome) -> None:
    """``nullable`` and ``exclusiveMinimum: true`` of OpenAPI 3.0 mean in JSON Schema 2020-12 what they meant."""
    reply = schema(outcome, "reply")
    assert reply.is_valid({"id": "1", "name": None, "age": 1, "children": [{"id": "2", "name": "B"}]})
    assert not reply.is_valid({"id": "1", "name": None, "age": 0})
    assert not reply.is_valid({"id": "1", "name": "A", "children": [{"id": "2"}]})


def test_answers_that_the_sender_must_mend_are_faults(outcome: Outcome) -> None:
    """404 and 409 are declared faults; 401 is the bus's own affair."""
    faults = {each["name"]: each.get("faults") for each in outcome.imported.of("Contract")}
    assert faults == {
        "civil.status.get-dossier": {"not-found": {"status": 404}},
        "civil.status.put-dossiers-id": {"conflict": {"status": 409}},
    }


def test_every_loss_is_told_with_its_place(outcome: Outcome) -> None:
    """A header that no message fills, an operation that takes no JSON and a member that only the server writes are
    told; nothing is lost in silence."""
    places = {note.remark.code: note.place for note in outcome.imported.notes}
    assert places["header-lost"] == "api.json GET /dossiers/{id}"
    assert places["operation-media"] == "api.json POST /photos"
    assert places["read-only"] == "api.json PUT /dossiers/{id}"
    assert "secret-open" in places


def test_swagger_2_is_read(tmp_path: Path) -> None:
    """OpenAPI 2.0 says the same in other words: host and base path, body parameters, definitions."""
    swagger = {
        "swagger": "2.0",
        "host": "kho.example.vn",
        "basePath": "/v1",
        "schemes": ["https"],
        "definitions": {"Item": {"type": "object", "properties": {"n": {"type": "integer"}}}},
        "paths": {
            "/items": {
                "post": {
                    "operationId": "add",
                    "parameters": [
                        {"name": "item", "in": "body", "required": True, "schema": {"$ref": "#/definitions/Item"}},
                        {"name": "tags", "in": "query", "type": "array", "items": {"type": "string"}},
                    ],
                    "responses": {"200": {"description": "", "schema": {"$ref": "#/definitions/Item"}}},
                }
            }
        },
    }
    found = imported(tmp_path / "source", swagger)
    assert found.ok
    assert "style-lost" in codes(found)
    (system,) = found.imported.of("System")
    assert system["endpoint"] == "https://kho.example.vn/v1"
    request = schema(found, "request", "civil.status.add")
    assert request.is_valid({"n": 1, "tags": ["a"]})
    assert not request.is_valid({"n": "1"})


def test_references_lead_into_other_files(tmp_path: Path) -> None:
    """A description in several files, in YAML and JSON, is one; a reference that leads nowhere is told."""
    document = deepcopy(DOSSIER)
    document["components"]["schemas"]["Person"] = {"$ref": "types/person.yaml#/Person"}
    lost = {"$ref": "https://elsewhere.example/x.json#/X"}
    document["paths"]["/dossiers/{id}"]["get"]["responses"]["404"] = {"content": {"application/json": {"schema": lost}}}
    person = {"Person": {"type": "object", "required": ["code"], "properties": {"code": {"type": "string"}}}}
    files = {"api.yaml": yaml.safe_dump(document), "types/person.yaml": yaml.safe_dump(person)}
    found = imported(tmp_path / "source", files)
    assert found.ok
    assert "reference-missing" in codes(found)
    assert not schema(found, "reply").is_valid({"name": "A"})


def test_yaml_stays_what_was_written(tmp_path: Path) -> None:
    """``no`` is a text and 2024-01-01 is no date: a country's code and an example stay as they are."""
    document = deepcopy(DOSSIER)
    document["paths"]["/dossiers/{id}"]["get"]["parameters"][0]["schema"] = "HERE"
    text = yaml.safe_dump(document).replace("HERE", "{type: string, enum: [no, 2024-01-01, x012]}")
    found = imported(tmp_path / "source", {"api.yaml": text})
    request = schema(found, "request")
    assert request.is_valid({"id": "1", "full": "no"})
    assert request.is_valid({"id": "1", "full": "2024-01-01"})


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"openapi": "4.0.0"}, "openapi-version"),
        ({"paths": {}}, "no-operation"),
        ({"openapi": None}, "no-openapi"),
    ],
)
def test_what_cannot_be_imported_says_why(tmp_path: Path, change: dict[str, Any], code: str) -> None:
    """A version that is not read, a service without address, a description without operations: each has its reason."""
    document = {key: value for key, value in {**DOSSIER, **change}.items() if value is not None}
    found = imported(tmp_path / "source", document)
    assert not found.ok
    assert code in codes(found)


def test_an_address_that_is_not_said_is_left_to_a_person(tmp_path: Path) -> None:
    """A relative server is no address: the system gets one that nobody has, and a warning."""
    found = imported(tmp_path / "source", {**DOSSIER, "servers": [{"url": "/relative"}]})
    assert found.ok
    assert "endpoint-open" in codes(found)
    (system,) = found.imported.of("System")
    assert system["endpoint"] == "https://endpoint.invalid/civil.status"


def test_aliases_that_grow_are_refused(tmp_path: Path) -> None:
    """Nine aliases of nine aliases of nine … are counted, not made."""
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    found = imported(tmp_path / "source", {"api.yaml": "openapi: 3.0.0\n" + "\n".join(levels)})
    assert codes(found) == {"data-grows"}


VALUES = st.recursive(
    st.sampled_from([None, True, 1, -1, 1.5, "", "x", "#/components/schemas/Person", "array", "../../etc/passwd"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["$ref", "type", "schema", "properties", "required", "content", "get", "in", "name"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=5,
)


def _places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place, *(each for key, inner in members for each in _places(inner, (*place, key)))]


@given(st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_stands_anywhere_ends_in_documents_or_a_reason(tmp_path: Path, data: st.DataObject) -> None:
    """A description with anything at all in any place is imported or refused for a reason."""
    document = deepcopy(DOSSIER)
    place = data.draw(st.sampled_from(_places(document)[1:]))
    inner: Any = document
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = data.draw(VALUES)
    found = imported(tmp_path / "source", document)
    assert "import-failed" not in codes(found), [note.facts for note in found.imported.errors]
    assert found.ok or found.imported.errors or found.problems


def test_a_json_schema_becomes_a_contract(tmp_path: Path) -> None:
    """An older draft is rewritten, references into other files are followed, and the system sends it."""
    files = {
        "case.json": json.dumps(
            {
                "$schema": "http://json-schema.org/draft-04/schema#",
                "title": "Hồ sơ",
                "type": "object",
                "required": ["by"],
                "properties": {"by": {"$ref": "person.json"}, "pages": {"minimum": 1, "exclusiveMinimum": True}},
            }
        ),
        "person.json": json.dumps({"type": "object", "required": ["name"]}),
    }
    found = imported(tmp_path / "source", files, "json-schema")
    assert found.ok, found.imported.errors
    assert "draft-rewritten" in codes(found)
    case = schema(found, "request", "civil.status.case")
    assert case.is_valid({"by": {"name": "A"}, "pages": 2})
    assert not case.is_valid({"by": {}})
    assert not case.is_valid({"by": {"name": "A"}, "pages": 1})


def test_examples_become_a_contract(tmp_path: Path) -> None:
    """What all examples have is required, and each example is one of the contract's."""
    files = {
        "one.json": '{"name": "An", "on": "2026-01-02", "parts": [{"n": 1}], "note": null}',
        "two.json": '{"name": "Bình", "on": "2026-02-03", "parts": [{"n": 2.5, "k": "x"}]}',
    }
    found = imported(tmp_path / "mau-don", files, "examples")
    assert found.ok, found.problems
    (contract,) = found.imported.of("Contract")
    assert len(contract["examples"]["valid"]) == 2
    guessed = schema(found, "request", contract["name"])
    assert guessed.is_valid({"name": "C", "on": "2026-03-04", "parts": []})
    assert not guessed.is_valid({"name": "C", "on": "hôm nay", "parts": []})
    assert not guessed.is_valid({"name": "C", "parts": []})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.text(max_size=3), JSON, max_size=3), min_size=1, max_size=4))
@settings(max_examples=50, deadline=None)
def test_a_guessed_schema_allows_its_examples(values: list[dict[str, Any]]) -> None:
    """Whatever the examples are, the schema that is guessed from them allows each."""
    from documents.importers.examples import common

    guessed = JsonSchemaValidator(common(values))
    assert all(guessed.is_valid(value) for value in values)


def _corpus() -> list[Path]:
    folder = os.environ.get("CORPUS_DIR")
    return sorted(Path(folder, "openapi").iterdir()) if folder else []


@pytest.mark.corpus
@pytest.mark.skipif("CORPUS_DIR" not in os.environ, reason="CORPUS_DIR is not set")
@pytest.mark.parametrize("path", _corpus(), ids=lambda path: path.name)
def test_other_peoples_openapi_documents_are_imported(path: Path) -> None:
    """Every OpenAPI document of the corpus becomes documents that can be applied."""
    target = Target("a.b", "H98.03", endpoint="https://api.example.vn")
    found = import_here(Order("openapi", path, target, TODAY))
    assert found.ok, (found.imported.errors, found.problems)
