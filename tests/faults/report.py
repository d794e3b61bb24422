"""What people read of a run: a table, and one JSON file."""

import json
import os
import platform
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.faults.judge import Record, Verdict

RESULTS = Path(__file__).parents[2] / "bench" / "results"

ROWS: Mapping[str, str] = {
    "accepted": "messages accepted",
    "delivered": "delivered",
    "expired": "expired: questions that nobody answered in time",
    "lost": "lost",
    "accepted_twice": "accepted under one key as two messages",
    "unexpected_ends": "ended as they should not",
    "repeated_repeatable": "calls repeated, repeatable",
    "repeated_after_refusal": "calls repeated, after the receiver answered 500 or 503",
    "repeated_unrepeatable": "calls repeated, unrepeatable",
    "overlapping": "calls overlapping",
    "overlapping_abandoned": "calls begun while the receiver was busy with one that the bus had given up",
    "out_of_order": "out of order, by Bus-Sequence",
    "out_of_sent_order": "out of order, as they were sent",
    "broken_chains": "chains of audit events that are broken",
}


@dataclass(frozen=True, slots=True)
class Struck:
    """One fault that came: when it struck and when it was mended, on the machine's monotonic clock."""

    name: str
    target: str
    began: float
    ended: float


def recoveries(struck: Iterable[Struck], calls: Sequence[Record]) -> list[float]:
    """Seconds from the end of each fault to the next answered call: of its system, or of any."""
    times: dict[str, list[float]] = defaultdict(list)
    for call in calls:
        if call["answered"] == 200:
            times[call["system"]].append(float(call["start"]))
            times[""].append(float(call["start"]))
    for each in times.values():
        each.sort()
    found = []
    for fault in struck:
        of = times[fault.target if fault.target in times else ""]
        at = bisect_left(of, fault.ended)
        if at < len(of):
            found.append(of[at] - fault.ended)
    return found


def longest_silence(calls: Sequence[Record]) -> float:
    """The longest span, in seconds, in which no call at all was answered."""
    times = sorted(float(call["start"]) for call in calls if call["answered"] == 200)
    return max((later - earlier for earlier, later in pairwise(times)), default=0.0)


def document(verdict: Verdict, struck: Sequence[Struck], calls: Sequence[Record], **facts: Any) -> dict[str, Any]:
    counts = {name: getattr(verdict, name) for name in ROWS}
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        **counts,
        "dead": dict(verdict.dead),
        "calls": verdict.calls,
        "faults": len(struck),
        "faults_by_name": dict(sorted(Counter(each.name for each in struck).items())),
        "longest_recovery": round(max(recoveries(struck, calls), default=0.0), 1),
        "longest_silence": round(longest_silence(calls), 1),
        "holds": verdict.holds,
        "examples": verdict.examples,
        **facts,
    }


def machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.machine()}, {platform.system()},"
        f" Python {platform.python_version()}"
    )


def show(out: Console, told: Mapping[str, Any]) -> None:
    table = Table("what", "count", box=None)
    for name, text in ROWS.items():
        wrong = name in Verdict.BROKEN and told[name]
        table.add_row(text, f"{told[name]:,}", style="bold red" if wrong else None)
    for reason, count in told["dead"].items():
        table.add_row(f"dead: {reason}", f"{count:,}")
    table.add_row("faults", f"{told['faults']:,}")
    table.add_row("longest recovery, seconds", f"{told['longest_recovery']}")
    out.print(table)
    faults = Table("fault", "times", box=None)
    for name, count in told["faults_by_name"].items():
        faults.add_row(name, str(count))
    out.print(faults)
    for example in told["examples"]:
        out.print(example, style="red", markup=False)


def keep(told: Mapping[str, Any], name: str) -> Path:
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{name}-{told['at'][:10]}.json"
    file.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return file
