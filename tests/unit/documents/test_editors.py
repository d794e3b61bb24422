"""What editors and readers are told is what the models say."""

import re

import orjson
import pytest
from jsonschema import Draft202012Validator

from documents.editors import PAGE, SCHEMAS, editor_schemas, page
from documents.kinds import KINDS
from documents.yaml_text import read_yaml


@pytest.mark.parametrize(
    ("name", "schema"), editor_schemas().items(), ids=lambda each: each if isinstance(each, str) else ""
)
def test_the_schemas_are_those_of_the_models(name: str, schema: bytes) -> None:
    """After a change to a kind: `python -m documents.editors`."""
    assert (SCHEMAS / name).read_bytes() == schema
    Draft202012Validator.check_schema(orjson.loads(schema))


def test_no_schema_is_left_over() -> None:
    """A kind that is gone takes its schema with it."""
    assert {path.name for path in SCHEMAS.iterdir()} == set(editor_schemas())


def test_the_page_describes_every_field() -> None:
    """The tables of docs/documents.md are made from the models: `python -m documents.editors`."""
    assert PAGE.read_text() == page(PAGE.read_text())


def test_the_examples_of_the_page_are_documents() -> None:
    """What the page shows can be copied."""
    for text in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL):
        parsed, flaws = read_yaml(text.encode())
        assert flaws == []
        for each in parsed:
            assert isinstance(each.value, dict)
            KINDS[each.value["kind"]].model_validate(each.value)
