"""Log lines of several processes in one stream."""

import os
from multiprocessing import get_context
from pathlib import Path

import orjson
import pytest

from bus.settings import read_settings
from running import logs

LINES = 200


def write(log: str, name: str) -> None:
    """Audit events in pieces that are longer than a pipe takes at once."""
    told = logs.configure(read_settings({}, log=log), shared=True)
    for _ in range(10):
        told([{"event": "x", "of": name, "text": name * 100} for _ in range(LINES // 10)])


@pytest.mark.parametrize("log", ["-", "bus.jsonl"])
def test_lines_of_many_arrive_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: str) -> None:
    """No line is torn by another process's, whether in a pipe or in a file."""
    file = tmp_path / log
    reader, writer = os.pipe()
    monkeypatch.setattr(logs, "STDERR", writer)
    fork = get_context("fork")
    processes = [fork.Process(target=write, args=("-" if log == "-" else str(file), name)) for name in "abc"]
    for each in processes:
        each.start()
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        piped = pipe.read()
    for each in processes:
        each.join()
    lines = (piped if log == "-" else file.read_bytes()).splitlines()
    assert len([orjson.loads(line) for line in lines]) == 3 * LINES
