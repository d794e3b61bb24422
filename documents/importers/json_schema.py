"""JSON Schemas into contracts: one for each schema that no other refers to.

As with XSD, a schema says what a message is, not who exchanges it: the system is taken for one that sends.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from contracts.json_schema_check import check_schema
from documents.importers import openapi_remarks as remarks
from documents.importers.dialects import DIALECT, is_old_draft
from documents.importers.naming import Names, line_of, path_of, words_of
from documents.importers.openapi_reading import Files, Schemas
from documents.importers.report import Imported, Note
from documents.importers.source import SEVERAL, Refused, Source, shown
from documents.importers.target import Document, Target, consumer, json_payload
from documents.importers.xsd import SENDS

SUFFIXES: Final = (".json", ".yaml", ".yml")


def import_json_schema(source: Source, target: Target) -> Imported:
    """A contract of kind `document` in JSON, and the system that sends it. Raises `Refused`."""
    files = Files(source)
    path = _entry(source, files)
    schema: Mapping[str, Any] = files.load(path)
    draft = str(schema.get("$schema", DIALECT))
    schemas = Schemas(files, is_old_draft(draft))
    made = schemas.closed(schema, path, path)
    notes = [Note(SENDS, path, {"system": target.system}), *schemas.notes]
    if draft.rstrip("#") != DIALECT:
        notes.append(Note(remarks.DRAFT, path, {"draft": draft[:100]}))
    if found := check_schema(made, {path: made}, path=path):
        raise Refused(*(Note(remarks.SCHEMA_WRONG, path, {"why": each}) for each in found))
    local = path.rpartition("/")[2].rpartition(".")[0].removesuffix(".schema")
    title = line_of(str(schema.get("title") or "")) or line_of(str(schema.get("description") or "")) or words_of(local)
    placed = path_of(target.folder, f"schemas/{local}.json")
    name = Names().new(target.contract_name(local))
    documents: list[Document] = [
        consumer(target.system, target.agency),
        target.contract(name, title, "document", json_payload(placed)),
        target.grant(name, target.system, "send", title),
    ]
    data = orjson.dumps(made, option=orjson.OPT_INDENT_2) + b"\n"
    return Imported(tuple(documents), {placed: data}, (*notes, *target.notes(documents)))


def _entry(source: Source, files: Files) -> str:
    """The file that was named, or the one object that no other refers to."""
    found = files.objects(*SUFFIXES)
    if not found:
        raise Refused(Note(remarks.NO_JSON_SCHEMA, source.name))
    named = {name for path, document in found.items() for name in _references(document) if name != path}
    roots = [path for path in found if path.rpartition("/")[2] not in named] or list(found)
    if len(roots) > 1:
        raise Refused(Note(SEVERAL, source.name, {"there": shown(tuple(roots))}))
    return roots[0]


def _references(value: Any) -> set[str]:
    """The last parts of the files that a document refers to."""
    if isinstance(value, list):
        return set().union(*map(_references, value))
    if not isinstance(value, dict):
        return set()
    reference = value.get("$ref")
    own = {reference.partition("#")[0].rpartition("/")[2]} if isinstance(reference, str) else set()
    return own.union(*map(_references, value.values())) - {""}
