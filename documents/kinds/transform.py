"""Transform and CodeList: how one shape becomes another."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Literal

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from documents.kinds.base import Document, Part
from documents.kinds.values import Element, FilePath, Json, Name, Texts


class View(Part):
    """XML at one end of a transform, where the contract or the system's WSDL does not say."""

    format: Literal["xml"] = Field(description="xml")
    schema_path: FilePath = Field(alias="schema", description="Its XSD, a file of the province.")
    element: Element = Field(description='Its root element: "{namespace}Name".')


class Transform(Document):
    """A pure function from one shape of a message to another."""

    kind: Literal["Transform"] = Field(description="Transform")
    name: Name = Field(description="The name by which routes know it.")
    title: Texts | None = Field(default=None, description="What it does, in Vietnamese (vi) and English (en).")
    language: Literal["mapping", "jsonata", "xslt"] = Field(
        description="The language it is written in: mapping (see docs/mapping.md), jsonata or xslt (see"
        " docs/transforms.md)."
    )
    from_: View | None = Field(
        default=None, alias="from", description="The XML that it reads, where nothing else says so."
    )
    to: View | None = Field(default=None, description="The XML that it writes, where nothing else says so.")
    fields: dict[str, Json] = Field(
        default_factory=dict, description="Of a mapping: each field of the result, and how it is made."
    )
    expression: str | None = Field(default=None, description="Of jsonata: the expression, where it is in no file.")
    file: FilePath | None = Field(
        default=None, description="Of jsonata and xslt: the file of the province that it is written in."
    )
    code_lists: list[Name] = Field(
        default_factory=list, description="Of jsonata and xslt: the code lists that it looks codes up in."
    )

    @property
    def key(self) -> tuple[str, str]:
        return self.name, ""

    @model_validator(mode="after")
    def _coherent(self) -> "Transform":
        if self.language == "mapping":
            if not self.fields:
                raise ValueError("a mapping has `fields`.")
            if self.expression is not None or self.file is not None or self.code_lists:
                raise ValueError("`expression`, `file` and `codeLists` belong to `language: jsonata` or `xslt`.")
        elif self.fields:
            raise ValueError("`fields` belong to `language: mapping`.")
        elif self.language == "xslt" and (self.file is None or self.expression is not None):
            raise ValueError("a stylesheet stands in a file of its own: write `file`.")
        elif (self.file is None) == (self.expression is None):
            raise ValueError("JSONata stands in `expression`, or in a file that `file` names.")
        return self

    def file_paths(self) -> Iterator[tuple[tuple[str | int, ...], FilePath]]:
        yield from super().file_paths()
        yield from _schemas(self.fields, ("fields",))


class CodeList(Document):
    """Codes of one system and what they are called in another; used both ways."""

    kind: Literal["CodeList"] = Field(description="CodeList")
    name: Name = Field(description="The name by which transforms know it.")
    title: Texts | None = Field(default=None, description="What the codes are of, in Vietnamese (vi) and English (en).")
    entries: dict[str, str] = Field(min_length=1, description="Code: what it becomes. Codes are texts, `0123` too.")

    @property
    def key(self) -> tuple[str, str]:
        return self.name, ""


_PATH = TypeAdapter(FilePath)


def _schemas(value: object, steps: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], FilePath]]:
    """The schemas of ``xml: {schema: PATH, …}`` in a mapping; its compiler says what else is wrong."""
    if isinstance(value, dict):
        named = value.get("xml")
        if isinstance(named, dict) and isinstance(path := named.get("schema"), str):
            with suppress(ValidationError):
                yield (*steps, "xml", "schema"), _PATH.validate_python(path)
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, member in members:
        yield from _schemas(member, (*steps, step))
