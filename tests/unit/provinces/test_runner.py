"""All the stand-ins start together, say where they are, and end with their parent."""

import json
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import pytest

from provinces.model.applications.__main__ import SecretsMissing, read_secrets
from provinces.model.applications.runner import applications, write_ports

ROOT = Path(__file__).parents[3]


def start(ports: Path, secrets: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "provinces.model.applications", "--ports-file", str(ports)]
    environment = {"PROVINCE_SECRETS": secrets, "PATH": ""}
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def wait_for(ports: Path, child: subprocess.Popen[bytes]) -> None:
    while not ports.exists():
        assert child.poll() is None
        time.sleep(0.02)


def test_all_answer_and_end_with_their_parent(tmp_path: Path) -> None:
    """Once the ports file is there every application answers, and closing their standard input ends them."""
    ports = tmp_path / "ports.json"
    with start(ports, json.dumps(dict.fromkeys(applications(), "made-for-this-test"))) as child:
        wait_for(ports, child)
        endpoints = json.loads(ports.read_bytes())
        assert set(endpoints) == set(applications())
        for name, endpoint in endpoints.items():
            assert endpoint.startswith("http://127.0.0.1:")
            assert endpoint.endswith(applications()[name].path)
            origin = "/".join(endpoint.split("/")[:3])
            with urlopen(f"{origin}/_received", timeout=20) as answer:
                assert json.load(answer)["count"] == 0
        _, complaints = child.communicate(timeout=20)
        assert (child.returncode, complaints) == (0, b"")


def test_sigterm_ends_them(tmp_path: Path) -> None:
    """SIGTERM is an orderly end."""
    ports = tmp_path / "ports.json"
    with start(ports, json.dumps(dict.fromkeys(applications(), "made-for-this-test"))) as child:
        wait_for(ports, child)
        child.terminate()
        assert child.wait(timeout=20) == 0


def test_no_secrets_no_start(tmp_path: Path) -> None:
    """Without the secrets nothing starts, and the message names the systems that need one."""
    with start(tmp_path / "ports.json", "") as child:
        _, complaint = child.communicate(timeout=20)
        assert child.returncode == 2
        assert all(name in complaint.decode() for name in applications())


@pytest.mark.parametrize("text", ["", "[]", "{}", "{", json.dumps(dict.fromkeys(applications(), ""))])
def test_secrets_are_read_whole(text: str) -> None:
    """A missing, empty or unreadable secret is refused."""
    with pytest.raises(SecretsMissing):
        read_secrets(text)


def test_ports_file_is_whole(tmp_path: Path) -> None:
    """The file is replaced at once, with nothing left beside it."""
    write_ports(tmp_path / "ports.json", {"a": "http://127.0.0.1:1"})
    write_ports(tmp_path / "ports.json", {"a": "http://127.0.0.1:2"})
    assert json.loads((tmp_path / "ports.json").read_bytes()) == {"a": "http://127.0.0.1:2"}
    assert [path.name for path in tmp_path.iterdir()] == ["ports.json"]
