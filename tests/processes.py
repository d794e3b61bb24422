"""`lgsp serve` and `lgsp work` in processes of their own, ended by their ids however a test ends."""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.process import LGSP, PATIENCE


@dataclass(frozen=True)
class Running:
    """A command that has said that it does its work; `said` is its first line."""

    process: subprocess.Popen[str]
    said: str
    complaints: Path

    @property
    def url(self) -> str:
        return self.said.split()[2]

    @property
    def children(self) -> set[int]:
        """The ids of its processes."""
        return children(self.process.pid)

    def tell(self, what: signal.Signals) -> None:
        self.process.send_signal(what)

    def end(self) -> int:
        """Ask it to end; its exit status."""
        self.process.terminate()
        return self.process.wait(PATIENCE)


@contextmanager
def running(folder: Path, environment: Mapping[str, str], *command: str) -> Iterator[Running]:
    """From its first line on."""
    complaints = folder / f"{command[0]}.txt"
    with complaints.open("a") as said:
        process = subprocess.Popen(
            [str(LGSP), *command], stdout=subprocess.PIPE, stderr=said, text=True, env=os.environ | dict(environment)
        )
        try:
            assert process.stdout
            line = process.stdout.readline()
            assert line.startswith("lgsp "), complaints.read_text()
            yield Running(process, line, complaints)
        finally:
            process.kill()
            process.wait(PATIENCE)
            if process.stdout:
                process.stdout.close()


def children(process: int) -> set[int]:
    """The ids of the processes that it has started; none where it has gone."""
    try:
        found = Path(f"/proc/{process}/task/{process}/children").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return set()
    return {int(each) for each in found.split()}


def lives(process: int) -> bool:
    """Whether there is such a process, and it has not ended (a zombie has)."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
