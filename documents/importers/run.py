"""One import from beginning to end, in a child process that cannot take more than it is given."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Final

from documents.bounded import TooCostly, run_bounded
from documents.check import check
from documents.importers.examples import import_examples
from documents.importers.json_schema import import_json_schema
from documents.importers.openapi import import_openapi
from documents.importers.report import Imported, Note, Remark, Severity
from documents.importers.source import Refused, Source, open_source
from documents.importers.target import Target
from documents.importers.writing import as_documents, completed, rewritten
from documents.importers.wsdl import import_wsdl
from documents.importers.xsd import import_xsd
from documents.load import load
from documents.model import Documents
from documents.problems import Problem

SECONDS: Final = 3
"""Of processor time, beyond the second that a process needs to begin. A WSDL of 35 operations and 80 kB takes one."""

MEMORY: Final = 500_000_000
"""Bytes of address space. A process that has begun has a hundred million."""

Importer = Callable[[Source, Target], Imported]
IMPORTERS: Final[Mapping[str, Importer]] = {
    "wsdl": import_wsdl,
    "openapi": import_openapi,
    "xsd": import_xsd,
    "json-schema": import_json_schema,
    "examples": import_examples,
}

TOO_COSTLY = Remark(
    "import-too-costly",
    Severity.ERROR,
    "reading it takes more than {seconds} s or {size} MiB: look for a schema that grows, or import a part of it.",
    "đọc tốn hơn {seconds} giây hoặc {size} MiB: hãy tìm phần lược đồ phình ra, hoặc nhập từng phần.",
)
TOO_DEEP = Remark(
    "import-too-deep",
    Severity.ERROR,
    "it is nested, or its files lead to one another, too deep: nobody writes so by hand; ask whoever made it.",
    "lồng nhau, hoặc các tệp gọi nhau, quá sâu: không ai viết tay như vậy; hãy hỏi nơi tạo ra.",
)
DEFECT = Remark(
    "import-failed",
    Severity.ERROR,
    "this is a mistake of the importer's own ({rule}): please tell whoever maintains the bus, with the file.",
    "đây là lỗi của chính bộ nhập ({rule}): hãy báo người bảo trì trục, kèm tệp này.",
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was imported, that as documents, and what is wrong with them."""

    imported: Imported = field(default_factory=Imported)
    documents: Documents = field(default_factory=Documents, repr=False)
    problems: tuple[Problem, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether there are documents, and they can be applied."""
        wrong = any(problem.severity is Severity.ERROR for problem in self.problems)
        return bool(self.imported.documents) and not self.imported.errors and not wrong


@dataclass(frozen=True, slots=True)
class Order:
    """What to import: `kind` is one of `IMPORTERS`. Beside it stand `current`, or what lies in `folder`."""

    kind: str
    path: Path
    target: Target
    today: date
    entry: str | None = None
    current: Documents = field(default_factory=Documents, repr=False)
    folder: Path | None = None


def import_bounded(order: Order) -> Outcome:
    """Read, make documents and check them. Never raises for what is in the source."""
    try:
        return run_bounded(import_here, order, seconds=SECONDS, size=MEMORY)
    except TooCostly:
        facts = {"seconds": str(SECONDS), "size": str(MEMORY >> 20)}
        return Outcome(Imported(notes=(Note(TOO_COSTLY, order.path.name, facts),)))


def import_here(order: Order) -> Outcome:
    """As `import_bounded`, in this process and without bounds."""
    try:
        source = open_source(order.path, order.entry)
        imported = IMPORTERS[order.kind](source, order.target)
    except Refused as refused:
        return Outcome(Imported(notes=refused.notes))
    except MemoryError:
        raise
    except RecursionError:
        return Outcome(Imported(notes=(Note(TOO_DEEP, order.path.name),)))
    except Exception as error:  # noqa: BLE001  what a hostile file provokes must not end in a traceback
        return Outcome(Imported(notes=(Note(DEFECT, order.path.name, {"rule": _where(error)}),)))
    return _joined(imported, order)


def _where(error: BaseException) -> str:
    """The kind of an error and the line of ours it came from: never its text, which quotes data."""
    line = ""
    trace = error.__traceback__
    while trace is not None:
        line = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__} at {line}"


def _joined(imported: Imported, order: Order) -> Outcome:
    """The import beside what it refers to, and all that is wrong with it."""
    current = order.current if order.folder is None else _there(order.folder, order.target)
    around = _around(current, order.target)
    imported = completed(imported, (key.name for key in around.by_key if key.kind == "Agency"))
    documents, flaws = as_documents(imported, order.target.folder)
    report = check(Documents({**around.by_key, **documents.by_key}, documents.files), order.today)
    files = {each.source.file for each in documents} | set(documents.files)
    problems = (each for each in report.problems if each.file in files)
    return Outcome(imported, documents, (*flaws, *problems))


def _there(folder: Path, target: Target) -> Documents:
    """What a folder holds, but for what an earlier import of this system wrote there and this one writes anew."""
    if not folder.is_dir():
        return Documents()
    found = load(folder).documents
    own = rewritten(target.folder)
    return replace(found, by_key={key: each for key, each in found.by_key.items() if each.source.file not in own})


def _around(current: Documents, target: Target) -> Documents:
    """The agencies that are known, and the systems that shall send: no more of a province is looked at, for an import
    is bounded and a province may be large."""
    systems = {*target.consumers}
    kept = {
        key: each
        for key, each in current.by_key.items()
        if key.kind == "Agency" or (key.kind == "System" and key.name in systems)
    }
    return Documents(kept)
