"""docs/mapping.md: every example comes out as it says, and every word of the language is shown."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from bus.errors import TransformFailed
from contracts.xsd import XsdDocuments
from transforms.grammar import WORDS
from transforms.mapping import compile_mapping
from transforms.xml_view import XmlView

PAGE = Path(__file__).parents[3] / "docs" / "mapping.md"
BLOCK = re.compile(r"^```(\w+) (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Example:
    line: int
    mapping: str
    given: str
    kind: str
    expected: str


def blocks() -> list[tuple[int, str, str]]:
    text = PAGE.read_text(encoding="utf-8")
    return [(text.count("\n", 0, found.start()) + 1, found[2], found[3]) for found in BLOCK.finditer(text)]


def examples() -> Iterator[Example]:
    run = [block for block in blocks() if block[1] in {"mapping", "input", "output", "failure"}]
    for (line, _, mapping), (_, _, given), (_, kind, expected) in zip(*[iter(run)] * 3, strict=True):
        yield Example(line, mapping, given, kind, expected)


def documents(kind: str) -> list[dict[str, object]]:
    return [each for _, named, text in blocks() if named == kind for each in YAML(typ="safe", pure=True).load_all(text)]


def view(schema: str, element: str) -> XmlView:
    files = {name: text.encode() for _, name, text in blocks() if name.endswith(".xsd")}
    return XmlView(XsdDocuments(files, [schema]), element)


def run(example: Example) -> object:
    lists = {str(each["name"]): each["entries"] for each in documents("code-lists")}
    fields = YAML(typ="safe", pure=True).load(example.mapping)["fields"]
    return compile_mapping("example", fields, code_lists=lists, views=view)(json.loads(example.given))  # type: ignore[arg-type]


@pytest.mark.parametrize("example", list(examples()), ids=lambda example: f"line {example.line}")
def test_every_example_is_true(example: Example) -> None:
    """The page is executed: mapping, message and result."""
    if example.kind == "failure":
        with pytest.raises(TransformFailed) as caught:
            run(example)
        assert "{rule} at {place}".format(**caught.value.facts) == example.expected.strip()
    else:
        assert run(example) == json.loads(example.expected)


def test_every_word_is_shown() -> None:
    """A word of the language without an example is a word that nobody finds."""
    shown = " ".join(example.mapping for example in examples())
    assert not [word for word in WORDS if not re.search(rf"(?<!\w){word}:", shown)]
