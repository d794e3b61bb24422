"""Contracts described in each format, by that format's own validator."""

import copy
import warnings
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
import pytest
from jsonschema import Draft7Validator, Draft202012Validator
from lxml import etree
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry
from zeep import Client
from zeep.settings import Settings
from zeep.transports import Transport

from bus.envelope import Body, Format
from bus.languages import Language
from contracts.descriptions.examples import Example, answers, examples
from contracts.descriptions.forms import FORMS, PAGE
from contracts.descriptions.model import Subject
from contracts.descriptions.wsdl import namespace
from contracts.xsd import XsdDocuments, XsdValidator
from documents.compile import compile_documents
from documents.load import load
from documents.of_the_bus import with_own
from documents.subjects import subject
from transforms.apart.pool import Pool
from transforms.xml_view import XmlView

ROOT = Path(__file__).resolve().parents[3]
STANDARDS = ROOT / "tests" / "standards"


@cache
def subjects() -> dict[str, Subject]:
    documents = load(ROOT / "provinces" / "model").documents
    with Pool() as pool:
        compiled, problems = compile_documents(documents, pool)
    assert not problems
    everything = with_own(documents)
    return {c.name: subject(everything, c) for versions in compiled.contracts.values() for c in versions}


NAMES = [
    "archive.case-file",
    "environment.air-quality",
    "health.patient-referral",
    "justice.birth-registration",
    "justice.dossier-status",
    "population.citizen-lookup",
    "population.citizen-verification",
    "bus.delivery-dead",
]


def written(name: str, form: str) -> bytes:
    return FORMS[form].write(subjects()[name], "https://gateway.example", Language.VI)


@pytest.mark.parametrize("name", NAMES)
def test_openapi(name: str) -> None:
    """OpenAPI's own validator finds nothing wrong, and each example fits the schema that stands beside it."""
    document = orjson.loads(written(name, "openapi.json"))
    OpenAPIV31SpecValidator(document).validate()
    (path,) = document["paths"].values()
    for content in path["post"]["requestBody"]["content"].values():
        schema = {**content["schema"], "components": document["components"]}
        for each in content.get("examples", {}).values():
            Draft202012Validator(schema, registry=Registry()).validate(each["value"])


@cache
def asyncapi_schema() -> Draft7Validator:
    """With the standard's `$id`s as they are: its references are by them."""
    return Draft7Validator(orjson.loads((STANDARDS / "asyncapi-3.0.0.json").read_bytes()), registry=Registry())


@pytest.mark.parametrize("name", NAMES)
def test_asyncapi(name: str) -> None:
    """AsyncAPI's own schema finds nothing wrong, and every reference leads to something."""
    document = orjson.loads(written(name, "asyncapi.json"))
    asyncapi_schema().validate(document)
    for reference in references(document):
        found = document
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [each for inner in value.values() for each in references(inner)]
    return [each for inner in value for each in references(inner)] if isinstance(value, list) else []


def test_asyncapi_is_held() -> None:
    """AsyncAPI's own schema does refuse a document that lacks what it must have."""
    document = orjson.loads(written(NAMES[0], "asyncapi.json"))
    del document["info"]["version"]
    assert not asyncapi_schema().is_valid(document)


@pytest.mark.parametrize("name", NAMES)
def test_json_schema(name: str) -> None:
    """The one JSON Schema is one by its meta-schema, stands alone, and takes the examples that the contract takes."""
    schema = orjson.loads(written(name, "schema.json"))
    Draft202012Validator.check_schema(schema)
    validator = jsonschema_rs.Draft202012Validator(schema, offline=True)
    for value in examples(subjects()[name]).values():
        validator.validate(viewed(subjects()[name], value) if isinstance(value, str) else value)


def viewed(described: Subject, text: str) -> object:
    """The JSON view of an example of XML."""
    documents = XsdDocuments(described.files, [described.request.path])
    return XmlView(documents, described.request.root or "").decode(text.encode())


class Given(Transport):
    """Gives zeep one WSDL, and nothing else."""

    def __init__(self, data: bytes) -> None:
        self._close_session = False
        self.data = data

    def load(self, url: str) -> bytes:
        assert url.endswith("given.wsdl")
        return self.data


@cache
def wsdl_schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(STANDARDS / "wsdl.xsd"))


