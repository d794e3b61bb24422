"""Callers that prove themselves by WS-Security, and those who only pretend to."""

import hashlib
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from lxml import etree
from zeep.wsse.username import UsernameToken

from adapters.call import Outcome, Result
from adapters.soap.tokens import PROFILE
from adapters.soap.wss import WSSE, WSU
from bus.envelope import Body, Format
from tests.flows.soap_bus import Served, province, served
from transforms.apart.pool import Pool

ASK = '<request xmlns="urn:lgsp:contract:health.look-up:1"><number>1</number></request>'
ANONYMOUS = {"Authorization": ""}


@pytest.fixture
async def bus(tmp_path: Path, database: str) -> AsyncIterator[Served]:
    with Pool() as pool:
        async with served(province(tmp_path / "province", pool), database) as each:
            answer = Body(Format.JSON, b'{"name": "An"}')
            each.receiver().answer = lambda _: Outcome(Result.ANSWERED, "http-200", 200, answer)
            yield each


def error(answer: httpx.Response) -> str | None:
    return etree.fromstring(answer.content).findtext(".//{urn:lgsp:error}code")


def token(
    secret: str,
    *,
    kind: str = "PasswordDigest",
    name: str = "one-stop",
    nonce: bytes = b"0123456789abcdef",
    age: float = 0,
) -> str:
    """A UsernameToken, made by hand."""
    created = (datetime.now(UTC) - timedelta(seconds=age)).strftime("%Y-%m-%dT%H:%M:%SZ")
    digest = b64encode(hashlib.sha1(nonce + created.encode() + secret.encode()).digest()).decode()
    password = digest if kind == "PasswordDigest" else secret
    return (
        f"<w:UsernameToken><w:Username>{name}</w:Username>"
        f'<w:Password Type="{PROFILE}#{kind}">{password}</w:Password>'
        f"<w:Nonce>{b64encode(nonce).decode()}</w:Nonce><u:Created>{created}</u:Created></w:UsernameToken>"
    )


def security(*inside: str) -> str:
    namespaces = f'xmlns:w="{WSSE[1:-1]}" xmlns:u="{WSU[1:-1]}"'
    return f'<w:Security s:mustUnderstand="1" {namespaces}>{"".join(inside)}</w:Security>'


@pytest.mark.parametrize("digest", [True, False])
async def test_username_token_says_who_calls(bus: Served, digest: bool) -> None:
    """Zeep proves itself by a digest of the readable secret, or on one machine by the password, and its message is the
    system's."""
    untyped: Any = UsernameToken
    proof = untyped("one-stop", bus.wired.readable() if digest else bus.secret, use_digest=digest, zulu_timestamp=True)

    def use(client: Any) -> Any:
        client.transport.session.auth = None
        return client.service.request(number="1").name

    assert await bus.call("health.look-up", use, wsse=proof) == "An"
    again = await bus.post("health.look-up", ASK, header=security(token(bus.wired.readable())), headers=ANONYMOUS)
    assert again.status_code == 200
    listed = await bus.http.get("/messages", headers={"Authorization": f"Bearer {bus.wired.token()}"})
    assert [each["sender"] for each in listed.json()["messages"]] == ["one-stop"] * 2


async def test_nonce_is_good_for_one_call(tmp_path: Path, database: str) -> None:
    """The same envelope again is refused, with another key too, and by another process: one call is made."""
    with Pool() as pool:
        wired = province(tmp_path / "province", pool)
        header = security(token(wired.readable()))
        answer = Body(Format.JSON, b'{"name": "An"}')
        wired.receivers["his"].answer = lambda _: Outcome(Result.ANSWERED, "http-200", 200, answer)
        answers = []
        for _ in range(2):
            async with served(wired, database) as bus:
                keys: tuple[dict[str, str], ...] = ({}, {"Idempotency-Key": "another"})
                answers += [
                    await bus.post("health.look-up", ASK, header=header, headers=ANONYMOUS | key) for key in keys
                ]
    assert [each.status_code for each in answers] == [200, 401, 401, 401]
    assert {error(each) for each in answers[1:]} == {"security-replayed"}
    assert etree.fromstring(answers[1].content).findtext(".//faultcode") == "e:InvalidSecurity"
    assert len(wired.receivers["his"].calls) == 1


