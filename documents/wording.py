"""What a model finds wrong with a document, in words that say what to do."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from documents.kinds import Document
from documents.problems import meant

Step = str | int
Schema = Mapping[str, Any]

WORDS = {
    "string_type": "write a text here; put it in quotes if it looks like null or like a list.",
    "bool_type": "write true or false, without quotes.",
    "int_type": "write a whole number, without quotes.",
    "int_from_float": "write a whole number.",
    "float_type": "write a number, without quotes.",
    "list_type": "write a list here: [first, second], or one `- item` a line.",
    "dict_type": "write fields here, `name: value`.",
    "model_type": "write fields here, `name: value`.",
    "model_attributes_type": "write fields here, `name: value`.",
    "union_tag_not_found": "say which by its field `scheme`.",
    "string_pattern_mismatch": "this is not written as it should be.",
}
BOUNDS = {
    "greater_than_equal": ("ge", "at least"),
    "less_than_equal": ("le", "at most"),
    "greater_than": ("gt", "more than"),
}


def problems_of(model: type[Document], error: ValidationError) -> Iterator[tuple[tuple[Step, ...], str]]:
    """Each problem's place in the document, and what to do."""
    schema = model.model_json_schema(by_alias=True)
    for detail in error.errors(include_url=False, include_input=False):
        steps, _ = _place(schema, detail["loc"])
        yield steps, _words(schema, detail)


def _words(schema: Schema, detail: Any) -> str:
    kind, context, loc = detail["type"], detail.get("ctx", {}), detail["loc"]
    name = _short(loc[-1]) if loc else ""
    match kind:
        case "value_error":
            words = str(context["error"])
        case "missing":
            words = f"`{name}` is missing: {_place(schema, loc)[1].get('description', 'it is needed here.')}"
        case "extra_forbidden":
            around = _place(schema, loc[:-1])[1].get("properties", {})
            words = f"unknown field `{name}`: {meant(str(loc[-1]), around)}"
        case "literal_error":
            words = f"write {context['expected']}."
        case "union_tag_invalid":
            words = f"the scheme is one of {context['expected_tags']}."
        case "too_short":
            words = "write at least one here."
        case _ if kind in BOUNDS:
            bound, how = BOUNDS[kind]
            words = f"write {how} {context[bound]}."
        case _:
            words = WORDS.get(kind, "this is not what is wanted here.")
    return words


def _place(schema: Schema, loc: Sequence[Step]) -> tuple[tuple[Step, ...], Schema]:
    """The steps of `loc` that are of the document and not of the model, and the schema that they lead to."""
    here, steps = _plain(schema, schema), []
    for step in loc:
        variant = here.get("discriminator", {}).get("mapping", {}).get(step)
        if variant is not None:
            here = _plain(schema, {"$ref": variant})
        elif step != "[key]":
            steps.append(step)
            here = _plain(schema, _member(here, step))
    return tuple(steps), here


def _member(here: Schema, step: Step) -> Schema:
    if isinstance(step, int):
        found = here.get("items")
    else:
        found = here.get("properties", {}).get(step) or next(iter(here.get("patternProperties", {}).values()), None)
        found = found or here.get("additionalProperties")
    return found if isinstance(found, dict) else {}


def _plain(schema: Schema, here: Schema) -> Schema:
    """Follow a reference, and take what is not null; a description given beside them stays."""
    while True:
        if "$ref" in here:
            target = schema["$defs"][here["$ref"].rpartition("/")[2]]
        elif "anyOf" in here:
            target = next(each for each in here["anyOf"] if each.get("type") != "null")
        else:
            return here
        rest = {key: value for key, value in here.items() if key not in {"$ref", "anyOf"}}
        here = {**target, **rest}


def _short(name: object) -> str:
    text = str(name)
    return text if len(text) <= 60 else text[:59] + "…"
