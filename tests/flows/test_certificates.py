"""Callers that show a certificate: to the bus itself in TLS, or to its proxy, which says so."""

import ssl
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path

import httpx2 as httpx
import orjson
import pytest

from adapters.call import Outcome, Result
from bus.envelope import Body, Format
from bus.settings import read_settings
from journal.searching import EventFilter
from running.tls import server_context
from tests.certificates import Own, trusting
from tests.flows.soap_bus import ENVELOPES, Served, Wired, province, served
from tests.flows.test_soap_security import ASK, security, token
from transforms.apart.pool import Pool

BUS, OURS, NEXT, HIS = Own.made("bus"), Own.made("one-stop"), Own.made("one-stop", begins=1), Own.made("his")
PAST, STRANGER = Own.made("one-stop", begins=-9, ends=-1), Own.made("stranger")
LOOPBACK = ip_network("127.0.0.0/8")
MEDIA_TYPE, NAMESPACE = ENVELOPES["1.1"]
XML = {"Content-Type": MEDIA_TYPE}


def wired(folder: Path, pool: Pool) -> Wired:
    """One-stop has three certificates, of which one is valid now; `his` has one."""
    made = province(folder / "province", pool)
    answer = Body(Format.JSON, b'{"name": "An"}')
    made.receivers["his"].answer = lambda _: Outcome(Result.ANSWERED, "http-200", 200, answer)
    made.clients = OURS.of("one-stop") | NEXT.of("one-stop") | PAST.of("one-stop") | HIS.of("his")
    return made


@pytest.fixture
async def bus(tmp_path: Path, database: str) -> AsyncIterator[Served]:
    """A gateway that ends TLS itself, and lets anybody of these show what he has."""
    clients = tmp_path / "clients.pem"
    clients.write_bytes(b"".join(each.pem for each in (OURS, NEXT, PAST, HIS, STRANGER)))
    tls = server_context(read_settings({}, tls_certificate=BUS.written(tmp_path), tls_clients=clients))
    with Pool() as pool:
        async with served(wired(tmp_path, pool), database, tls=tls) as each:
            yield each


@pytest.fixture
async def behind(tmp_path: Path, database: str) -> AsyncIterator[Served]:
    """A gateway behind a proxy, which is whoever calls from the loopback."""
    with Pool() as pool:
        async with served(wired(tmp_path, pool), database, proxies=[LOOPBACK]) as each:
            yield each


@asynccontextmanager
async def calling(bus: Served, folder: Path, own: Own | None) -> AsyncIterator[httpx.AsyncClient]:
    """A client that shows that certificate."""
    context = own.context(folder, BUS) if own else trusting(BUS)
    async with httpx.AsyncClient(base_url=bus.url, verify=context, headers={"Accept-Language": "en"}) as http:
        yield http


def proxied(own: Own, **more: str) -> dict[str, str]:
    """What a proxy adds."""
    return {"Authorization": "", "Client-Cert": f":{b64encode(own.der).decode()}:", **more}


def envelope(header: str = "") -> str:
    head = f"<s:Header>{header}</s:Header>" if header else ""
    return f'<s:Envelope xmlns:s="{NAMESPACE}">{head}<s:Body>{ASK}</s:Body></s:Envelope>'


def code(answer: httpx.Response) -> str:
    return str(answer.json()["code"])


def told(bus: Served) -> list[tuple[str, str]]:
    """Every refusal of a stranger that the journal tells of: source and reason."""
    found = bus.queries.events(EventFilter("caller.refused")).items
    facts = [orjson.loads(each.content) for each in reversed(found)]
    return [(each["source"], each["code"]) for each in facts]


async def test_certificate_opens_every_door(bus: Served, tmp_path: Path) -> None:
    """A caller that shows a certificate of its system in TLS sends no token, by whichever door it comes."""
    async with calling(bus, tmp_path, OURS) as http:
        sent = await http.post("/messages/health.look-up", json={"number": "1"})
        asked = await http.post("/soap/health.look-up", content=envelope(), headers=XML)
        shown = await http.get("/soap/health.look-up?wsdl")
        fetched = await http.get("/soap/inbox?wsdl")
        listed = await http.get("/messages")
        nothing = [await http.get(path) for path in ("/rest/his/no-such-path", "/inbox")]
    assert (sent.status_code, sent.json()) == (200, {"name": "An"})
    assert {each.status_code for each in (asked, shown, fetched)} == {200}
    assert [each["sender"] for each in listed.json()["messages"]] == ["one-stop"] * 2
    assert [each.status_code for each in nothing] == [404, 403]


@pytest.mark.parametrize(
    ("own", "why"),
    [
        (NEXT, "certificate-not-valid"),
        (PAST, "certificate-not-valid"),
        (STRANGER, "certificate-unknown"),
        (None, "token-missing"),
    ],
)
async def test_certificate_that_says_nothing(bus: Served, tmp_path: Path, own: Own | None, why: str) -> None:
    """One that is not valid now, or that no document names, is refused with the reason, at each door; asked a hundred
    times, the journal tells of it once."""
    async with calling(bus, tmp_path, own) as http:
        answers = [await http.get("/messages") for _ in range(100)]
        other = await http.get("/soap/health.look-up?wsdl")
        called = await http.post("/soap/health.look-up", content=envelope(), headers=XML)
        proved = await http.get("/messages", headers={"Authorization": f"Bearer {bus.wired.token('one-stop')}"})
    assert {(each.status_code, code(each)) for each in answers} == {(401, why)}
    at_soap = why if own else "authentication-missing"
    assert (other.status_code, code(other)) == (401, at_soap)
    assert (called.status_code, f"<e:code>{at_soap}<" in called.text) == (401, True)
    assert proved.status_code == 200
    assert told(bus) == [("127.0.0.1", each) for each in dict.fromkeys((why, at_soap))]


