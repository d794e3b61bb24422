"""The model province's files hold together, by the judgement of the standards' own libraries."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import zeep
from jsonschema import Draft202012Validator, FormatChecker
from lxml import etree
from referencing import Registry, Resource
from ruamel.yaml import YAML

from provinces.model.applications.runner import applications
from provinces.model.flows import FOLDER, Flow, flows

Document = Mapping[str, Any]


def documents(kind: str = "") -> list[Document]:
    yaml = YAML(typ="safe")
    every = [document for path in sorted(FOLDER.rglob("*.yaml")) for document in yaml.load_all(path)]
    return [document for document in every if kind in {"", document["kind"]}]


def names(kind: str) -> set[str]:
    return {document["name"] for document in documents(kind)}


def files(pattern: str) -> list[str]:
    return sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob(pattern))


def accepts(schema: str, example: str, element: str = "") -> bool:
    if schema.endswith(".xsd"):
        tree = etree.parse(FOLDER / example)
        return etree.XMLSchema(etree.parse(FOLDER / schema)).validate(tree) and tree.getroot().tag == element
    schemas = {path: json.loads((FOLDER / path).read_bytes()) for path in files("schemas/*.json")}
    registry: Registry[Any] = Registry().with_resources(
        (f"http://h99.invalid/{path}", Resource.from_contents(content)) for path, content in schemas.items()
    )
    rule = {"$ref": f"http://h99.invalid/{schema}"}
    validator = Draft202012Validator(rule, registry=registry, format_checker=FormatChecker())
    return validator.is_valid(json.loads((FOLDER / example).read_bytes()))


def examples() -> Iterator[tuple[str, str, str, bool]]:
    for contract in documents("Contract"):
        request = contract["request"]
        for kind in ("valid", "invalid"):
            for example in contract["examples"][kind]:
                yield request["schema"], example, request.get("element", ""), kind == "valid"


def texts(value: Any) -> Iterator[str]:
    """Every text inside a document."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


@pytest.mark.parametrize(("schema", "example", "element", "valid"), list(examples()))
def test_examples(schema: str, example: str, element: str, valid: bool) -> None:
    """A contract's valid examples pass its schema, and its invalid ones do not."""
    assert accepts(schema, example, element) is valid


@pytest.mark.parametrize("path", files("schemas/*.json"))
def test_json_schemas(path: str) -> None:
    """Every JSON Schema is one of 2020-12, has a title in two languages, and lets no unknown field through."""
    schema = json.loads((FOLDER / path).read_bytes())
    Draft202012Validator.check_schema(schema)
    assert " | " in schema["title"]
    objects = [part for part in parts(schema) if part.get("type") == "object"]
    assert all(part["additionalProperties"] is False for part in objects)


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every object inside a JSON value."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from parts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from parts(inner)


@pytest.mark.parametrize("path", files("*.wsdl"))
def test_wsdls(path: str) -> None:
    """Every WSDL loads without a network, and each operation declares its fault."""
    read: Any = zeep.Client  # untyped
    service = next(iter(read(str(FOLDER / path)).wsdl.services.values()))
    operations = next(iter(service.ports.values())).binding.all().values()
    assert operations
    assert all(operation.faults for operation in operations)


@pytest.mark.parametrize("path", files("tests/*.xml"))
def test_expected_xml(path: str) -> None:
    """What a route's test expects of XML is valid by the receiver's own XSD."""
    schema = next(name for name in files("schemas/*.xsd") if name.partition("/")[0] == path.partition("/")[0])
    etree.XMLSchema(etree.parse(FOLDER / schema)).assertValid(etree.parse(FOLDER / path))


def test_files_that_are_named() -> None:
    """Every file that a document names is there."""
    suffixes = (".json", ".xml", ".xsd", ".wsdl")
    named = {text for text in texts(documents()) if text.endswith(suffixes)}
    assert [name for name in sorted(named) if not (FOLDER / name).is_file()] == []


def test_files_that_are_not_named() -> None:
    """No example, test or schema lies about unused."""
    named = set(texts(documents())) | {"schemas/terms.json", "population/schemas/dan-cu.xsd"}
    named |= {"health/schemas/benh-vien.xsd"}  # the WSDL's own
    kept = [name for folder in ("schemas", "examples", "tests") for name in files(f"{folder}/*")]
    assert [name for name in kept if name not in named] == []


def test_no_grant_no_exchange() -> None:
    """Every route's receiver is granted to receive, and every contract has somebody who may send it."""
    granted = {(grant["contract"], grant["system"], grant["may"]) for grant in documents("Grant")}
    routes = {(route["contract"], route["to"], "receive") for route in documents("Route")}
    assert routes <= granted
    senders = {contract for contract, _, may in granted if may == "send"}
    assert senders == {f"{contract['name']}@1" for contract in documents("Contract")}


def test_every_receiver_has_a_stand_in() -> None:
    """The systems with an endpoint are those that have an application, at the same path and with the same secret."""
    called = {system["name"]: system for system in documents("System") if "endpoint" in system}
    assert set(called) == set(applications())
    for name, application in applications().items():
        system = called[name]
        assert system["endpoint"].removeprefix("https://").partition("/")[2] == application.path.removeprefix("/")
        assert system["agency"] == application.agency
        assert f"secret:{application.secret}" in set(texts(system["auth"]))


def test_secrets_are_names() -> None:
    """No document holds a password, a key or a token, only the name of one."""
    secrets = ("password", "token", "value")
    held = [
        system["auth"][word] for system in documents("System") for word in secrets if word in system.get("auth", {})
    ]
    assert held
    assert all(text.startswith("secret:") for text in held)


def test_people_are_invented() -> None:
    """Identity numbers begin with 000, which no real one does."""
    for path in [*files("examples/*"), *files("tests/*")]:
        content = (FOLDER / path).read_text(encoding="utf-8")
        numbers = [
            word for word in content.replace('"', " ").replace("<", " ").replace(">", " ").split() if is_number(word)
        ]
        assert all(number.startswith("000") for number in numbers), path


def is_number(word: str) -> bool:
    return len(word.strip(",")) == 12 and word.strip(",").isdigit()


@pytest.mark.parametrize("flow", flows(), ids=lambda flow: str(flow.name))
def test_flows(flow: Flow) -> None:
    """A flow is sent by a system that may send, and ends at systems that a route leads to."""
    assert flow.body
    grants = {(grant["system"], grant["contract"]) for grant in documents("Grant") if grant["may"] == "send"}
    assert (flow.sender, f"{flow.contract}@1") in grants
    targets = {route["to"] for route in documents("Route") if route["contract"] == f"{flow.contract}@1"}
    assert set(flow.expected.deliveries) <= targets
    contract = next(one for one in documents("Contract") if one["name"] == flow.contract)
    assert flow.expected.fault in {"", *contract.get("faults", {})}
    kind = "invalid" if flow.expected.status == 400 else "valid"
    assert flow.example in contract["examples"][kind]
