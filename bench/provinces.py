"""Provinces that are written for a measurement: so many contracts, over so many receiving systems."""

import shutil
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent / "province"

HEAD: Final = """\
kind: Agency
code: H99
name: {vi: Tỉnh đo, en: Province of measurements}
---
kind: System
name: sender
agency: H99
adapter: rest
"""

SYSTEM: Final = """\
---
kind: System
name: receiver-%(number)d
agency: H99
adapter: rest
endpoint: https://receiver-%(number)d.example.internal/
limits: {concurrency: 16}
"""

INBOX: Final = """\
---
kind: System
name: receiver-%(number)d
agency: H99
adapter: inbox
"""

CONTRACT: Final = """\
---
kind: Contract
name: bench.reading-%(number)d
version: 1.0.0
title: {vi: Số đo thứ %(number)d, en: Reading %(number)d}
owner: H99
exchange: document
request: {format: json, schema: reading-%(number)d.json}
examples: {valid: [reading.example.json]}
---
kind: Route
contract: bench.reading-%(number)d@1
to: receiver-%(system)d
repeatable: true
---
kind: Grant
contract: bench.reading-%(number)d@1
system: sender
may: send
purpose: Đo
legalBasis: Quy chế nội bộ
---
kind: Grant
contract: bench.reading-%(number)d@1
system: receiver-%(system)d
may: receive
purpose: Đo
legalBasis: Quy chế nội bộ
"""


def many(folder: Path, contracts: int, systems: int, system: str = SYSTEM) -> Path:
    """Contracts `bench.reading-1` and so on, each with a schema of its own, for systems `receiver-1` and so on, which
    are written as `system`."""
    folder.mkdir()
    parts = [HEAD, *(system % {"number": number} for number in range(1, systems + 1))]
    schema = (HERE / "reading.json").read_text(encoding="utf-8")
    for number in range(1, contracts + 1):
        parts.append(CONTRACT % {"number": number, "system": 1 + (number - 1) % systems})
        # No two alike, so that none can be compiled once for all.
        own = schema.replace('"maxLength": 1000', f'"maxLength": {1000 + number}')
        (folder / f"reading-{number}.json").write_text(own, encoding="utf-8")
    (folder / "documents.yaml").write_text("".join(parts), encoding="utf-8")
    shutil.copy(HERE / "reading.example.json", folder)
    return folder