@pytest.mark.parametrize("name", NAMES)
def test_wsdl(name: str) -> None:
    """The WSDL is one by the standard's own schema, has Java leave messages whole, and zeep makes a message of it."""
    data = written(name, "contract.wsdl")
    root = etree.fromstring(data)
    wsdl_schema().assertValid(root)
    java = "{http://java.sun.com/xml/ns/jaxws}"
    assert root.findtext(f"{java}bindings/{java}enableWrapperStyle") == "false"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made: Any = Client
        client = made("given.wsdl", transport=Given(data), settings=Settings(strict=True))
    (binding,) = client.wsdl.bindings.values()
    (operation,) = binding.all().values()
    assert operation.input.body is not None


@pytest.mark.parametrize("name", [name for name in NAMES if name != "archive.case-file"])
def test_xsd_of_json(name: str) -> None:
    """What a contract of JSON takes is told by its XSD as well: there as XML, and back, it is the same."""
    described = subjects()[name]
    files = {"made.xsd": written(name, "schema.xsd")}
    documents = XsdDocuments(files, ["made.xsd"])
    element = f"{{{namespace(described)}}}request"
    view, validator = XmlView(documents, element), XsdValidator(documents, element)
    for value in examples(described).values():
        document = view.encode(value)
        _, findings = validator.check(Body(Format.XML, document))
        assert findings == []
        assert without_empty(view.decode(document)) == without_empty(value)


def without_empty(value: Any) -> Any:
    """As XML has it: there an empty list and an absent one are the same."""
    if isinstance(value, dict):
        return {key: without_empty(each) for key, each in value.items() if each != []}
    return [without_empty(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("name", NAMES)
def test_page(name: str, language: Language) -> None:
    """The page says its language and holds every example; nothing in it is fetched or run."""
    page: Any = etree.HTML(FORMS["index.html"].write(subjects()[name], None, language))
    assert page.get("lang") == language
    assert not page.xpath("//script | //link | //img | //iframe | //@href | //@src | //@onclick | //@style")
    described = subjects()[name]
    assert len(page.xpath("//pre")) == len(examples(described)) + len(answers(described)) + 1


def test_answers_are_shown_as_tests_have_them_or_are_made() -> None:
    """The reply and each fault with a body have an example: of a route's test, else one that the schema takes."""
    described = subjects()["health.patient-referral"]
    tests = ROOT / "provinces" / "model" / "health" / "tests"
    told = {"reply": "admission.json", "fault-bed-unavailable": "bed-unavailable.json"}
    assert answers(described) == {
        name: Example(orjson.loads((tests / file).read_bytes())) for name, file in told.items()
    }
    made = answers(replace(described, answers={}))
    schema = orjson.loads(FORMS["schema.json"].write(described, None, Language.VI))
    for name in told:
        assert made[name].made
        one = {"$ref": f"#/$defs/{name}", "$defs": schema["$defs"]}
        jsonschema_rs.Draft202012Validator(one, offline=True).validate(made[name].value)


def test_answers_of_xml_are_made_valid() -> None:
    """Where the payload is XML, the example is a document that the XSD takes."""
    described = next(each for each in subjects().values() if each.request.format is Format.XML)
    made = answers(replace(described, reply=described.request, answers={}))["reply"]
    validator = XsdValidator(XsdDocuments(described.files, [described.request.path]), described.request.root)
    assert validator.check(Body(Format.XML, made.value.encode()))[1] == []


def test_page_escapes() -> None:
    """Whatever documents, schemas and examples say stays text on the page."""
    evil = '<script>alert("x")</script>'
    found = subjects()["justice.dossier-status"]
    resources = copy.deepcopy(dict(found.resources))
    resources[found.request.path]["properties"][evil] = {"description": evil, "pattern": evil, "enum": [evil]}
    told = replace(
        found,
        title={"vi": evil, "en": evil},
        owner=evil,
        resources=resources,
        examples={f"{evil}.json": orjson.dumps({"a": evil})},
    )
    data = FORMS["index.html"].write(told, None, Language.EN)
    assert b"<script" not in data
    assert b"&lt;script&gt;" in data


def test_a_deprecated_version_says_so() -> None:
    """In OpenAPI as that format has it, on the page with the day before which another version is to be used."""
    old = replace(subjects()["justice.dossier-status"], deprecated=True, sunset=date(2027, 6, 30))
    document = orjson.loads(FORMS["openapi.json"].write(old, None, Language.EN))
    OpenAPIV31SpecValidator(document).validate()
    (operation,) = (path["post"] for path in document["paths"].values())
    assert operation["deprecated"] is True
    assert "use another version before 2027-06-30" in FORMS[PAGE].write(old, None, Language.EN).decode()
