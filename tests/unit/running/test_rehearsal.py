"""Trying an import on a bus of its own, and the stand-in that answers there."""

import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from adapters.soap.envelope import SoapVersion, enclose, open_envelope
from adapters.soap.wsdl import Service, load
from running.stand_in import answered
from tests.unit.documents.importers.test_wsdl import WSDL

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def service() -> Service:
    return load("a.wsdl", {"a.wsdl": WSDL.encode()}, port="First")


def ask(service: Service, inner: str) -> tuple[int, str]:
    status, body = answered(service, enclose(SoapVersion.V11, inner.encode()))
    child = open_envelope(body).child if body else None
    return status, "" if child is None else str(child.tag).rpartition("}")[2]


def test_a_stand_in_answers_as_the_wsdl_promises(service: Service) -> None:
    """A request that fits is answered with a sample, a one-way one with 202 and nothing."""
    good = '<Ask xmlns="urn:t"><number>000000000001</number></Ask>'
    assert ask(service, good) == (200, "Told")
    assert ask(service, "") == (200, "Told")


def test_a_stand_in_tells_operations_apart_by_their_action() -> None:
    """Two operations that carry the same, or nothing, are told apart by what the caller says beside the envelope."""
    told = '<w:operation name="tell"><w:input message="t:In"/>'
    empty = WSDL.replace(told, told.replace("t:In", "t:No"))
    both = load("a.wsdl", {"a.wsdl": empty.encode()}, port="First")
    envelope = enclose(SoapVersion.V11, b"")
    assert answered(both, envelope, "urn:ping")[0] == 200
    assert answered(both, envelope, "urn:tell") == (202, b"")


@pytest.mark.parametrize("inner", ['<Ask xmlns="urn:t"><number>1</number></Ask>', "<Other/>"])
def test_a_stand_in_refuses_what_does_not_fit(service: Service, inner: str) -> None:
    """A request that breaks its schema, or that the WSDL does not have, is answered with a fault."""
    assert ask(service, inner) == (500, "Fault")


def test_one_command_makes_a_rest_call_of_a_wsdl(tmp_path: Path) -> None:
    """`lgsp import wsdl FILE --try` sends JSON over HTTP to each operation, and a stand-in answers by SOAP."""
    (tmp_path / "a.wsdl").write_text(WSDL)
    words = ["import", "wsdl", "a.wsdl", "--system", "population.police", "--agency", "H98", "--port", "First", "--try"]
    command = [sys.executable, "-c", "from cli import main; main()", *words, "--json"]
    run = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False, timeout=100
    )
    assert run.returncode == 0, run.stderr
    tried = {each["contract"]: each for each in orjson.loads(run.stdout)}
    asked = tried["population.police.find-person"]
    assert (asked["request"], asked["status"]) == ({"number": "111111111111"}, 200)
    assert asked["answer"] == {"name": ["x"]}
    assert tried["population.police.tell"]["answer"] == {"state": "done"}
    assert [path.name for path in tmp_path.iterdir()] == ["a.wsdl"]
