"""The part of `make faults` that every change must pass."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.services import postgresql, rabbitmq

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(600)
def test_nothing_accepted_is_lost() -> None:
    """Twenty-five faults of every kind while four thousand messages flow: nothing is lost, no call overlaps another or
    is repeated that must not be, and every order is kept."""
    if not (rabbitmq.BINARIES / "rabbitmq-server").exists():
        rabbitmq.missing()
    try:
        postgresql.binaries()
    except postgresql.Missing:
        postgresql.missing()
    command = [sys.executable, "-m", "tests.faults", "--quick", "--seed", "7"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as suite:
        try:
            told, _ = suite.communicate(timeout=580)
        finally:
            # It ends what it started when it is asked to.
            suite.terminate()
    assert suite.returncode == 0, told
