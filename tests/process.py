"""`lgsp` in processes of their own, ended by their ids however a test ends."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LGSP = Path(sys.executable).parent / "lgsp"
PATIENCE = 60
"""Seconds after which a process is given up."""


@dataclass(frozen=True)
class Up:
    """A bus that answers at `url`."""

    process: subprocess.Popen[str]
    url: str

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait(PATIENCE)

    def terminate(self) -> int:
        """Ask it to end; its exit status."""
        self.process.terminate()
        return self.process.wait(PATIENCE)


@contextmanager
def up(data: Path, *options: str) -> Iterator[Up]:
    """`lgsp up` on a free port, from its first line on; `data` must exist."""
    command = [str(LGSP), "up", "--data", str(data), "--port", "0", *options]
    with (data / "stderr.txt").open("a") as complaints:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints, text=True)
        try:
            assert process.stdout
            line = process.stdout.readline()
            assert line.startswith("lgsp serves "), (data / "stderr.txt").read_text()
            yield Up(process, line.split()[2])
        finally:
            process.kill()
            process.wait(PATIENCE)
            if process.stdout:
                process.stdout.close()


def lgsp(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [str(LGSP), *arguments], input=given, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
