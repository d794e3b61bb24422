"""What was measured: kept by name, written as JSON, shown as a table."""

import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import orjson
from rich.console import Console
from rich.table import Table

from bench.flow import Passed
from bench.load import Result

RESULTS: Final = Path(__file__).parent / "results"

LIBRARIES: Final = ("uvicorn", "starlette", "psycopg", "pika", "jsonschema-rs", "lxml", "aiohttp")

out = Console(highlight=False)


@dataclass
class Run:
    """One run of a part; `scale` makes it shorter."""

    name: str
    scale: float
    figures: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    command: str = ""
    busy: float = field(default_factory=lambda: os.getloadavg()[0])

    def count(self, full: int) -> int:
        return max(50, round(full * self.scale))

    def seconds(self, full: float) -> float:
        return max(1.0, full * self.scale)

    def keep(self, name: str, result: Result) -> None:
        """Raises `RuntimeError` where something was not answered as it should be."""
        if result.unexpected:
            raise RuntimeError(name, result.unexpected)
        self.figures |= {
            f"{name}PerSecond": round(result.rate, 1 if result.rate < 100 else None),
            f"{name}P50Ms": round(result.p50, 2),
            f"{name}P99Ms": round(result.p99, 2),
            f"{name}GeneratorCores": round(result.cpu, 2),
        }

    def keep_flow(self, name: str, passed: Passed) -> None:
        self.figures |= {
            f"{name}PerSecond": round(passed.rate, 1 if passed.rate < 100 else None),
            f"{name}P50Ms": round(passed.p50, 2),
            f"{name}P99Ms": round(passed.p99, 2),
            f"{name}Accepted99Ms": round(passed.accepted99, 2),
            f"{name}GeneratorCores": round(passed.cpu, 2),
        }

    def ratio(self, name: str, figure: str, of: str) -> None:
        """How many times one figure another is, where both were measured."""
        if figure in self.figures and self.figures.get(of):
            self.figures[name] = round(self.figures[figure] / self.figures[of], 2)

    def write(self) -> Path:
        now = datetime.now(UTC)
        document = {
            "at": now.isoformat(timespec="seconds"),
            "machine": machine(),
            # Above 0.5 or so somebody else used the machine too, and every figure is lower for it.
            "loadBefore": round(self.busy, 1),
            "versions": {name: version(name) for name in LIBRARIES} | self.versions,
            "command": self.command or f"make bench ONLY={self.name}",
            "notes": self.notes,
            "figures": self.figures,
        }
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{self.name}-{now:%Y-%m-%d}.json"
        path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")
        return path


def machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    python = f"Python {platform.python_version()}"
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.machine()}, {platform.system()}, {python}"


def of_command(*command: str) -> str:
    """What a program says of its version, or nothing."""
    with suppress(OSError, subprocess.CalledProcessError):
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    return ""


def show(title: str, columns: Sequence[str], rows: Mapping[str, Sequence[object]]) -> None:
    """A table of figures; what was not measured is a dash."""
    table = Table(title, box=None)
    for column in columns:
        table.add_column(column, justify="right")
    for name, values in rows.items():
        table.add_row(name, *(_plain(value) for value in values))
    out.print(table)
    out.print()


def _plain(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int | float) else str(value)
