"""Transforms, compiled, and what they lie between."""

from collections.abc import Mapping
from dataclasses import dataclass

from documents import kinds
from documents.bench import Bench
from documents.conversion import ANY_XML, JSON, End, Reshape, conversion, styling
from documents.files import closure
from documents.fitting import Missing
from documents.kinds.contract import Payload
from documents.kinds.transform import View
from documents.model import Written
from routes.model import Convert
from transforms.apart.languages import Jsonata, Stylesheet
from transforms.apart.program import LanguageName, Program
from transforms.mapping import compile_mapping


@dataclass(frozen=True, slots=True)
class Mapped:
    """A transform, compiled, and the XML at its ends where it names some."""

    mapping: Reshape | Stylesheet
    source: End | None
    target: End | None


def transforms(bench: Bench) -> dict[str, Mapped | None]:
    """Every transform by name; None where something is wrong with it."""
    lists = {name: dict(each.entries) for name, each in bench.documents.named(kinds.CodeList).items()}
    return {each.name: _transform(bench, written, each, lists) for written, each in bench.documents.of(kinds.Transform)}


def _transform(
    bench: Bench, written: Written, document: kinds.Transform, lists: Mapping[str, Mapping[str, object]]
) -> Mapped | None:
    mapping = _language(bench, written, document, lists)
    before = len(bench.problems)
    source = _view_end(bench, written, document.from_, "from")
    target = _view_end(bench, written, document.to, "to")
    return Mapped(mapping, source, target) if mapping and len(bench.problems) == before else None


def alone(bench: Bench, name: str) -> Convert | None:
    """A transform without a route: from and to what it says of itself, else JSON; a stylesheet's ends are XML. None
    where there is none, or something is wrong with it."""
    before = len(bench.problems)
    mapped = transforms(bench).get(name)
    del bench.problems[before:]
    return through(mapped, answering(mapped), receiving(mapped)) if mapped else None


def _language(
    bench: Bench, written: Written, document: kinds.Transform, lists: Mapping[str, Mapping[str, object]]
) -> Reshape | Stylesheet | None:
    if document.language == "mapping":
        return bench.attempt(
            written,
            ("fields",),
            lambda: compile_mapping(document.name, document.fields, code_lists=lists, views=bench.shapes.view),
        )
    lacking = [bench.lacks(written, "CodeList", each, lists, "codeLists") for each in document.code_lists]
    if any(lacking) or (document.file is not None and document.file not in bench.documents.files):
        return None  # the file's absence was said where it was to be read
    program = _program(bench, document, document.language, lists)
    step = "expression" if document.file is None else "file"
    if bench.proving and not bench.attempt(written, (step,), lambda: bench.pool.compiled(program)):
        return None
    return Jsonata(program, bench.pool) if document.language == "jsonata" else Stylesheet(program, bench.pool)


def _program(
    bench: Bench, document: kinds.Transform, language: LanguageName, lists: Mapping[str, Mapping[str, object]]
) -> Program:
    used = {str(name): {code: str(target) for code, target in lists[name].items()} for name in document.code_lists}
    if document.file is None:
        return Program(
            document.name, language, "expression", {"expression": (document.expression or "").encode()}, used
        )
    return Program(document.name, language, document.file, closure([document.file], bench.documents.files), used)


def _view_end(bench: Bench, written: Written, view: View | None, step: str) -> End | None:
    if view is None:
        return None
    return bench.attempt(written, (step,), lambda: End(bench.shapes.view(view.schema_path, view.element)))


def through(mapped: Mapped | None, source: End, target: End) -> Convert | None:
    """The conversion from one end to the other, by a transform where there is one."""
    if mapped is None:
        return conversion(source, target, None)
    if isinstance(mapped.mapping, Stylesheet):
        return styling(source, target, mapped.mapping, mapped.source, mapped.target)
    return conversion(source, target, mapped.mapping)


def receiving(mapped: Mapped) -> End:
    """How a REST system is written to: as the transform says, else JSON; a stylesheet makes XML."""
    return mapped.target or (ANY_XML if isinstance(mapped.mapping, Stylesheet) else JSON)


def answering(mapped: Mapped) -> End:
    """How a REST system answers, likewise."""
    return mapped.source or (ANY_XML if isinstance(mapped.mapping, Stylesheet) else JSON)


def runs_apart(mapped: Mapped | None) -> bool:
    """Whether it waits for another process."""
    return mapped is not None and isinstance(mapped.mapping, Jsonata | Stylesheet)


def end(bench: Bench, payload: Payload) -> End:
    """A payload of a contract, as what a conversion begins or ends with."""
    if payload.format == "json":
        return JSON
    return End(bench.shapes.view(payload.schema_path, payload.element or ""))


def names(bench: Bench, payload: Payload) -> Missing | None:
    """The names that a payload of a contract has."""
    if payload.format == "json":
        found = bench.shapes.json_names(payload.schema_path)
        return found.missing if found else None
    return bench.shapes.view(payload.schema_path, payload.element or "").missing
