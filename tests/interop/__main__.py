"""``python -m tests.interop`` holds every conversation that it can, and makes docs/interoperability.md anew."""

import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from journal.database import migrate, sqlite_url
from tests.interop.conversations import sides
from tests.interop.stacks import STACKS, Missing
from tests.interop.stage import stage
from tests.interop.table import PAGE, page, tables


def main() -> int:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        empty = folder / "empty"
        empty.mkdir()
        migrate(sqlite_url(empty))
        with stage(empty / "journal.sqlite", folder) as conversations:
            for stack in STACKS:
                for side, cases in sides(stack).items():
                    for case in cases:
                        with suppress(Missing, AssertionError):
                            conversations.check(side, stack, case)
            found = conversations.found
    PAGE.write_text(page(found), encoding="utf-8")
    sys.stdout.write(f"{tables(found)}\n")
    return 0 if found and all(found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