async def test_readable_secrets_prove_nothing_else(bus: Served) -> None:
    """The secret for WS-Security gets no token and is no Basic, another makes no digest, and a revoked one ends."""
    secret = bus.wired.readable()
    form = {"grant_type": "client_credentials", "client_id": "one-stop", "client_secret": secret}
    assert (await bus.http.post("/token", data=form, headers=ANONYMOUS)).status_code == 401
    basic = b64encode(f"one-stop:{secret}".encode()).decode()
    answers = [
        await bus.post("health.look-up", ASK, headers={"Authorization": f"Basic {basic}"}),
        await bus.post("health.look-up", ASK, header=security(token(bus.secret)), headers=ANONYMOUS),
        await bus.post("health.look-up", ASK, header=security(token(secret, kind="PasswordText")), headers=ANONYMOUS),
        await bus.post("health.look-up", ASK, header=security(token(secret, name="his")), headers=ANONYMOUS),
    ]
    bus.wired.credentials.clear()
    answers.append(await bus.post("health.look-up", ASK, header=security(token(secret)), headers=ANONYMOUS))
    assert [error(each) for each in answers] == ["credential-invalid"] * 5
    assert etree.fromstring(answers[1].content).findtext(".//faultcode") == "e:FailedAuthentication"


async def test_tokens_that_prove_nothing(bus: Served) -> None:
    """Old and future times, missing parts, doubled tokens and headers, and a token of somebody else beside
    Authorization are refused, each with its reason."""
    secret = bus.wired.readable()
    good = token(secret)
    wrong = {
        "security-invalid": [
            security(token(secret, age=400)),
            security(token(secret, age=-400)),
            security(good.replace("<w:Nonce>", "<w:Nonce>!")),
            security(good.replace("w:Created", "w:Made").replace("u:Created", "u:Made")),
            security(good.replace("#PasswordDigest", "#PasswordSecret")),
            security(good, good),
            security(good) + security(good),
            security(good, "<u:Timestamp><u:Expires>2020-01-01T00:00:00Z</u:Expires></u:Timestamp>"),
            security(good, '<d:Signature xmlns:d="http://www.w3.org/2000/09/xmldsig#"/>'),
            security(good, "<u:Timestamp><u:Created>yesterday</u:Created></u:Timestamp>"),
        ],
        "authentication-missing": [security(), ""],
        "soap-must-understand": [security(good, '<e:EncryptedKey xmlns:e="http://www.w3.org/2001/04/xmlenc#"/>')],
    }
    for code, headers in wrong.items():
        for header in headers:
            answer = await bus.post("health.look-up", ASK, header=header, headers=ANONYMOUS)
            told = error(answer) or ("soap-must-understand" if b"MustUnderstand</faultcode>" in answer.content else "")
            assert told == code, header
    other = await bus.post(
        "health.look-up", ASK, header=security(good), headers={"Authorization": f"Bearer {bus.wired.token('his')}"}
    )
    assert error(other) == "credential-invalid"
    assert bus.receiver().calls == []


async def test_password_is_taken_where_nobody_overhears(bus: Served) -> None:
    """PasswordText from another machine is refused without TLS, and taken with it."""
    header = security(token(bus.secret, kind="PasswordText"))
    for scheme, status in (("http", 401), ("https", 200)):
        transport = httpx.ASGITransport(bus.node.app, client=("192.0.2.1", 5))
        async with httpx.AsyncClient(transport=transport, base_url=f"{scheme}://bus") as there:
            answer = await replace(bus, http=there).post("health.look-up", ASK, header=header)
        assert answer.status_code == status
