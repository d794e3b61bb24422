"""`lgsp doctor`: what is misconfigured, and how to mend it."""

from dataclasses import asdict

from rich.text import Text

from bus.settings import read_settings
from commands.terminal import Data, Json, err, opened, out, require
from running.doctor.finding import Finding, Level
from running.printing import plain, print_json

SIGNS = {Level.OK: ("ok", "green"), Level.WARNING: ("warn", "yellow"), Level.FAILURE: ("FAIL", "bold red")}


def doctor(data: Data = None, json: Json = False) -> None:
    """Look at machine, journal, broker, documents and systems: what is not well, and how to mend it. Changes nothing;
    exit 1 where something does not run or may lose messages."""
    from running.doctor.examination import examine

    found: list[Finding] = []
    with opened(read_settings(data=data)) as home, err.status("Looking …"):
        for finding in examine(home):
            found.append(finding)
            if not json:
                _show(finding)
    if json:
        print_json(out, [asdict(each) for each in found])
    require(all(each.level is not Level.FAILURE for each in found))


def _show(finding: Finding) -> None:
    sign, style = SIGNS[finding.level]
    out.print(Text(f"{sign:<6}", style=style).append_text(plain(f"{finding.what}: {finding.seen}")))
    if finding.mend:
        out.print(plain(f"      → {finding.mend}"))
