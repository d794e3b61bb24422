"""What the models of documents say of themselves: JSON Schemas for editors, and the tables of docs/documents.md.

``python -m documents.editors`` writes both anew.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from documents.kinds import KINDS, Document

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ROOT = Path(__file__).resolve().parent.parent
SCHEMAS = ROOT / "documents" / "schemas"
PAGE = ROOT / "docs" / "documents.md"
BEGIN, END = "<!-- the tables: made from the models -->", "<!-- the end of the tables -->"


def editor_schemas() -> dict[str, bytes]:
    """The file of each kind's JSON Schema, and one for files of several kinds."""
    made = {f"{kind.lower()}.schema.json": _schema(model) for kind, model in KINDS.items()}
    any_kind = {"oneOf": [{"$ref": name} for name in made], "title": "A document of a province"}
    made["document.schema.json"] = {"$schema": DIALECT, **any_kind}
    return {name: orjson.dumps(schema, option=orjson.OPT_INDENT_2) + b"\n" for name, schema in made.items()}


def _schema(model: type[Document]) -> dict[str, Any]:
    return {"$schema": DIALECT, **model.model_json_schema(by_alias=True)}


def tables() -> str:
    """Every field of every kind, as Markdown."""
    return "\n".join(line for model in KINDS.values() for line in _kind(_schema(model)))


def page(before: str) -> str:
    """The page with its tables made anew; what people wrote around them stays."""
    head, _, rest = before.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{tables()}\n{END}{tail}"


def _kind(schema: Mapping[str, Any]) -> Iterator[str]:
    yield f"### {schema['title']}\n\n{schema['description']}\n"
    yield "| field | | what it says |\n|---|---|---|"
    yield from _rows(schema, schema, "")
    yield ""


def _rows(schema: Mapping[str, Any], here: Mapping[str, Any], above: str) -> Iterator[str]:
    for name, field in here.get("properties", {}).items():
        needed = "needed" if name in here.get("required", ()) else _shown(field.get("default"))
        only = f": `{field['const']}`" if above and "const" in field else ""
        yield f"| `{above}{name}`{only} | {needed} | {_sentence(schema, field)} |"
        for step, inner in _inside(schema, field):
            yield from _rows(schema, inner, f"{above}{name}{step}.")


def _sentence(schema: Mapping[str, Any], field: Mapping[str, Any]) -> str:
    """A field whose description is that of its part is described there alone."""
    described = field if "description" in field else _referred(schema, field)
    return str(described.get("description", "")).replace("|", "\\|").replace("<", "&lt;")


def _shown(default: object) -> str:
    return "" if default is None or isinstance(default, dict | list) else f"`{orjson.dumps(default).decode()}`"


def _inside(schema: Mapping[str, Any], field: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The parts that a field is made of, and the step to each: itself, one of several, its members or items."""
    for each in (field, *field.get("anyOf", ()), *field.get("oneOf", ())):
        if "$ref" in each:
            yield "", _referred(schema, each)
        elif each is not field:
            yield from _inside(schema, each)
    for each in (*field.get("patternProperties", {}).values(), field.get("additionalProperties")):
        if isinstance(each, dict):
            yield from ((f".NAME{step}", inner) for step, inner in _inside(schema, each))
    if isinstance(items := field.get("items"), dict):
        yield from ((f"[]{step}", inner) for step, inner in _inside(schema, items))


def _referred(schema: Mapping[str, Any], field: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = schema["$defs"][field["$ref"].rpartition("/")[2]] if "$ref" in field else {}
    return found


if __name__ == "__main__":
    for file, data in editor_schemas().items():
        (SCHEMAS / file).write_bytes(data)
    PAGE.write_text(page(PAGE.read_text() if PAGE.exists() else f"{BEGIN}{END}\n"))