async def test_who_proves_nothing_is_told_of(behind: Served) -> None:
    """Whoever calls without any proof is refused and told of, at each door."""
    found = []
    for number, path in enumerate(
        ("/rest/his/take", "/soap/health.look-up?wsdl", "/soap/inbox?wsdl", "/messages", "/inbox")
    ):
        stranger = f"203.0.113.{number}"
        answer = await behind.http.get(path, headers={"Authorization": "", "X-Forwarded-For": stranger})
        found.append((stranger, code(answer)))
    assert [each for _, each in found] == ["authentication-missing"] * 3 + ["token-missing"] * 2
    assert told(behind) == found


async def test_two_proofs_name_one_system(bus: Served, tmp_path: Path) -> None:
    """A certificate beside a token, Basic or a UsernameToken must not be another system's."""
    basic = b64encode(f"one-stop:{bus.secret}".encode()).decode()
    proofs = [f"Bearer {bus.wired.token('one-stop')}", f"Basic {basic}"]
    found = []
    for own in (OURS, HIS, STRANGER):
        async with calling(bus, tmp_path, own) as http:
            for proof in proofs:
                answer = await http.get("/soap/health.look-up?wsdl", headers={"Authorization": proof})
                found.append(answer.status_code)
            header = security(token(bus.wired.readable(), nonce=own.read.fingerprint))
            answer = await http.post("/soap/health.look-up", content=envelope(header), headers=XML)
            found.append(answer.status_code)
    assert found == [200, 200, 200, 401, 401, 401, 200, 200, 200]


async def test_certificate_that_nobody_vouches_for_is_not_let_in(bus: Served, tmp_path: Path) -> None:
    """TLS itself ends where the certificate is none of those that callers may show."""
    async with calling(bus, tmp_path, Own.made("anybody")) as http:
        with pytest.raises((httpx.HTTPError, ssl.SSLError)):
            await http.get("/messages")


async def test_proxy_says_who_calls(behind: Served) -> None:
    """What a proxy of the bus's own says of its caller is believed: the certificate, and where the call came from."""
    listed = await behind.http.get("/messages", headers=proxied(OURS))
    wrong = await behind.http.get("/messages", headers=proxied(STRANGER, **{"X-Forwarded-For": "1.2.3.4, 203.0.113.9"}))
    empty = await behind.http.get("/messages", headers={"Authorization": "", "X-Forwarded-For": "203.0.113.9"})
    bad = await behind.http.get("/messages", headers={"Authorization": "", "Client-Cert": "x"})
    beside = await behind.http.get(
        "/messages", headers=proxied(HIS) | {"Authorization": f"Bearer {behind.wired.token('one-stop')}"}
    )
    assert listed.status_code == 200
    assert [code(each) for each in (wrong, empty, bad, beside)] == [
        "certificate-unknown",
        "token-missing",
        "header-invalid",
        "credential-invalid",
    ]
    assert told(behind)[:2] == [("203.0.113.9", "certificate-unknown"), ("203.0.113.9", "token-missing")]


async def test_nobody_else_says_who_calls(tmp_path: Path, database: str) -> None:
    """A caller that is no proxy and writes what proxies write is refused, and its own address is told; with a token,
    the header is nothing at all."""
    with Pool() as pool:
        async with served(wired(tmp_path, pool), database) as bus:
            lie = proxied(OURS, **{"X-Forwarded-For": "203.0.113.9"})
            refused = [await bus.http.get(path, headers=lie) for path in ("/messages", "/rest/his/take", "/inbox")]
            soap = await bus.post("health.look-up", ASK, headers=lie)
            proved = await bus.http.get("/messages", headers=lie | {"Authorization": f"Bearer {bus.wired.token()}"})
            assert {(each.status_code, code(each)) for each in refused} == {(401, "proxy-unknown")}
            assert b"proxy-unknown" in soap.content
            assert proved.status_code == 200
            assert told(bus) == [("127.0.0.1", "proxy-unknown")]


async def test_password_as_text_by_way_of_a_proxy(behind: Served) -> None:
    """A password in the clear is taken from this machine alone, and a proxy on it is not where the caller is."""
    header = security(token(behind.secret, kind="PasswordText"))
    here = await behind.post("health.look-up", ASK, header=header, headers={"Authorization": ""})
    header = security(token(behind.secret, kind="PasswordText", nonce=b"another one then"))
    there = {"Authorization": "", "X-Forwarded-For": "203.0.113.9"}
    away = await behind.post("health.look-up", ASK, header=header, headers=there)
    assert here.status_code == 200
    assert b"security-invalid" in away.content
