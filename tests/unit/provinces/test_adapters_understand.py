"""The bus's adapters and the stand-ins, written apart, understand each other over HTTP."""

import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from ipaddress import ip_network
from pathlib import Path

import aiohttp
import pytest

from adapters.auth import ApiKey, Basic, Bearer, WsseUsername
from adapters.call import Call, FaultRule, Outcome, Result
from adapters.egress import Egress
from adapters.http import open_session
from adapters.rest.outbound import Failure, RestAdapter, RestOperation, RestSettings
from adapters.soap.outbound import SoapAdapter, SoapSettings
from adapters.soap.wsdl import load
from bus.envelope import Body, Format
from provinces.model.applications.runner import applications
from provinces.model.flows import FOLDER

SECRET = "made-for-this-test"
ROOT = Path(__file__).parents[3]
FILES = {path.relative_to(FOLDER).as_posix(): path.read_bytes() for path in FOLDER.rglob("*.*") if path.is_file()}


@pytest.fixture(scope="module")
def endpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    ports = tmp_path_factory.mktemp("applications") / "ports.json"
    command = [sys.executable, "-m", "provinces.model.applications", "--ports-file", str(ports)]
    environment = {"PROVINCE_SECRETS": json.dumps(dict.fromkeys(applications(), SECRET)), "PATH": ""}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.PIPE) as child:
        while not ports.exists():
            assert child.poll() is None
            time.sleep(0.02)
        yield json.loads(ports.read_bytes())
        child.terminate()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session(Egress((ip_network("127.0.0.0/8"),))) as session:
        yield session


def xml(path: str) -> Body:
    return Body(Format.XML, FILES[path])


def as_json(path: str) -> Body:
    return Body(Format.JSON, FILES[path])


def summary(outcome: Outcome) -> tuple[Result, int | None, str]:
    return outcome.result, outcome.http_status, outcome.fault


@pytest.mark.parametrize(
    ("message", "summed"),
    [
        ("population/tests/verify-citizen.xml", (Result.ANSWERED, 200, "")),
        ("population/tests/verify-unknown-citizen.xml", (Result.FAULT, 500, "not-found")),
    ],
)
async def test_population(
    endpoints: Mapping[str, str],
    session: aiohttp.ClientSession,
    message: str,
    summed: tuple[Result, int, str],
) -> None:
    """A password in SOAP 1.1 opens the population service, and its fault is known by its detail."""
    auth = WsseUsername("truc-lien-thong", SECRET)
    service = load("population/dan-cu.wsdl", FILES)
    adapter = SoapAdapter(SoapSettings(endpoints["population.register"], auth), service, session)
    faults = (FaultRule("not-found", element="{urn:h99:dan-cu}KhongTimThay"),)
    assert summary(await adapter.call(Call("XacThucThongTinCongDan", xml(message), faults=faults))) == summed


async def test_hospital(endpoints: Mapping[str, str], session: aiohttp.ClientSession) -> None:
    """A digest in SOAP 1.2 opens the hospital's system; a wrong password is for people to mend."""
    service = load("health/benh-vien.wsdl", FILES)
    call = Call("TiepNhanChuyenTuyen", xml("health/tests/referral.xml"))
    expected = {SECRET: Result.ANSWERED, "another": Result.MISCONFIGURED}
    for password, result in expected.items():
        auth = WsseUsername("truc-lien-thong", password, digest=True)
        adapter = SoapAdapter(SoapSettings(endpoints["his.provincial-hospital"], auth), service, session)
        assert (await adapter.call(call)).result is result


async def test_civil_status(endpoints: Mapping[str, str], session: aiohttp.ClientSession) -> None:
    """A failure inside HTTP 200 is found; what goes into a path leaves the body."""
    failure = Failure(
        when=lambda answer: isinstance(answer, dict) and answer["errorCode"] != "0",
        code=lambda answer: answer["errorCode"] if isinstance(answer, dict) else None,
        faults={"106": "record-incomplete", "302": "unknown-dossier"},
    )
    operations = {
        "register": RestOperation("POST", "/apiHoTichTuPhap/dangKyHoTich", failure=failure),
        "look-up": RestOperation("GET", "/hoTich/{maHoSo}", failure=failure),
    }
    settings = RestSettings(endpoints["civil-status.justice"], operations, Bearer(SECRET))
    adapter = RestAdapter(settings, session)
    ask = Call("look-up", as_json("justice/tests/status.hotich.json"), faults=(FaultRule("unknown-dossier"),))
    assert summary(await adapter.call(ask)) == (Result.FAULT, 200, "unknown-dossier")
    register = Call("register", as_json("justice/tests/birth.hotich.json"))
    assert summary(await adapter.call(register)) == (Result.ANSWERED, 200, "")
    assert summary(await adapter.call(ask)) == (Result.ANSWERED, 200, "")


@pytest.mark.parametrize(
    ("system", "path", "auth", "body", "status"),
    [
        ("archive.province", "/ho-so", ApiKey("Ma-Ket-Noi", SECRET), xml("archive/examples/building-permit.xml"), 201),
        (
            "environment.department",
            "/quan-trac",
            Basic("truc-lien-thong", SECRET),
            xml("environment/tests/reading-above-100.xml"),
            200,
        ),
        (
            "operations-centre.province",
            "/readings",
            ApiKey("X-API-Key", SECRET),
            as_json("environment/examples/reading-above-100.json"),
            201,
        ),
    ],
)
async def test_rest(
    endpoints: Mapping[str, str],
    session: aiohttp.ClientSession,
    system: str,
    path: str,
    auth: ApiKey | Basic,
    body: Body,
    status: int,
) -> None:
    """Keys and passwords over HTTP open the others."""
    adapter = RestAdapter(RestSettings(endpoints[system], {"only": RestOperation("POST", path)}, auth), session)
    assert summary(await adapter.call(Call("only", body))) == (Result.ANSWERED, status, "")
