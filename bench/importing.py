"""What `lgsp import` makes of other people's descriptions: ``python -m bench.importing wsdl FOLDER [SUFFIX …]``.

Every file of the folder that ends so is imported as the command does it, in a bounded process of its own in which the
network is forbidden; what was written is then checked. The table is kept in ``bench/results/import-KIND-DATE.json``.
"""

import argparse
import resource
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, NoReturn

import orjson
from rich.table import Table

from bench.figures import RESULTS, machine, out
from documents.bounded import TooCostly, run_bounded
from documents.check import check_folder
from documents.importers.run import MEMORY, SECONDS, Order, Outcome, import_here
from documents.importers.target import Target
from documents.importers.writing import write, written

AGENCY: Final = "H99.01"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.importing", description=__doc__.partition("\n")[0])
    parser.add_argument("kind")
    parser.add_argument("folder", type=Path)
    parser.add_argument("suffix", nargs="*", help="how the files end; default: .KIND")
    parser.add_argument("--keep", action="store_true", help="write the table into bench/results")
    given = parser.parse_args()
    suffixes = tuple(given.suffix) or (f".{given.kind}",)
    rows = [_row(given.kind, given.folder, path) for path in sorted(given.folder.rglob("*")) if path.suffix in suffixes]
    _show(rows)
    if given.keep:
        out.print(f"kept in {_keep(given.kind, rows).relative_to(Path.cwd())}")
    sys.exit(any(row["result"] == "wrong" for row in rows))


def _row(kind: str, folder: Path, path: Path) -> dict[str, Any]:
    target = Target("imported", AGENCY)
    order = Order(kind, path, target, date(2026, 11, 25))
    began = time.perf_counter()
    row: dict[str, Any] = {"file": path.relative_to(folder).as_posix()}
    try:
        outcome, cpu, memory = run_bounded(_measured, order, seconds=SECONDS, size=MEMORY)
    except TooCostly:
        return row | {"result": "wrong", "seconds": time.perf_counter() - began, "why": ["it cost too much"]}
    row |= {"seconds": round(time.perf_counter() - began, 2), "cpuSeconds": round(cpu, 2), "mebibytes": memory}
    with tempfile.TemporaryDirectory(prefix="lgsp-import-") as temporary:
        return row | _judged(outcome, target, Path(temporary))


def _judged(outcome: Outcome, target: Target, folder: Path) -> dict[str, Any]:
    """Documents that pass a check, or reasons; anything else is wrong."""
    notes = outcome.imported.notes
    if outcome.ok:
        write(folder, written(outcome.imported, target.folder))
        found = check_folder(folder, date(2026, 11, 25)).errors
        kinds = Counter(each["kind"] for each in outcome.imported.documents)
        losses = Counter(note.remark.code for note in notes)
        return {
            "result": "wrong" if found else "documents",
            "contracts": kinds["Contract"],
            "systems": kinds["System"],
            "losses": dict(losses),
            "why": [str(each) for each in found],
        }
    defect = any(note.remark.code == "import-failed" for note in notes)
    reasons = [f"{note.place}: {note.remark.en.format_map(_Facts(note.facts))}" for note in outcome.imported.errors]
    reasons += [str(each) for each in outcome.problems if each.severity == "error"]
    return {"result": "wrong" if defect or outcome.problems or not reasons else "reasons", "why": reasons}


class _Facts(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "-"


def _measured(order: Order) -> tuple[Outcome, float, int]:
    """The outcome, seconds of processor time and mebibytes of the whole child, its start included."""
    _forbid_network()
    outcome = import_here(order)
    used = resource.getrusage(resource.RUSAGE_SELF)
    return outcome, used.ru_utime + used.ru_stime, used.ru_maxrss // 1024


def _forbid_network() -> None:
    def refuse(*_arguments: object, **_options: object) -> NoReturn:
        raise AssertionError("the network was asked for something")

    socket.getaddrinfo = refuse
    socket.socket.connect = refuse  # type: ignore[method-assign]


def _show(rows: list[dict[str, Any]]) -> None:
    table = Table(box=None, header_style="bold")
    for column in ("file", "result", "contracts", "s", "MiB", "losses or reasons"):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(str(each) for each in _cells(row)))
    out.print(table)
    out.print(Counter(row["result"] for row in rows), f"slowest {max(row['seconds'] for row in rows):.1f} s,")
    out.print(f"largest {max(row.get('mebibytes', 0) for row in rows)} MiB")


def _cells(row: dict[str, Any]) -> Iterator[object]:
    told = "; ".join(row["why"]) or " ".join(f"{code}×{count}" for code, count in row.get("losses", {}).items())
    yield from (row["file"], row["result"], row.get("contracts", ""), row["seconds"], row.get("mebibytes", ""), told)


def _keep(kind: str, rows: list[dict[str, Any]]) -> Path:
    now = datetime.now(UTC)
    document = {
        "at": now.isoformat(timespec="seconds"),
        "machine": machine(),
        "command": f"python -m bench.importing {kind} FOLDER --keep",
        "results": dict(Counter(row["result"] for row in rows)),
        "slowestSeconds": max(row["seconds"] for row in rows),
        "largestMebibytes": max(row.get("mebibytes", 0) for row in rows),
        "files": rows,
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"import-{kind}-{now:%Y-%m-%d}.json"
    path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")
    return path


if __name__ == "__main__":
    main()
