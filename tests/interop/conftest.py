"""The conversations of this run, and the table of them at its end."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.conversations import Conversations
from tests.interop.stage import stage
from tests.interop.table import tables

HELD = pytest.StashKey[Conversations]()


@pytest.fixture(scope="session")
def conversations(
    migrated: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Conversations]:
    with stage(migrated, tmp_path_factory.mktemp("interop")) as each:
        request.config.stash[HELD] = each
        yield each


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    held = config.stash.get(HELD, None)
    if held is not None:
        terminalreporter.section("stacks of SOAP")
        terminalreporter.write_line(tables(held.found))
