"""Tokens that are missing, old, forged, borrowed or withdrawn, over a real socket."""

import hmac
from base64 import b64encode, urlsafe_b64decode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from identity.credentials import issue as issue_credential
from identity.keyring import KeyRing, Purpose, new_key
from identity.tokens import issue
from tests.flows.hostile_bus import CLOCK, Served, encoded, is_problem, refused, request, serving, surviving


@pytest.fixture(scope="module")
def bus(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(migrated, tmp_path_factory.mktemp("tokens")) as served:
        yield served


@pytest.fixture(autouse=True)
def survives(bus: Served) -> Iterator[None]:
    """After each test the bus still takes and delivers a good message."""
    yield from surviving(bus)


def decoded(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a token."""
    head, claims, _ = token.split(".")
    return orjson.loads(urlsafe_b64decode(head + "==")), orjson.loads(urlsafe_b64decode(claims + "=="))


def signed(bus: Served, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """A token with the bus's own signature."""
    text = f"{encoded(header)}.{encoded(claims)}"
    key = Ed25519PrivateKey.from_private_bytes(bus.province.keys.current(Purpose.TOKEN).material)
    return f"{text}.{encoded(key.sign(text.encode()))}"


def test_call_without_token(bus: Served) -> None:
    """Without a token there is 401, and the challenge says that one is needed (RFC 6750 §3)."""
    answer = refused(bus, 401, "token-missing", token=None)
    assert answer.headers["www-authenticate"] == 'Bearer realm="lgsp"'


@pytest.mark.parametrize("authorization", ["", "Basic YTpi", "Bearer", "Bearerx", "Digest a=b", "\xff", "token"])
def test_other_schemes_are_no_token(bus: Served, authorization: str) -> None:
    """Another scheme than Bearer is no token, and what is after it is not looked at."""
    answer = bus.call(token=None, Authorization=authorization)
    assert answer.json()["code"] in {"token-missing", "token-invalid"}
    assert is_problem(answer, 401, answer.json()["code"])


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "..",
        "a.b.c",
        "a.b.c.d.e",
        "\xff.\xff.\xff",
        "e30.e30.e30",
        "W10.e30.",
        "bnVsbA.e30.",
        "MQ.e30.",
        "t" * 60_000,
        "." * 60_000,
        encoded(b"[" * 1500) + ".e30.",
    ],
    ids=lambda token: token[:12],
)
def test_nonsense_is_no_token(bus: Served, token: str) -> None:
    """What is no token of ours is refused with 401 and told to be invalid."""
    answer = refused(bus, 401, "token-invalid", token=token)
    assert answer.headers["www-authenticate"] == 'Bearer realm="lgsp", error="invalid_token"'


def test_expired_token(bus: Served) -> None:
    """A token past its life is refused as expired."""
    credential = next(each for each in bus.province.credentials.values() if each.system == "one-stop")
    token = issue("one-stop", credential.id, bus.province.keys, CLOCK.now() - 3_600_000)
    answer = refused(bus, 401, "token-expired", token=token)
    assert "invalid_token" in answer.headers["www-authenticate"]


def test_forged_signature(bus: Served) -> None:
    """A token whose signature, header or claims were changed is refused, each byte of it."""
    head, claims, signature = bus.token.split(".")
    header, body = decoded(bus.token)
    other = decoded(bus.province.client("other"))[1]
    for forged in (
        f"{head}.{claims}.{signature[:-4]}AAAA",
        f"{head}.{claims}.",
        f"{head}.{claims}",
        f"{head}.{encoded(other)}.{signature}",
        f"{head}.{encoded(body | {'exp': body['exp'] + 1})}.{signature}",
        f"{encoded(header | {'kid': 'other'})}.{claims}.{signature}",
    ):
        refused(bus, 401, "token-invalid", token=forged)


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", "HS256", "EdDSA", "RS256", "Ed448"])
def test_other_algorithms(bus: Served, algorithm: str) -> None:
    """Only the one algorithm counts: neither none, nor an HMAC under the public key, nor another name of it."""
    header, claims = decoded(bus.token)
    text = f"{encoded(header | {'alg': algorithm})}.{encoded(claims)}"
    public = bus.province.keys.current(Purpose.TOKEN).public
    pem = Ed25519PublicKey.from_public_bytes(public).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for key in (public, pem, b""):
        mac = hmac.digest(key, text.encode(), sha256) if key else b""
        refused(bus, 401, "token-invalid", token=f"{text}.{encoded(mac)}")
    refused(bus, 401, "token-invalid", token=signed(bus, header | {"alg": algorithm}, claims))


@pytest.mark.parametrize(
    "more",
    [
        {"jku": "http://127.0.0.1:9/keys"},
        {"jwk": {"kty": "OKP"}},
        {"crit": ["exp"]},
        {"x5u": "http://127.0.0.1:9/"},
        {"kid": 1},
        {"kid": None},
        {"kid": "../../etc/passwd"},
        {"typ": "at+jwt"},
    ],
    ids=str,
)
def test_headers_that_ours_do_not_have(bus: Served, more: dict[str, Any]) -> None:
    """A token that says where its key is to be found is refused, however it is signed."""
    header, claims = decoded(bus.token)
    refused(bus, 401, "token-invalid", token=signed(bus, header | more, claims))


@pytest.mark.parametrize(
    "claim",
    [
        {"aud": "other"},
        {"aud": ["lgsp", "other"]},
        {"aud": None},
        {"iss": "other"},
        {"sub": None},
        {"sub": ""},
        {"sub": ["one-stop"]},
        {"cid": 7},
        {"exp": "tomorrow"},
        {"exp": True},
        {"iat": None},
    ],
    ids=str,
)
def test_claims_of_another_kind(bus: Served, claim: dict[str, Any]) -> None:
    """A token for somebody else, or with claims of another kind, is refused although its signature is right."""
    header, claims = decoded(bus.token)
    refused(bus, 401, "token-invalid", token=signed(bus, header, claims | claim))


def test_key_of_another_purpose(bus: Served) -> None:
    """A token signed with a key that is not for tokens is refused."""
    seal = bus.province.keys.current(Purpose.SEAL)
    header, claims = decoded(bus.token)
    text = f"{encoded(header | {'kid': seal.kid})}.{encoded(claims)}"
    signature = Ed25519PrivateKey.from_private_bytes(seal.material).sign(text.encode())
    refused(bus, 401, "token-invalid", token=f"{text}.{encoded(signature)}")


def test_token_of_another_bus(bus: Served) -> None:
    """A token of another bus, made in just the same way, is refused."""
    credential = next(iter(bus.province.credentials))
    elsewhere = KeyRing([new_key(Purpose.TOKEN, 1, CLOCK.new_id)])
    refused(bus, 401, "token-invalid", token=issue("one-stop", credential, elsewhere, CLOCK.now()))


def test_system_that_is_not_the_credentials_own(bus: Served) -> None:
    """A token names the system of its credential or counts for nothing."""
    header, claims = decoded(bus.token)
    refused(bus, 401, "token-revoked", token=signed(bus, header, claims | {"sub": "other"}))
    refused(bus, 401, "token-revoked", token=signed(bus, header, claims | {"cid": "unknown"}))


def test_revoked_credential_ends_with_the_next_snapshot(bus: Served) -> None:
    """A token that has been used counts until its credential is revoked, and not beyond the next snapshot."""
    token = bus.province.client("other")
    bus.put_in_force()
    assert bus.call(token=token).status == 202
    bus.revoke("other")
    while bus.call(token=token).status == 202:
        pass
    refused(bus, 401, "token-revoked", token=token)
    refused(bus, 401, "token-revoked", method="GET", path="/messages", body=None, token=token)


def test_others_messages_cannot_be_told_from_none(bus: Served) -> None:
    """Another system's message, its reply and one that never was are the same 404, byte for byte."""
    other = bus.province.client("other")
    bus.put_in_force()
    location = bus.call(path="/messages/ask").headers["location"]
    answers = {
        bus.call("GET", path, None, other, Accept_Language="en").body
        for path in (location, f"{location}/reply", "/messages/01a3185c-53e8-77b6-86d1-928bad1852a0", "/messages/x")
    }
    assert len(answers) == 1
    assert location.removeprefix("/messages/") not in str(answers)
    assert location not in bus.call("GET", "/messages", None, other).body.decode()
    assert all(each["sender"] == "other" for each in bus.call("GET", "/messages", None, other).json()["messages"])


def test_key_of_another_system_is_another_key(bus: Served) -> None:
    """The same Idempotency-Key of two systems is two keys, and says nothing of the other's message."""
    other = bus.province.client("other")
    bus.put_in_force()
    mine, theirs = (bus.call(token=token, Idempotency_Key="shared") for token in (bus.token, other))
    assert (mine.status, theirs.status) == (202, 202)
    assert mine.headers["location"] != theirs.headers["location"]


def grant(bus: Served, form: bytes, **headers: Any) -> Any:
    """What the token endpoint answers."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return bus.raw(request("POST", "/token", {"Content-Type": "application/x-www-form-urlencoded"} | fields, form))


def credential(bus: Served) -> str:
    """The secret of a new credential of `one-stop`."""
    made, secret = issue_credential("one-stop", CLOCK.now(), CLOCK.new_id)
    bus.province.credentials[made.id] = made
    bus.put_in_force()
    return secret


def test_token_is_issued(bus: Served) -> None:
    """A client gets a token by form or by Basic, which no cache keeps, and it works."""
    secret = credential(bus)
    basic = b64encode(f"one-stop:{secret}".encode()).decode()
    for answer in (
        grant(bus, f"grant_type=client_credentials&client_id=one-stop&client_secret={secret}".encode()),
        grant(bus, b"grant_type=client_credentials", Authorization=f"Basic {basic}"),
    ):
        assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
        assert bus.call(token=answer.json()["access_token"]).status == 202


@pytest.mark.parametrize(
    "form",
    [
        b"",
        b"\xff\xfe\0",
        b"grant_type=client_credentials",
        b"grant_type=client_credentials&client_id=one-stop",
        b"grant_type=client_credentials&client_id=one-stop&client_secret=x",
        b"grant_type=client_credentials&client_id=%00&client_secret=%ff",
        b"grant_type=client_credentials&client_id=one-stop&client_secret=" + b"x" * 7000,
        b"&" * 8000,
        b"=" * 8000,
        b"grant_type=client_credentials&grant_type=client_credentials&client_id=one-stop&client_secret=x",
        b'{"grant_type":"client_credentials"}',
    ],
    ids=lambda form: form[:30].decode("latin-1"),
)
def test_no_token_without_the_secret(bus: Served, form: bytes) -> None:
    """A form without the right secret is refused in OAuth's own words (RFC 6749 §5.2), and challenged."""
    answer = grant(bus, form)
    assert answer.status in {400, 401}
    assert answer.json()["error"] in {"invalid_client", "invalid_request", "unsupported_grant_type"}
    if answer.status == 401:
        assert answer.headers["www-authenticate"].startswith("Basic realm=")


@pytest.mark.parametrize("form", [b"grant_type=password", b"grant_type=a&grant_type=b"])
def test_only_client_credentials(bus: Served, form: bytes) -> None:
    """Another grant type is not supported."""
    answer = grant(bus, form)
    assert (answer.status, answer.json()) == (400, {"error": "unsupported_grant_type"})


@pytest.mark.parametrize(
    "basic", ["", "%", "YQ", "YTpi" * 10_000, "\xff", "/////w==", b64encode(b"one-stop:").decode()]
)
def test_broken_basic(bus: Served, basic: str) -> None:
    """Basic credentials that are none are refused clearly."""
    answer = grant(bus, b"grant_type=client_credentials", Authorization=f"Basic {basic}", Accept_Language="en")
    assert answer.status in {400, 401}
    assert answer.json().get("error") == "invalid_client" or is_problem(answer, 400, "header-invalid")


def test_large_form_is_refused(bus: Served) -> None:
    """A stranger may not send more than eight kibibytes."""
    assert is_problem(grant(bus, b"x" * 8193), 413, "body-too-large")
    assert is_problem(grant(bus, b"x", Content_Length="10", Host="slow"), 408, "body-timeout")


def test_retried_credentials_are_told_once_a_minute(bus: Served) -> None:
    """However often a stranger tries, the journal is told once a minute for each source and reason."""
    before = sum(1 for row in bus.queries.chain("writer") if b"caller.refused" in row.content)
    for n in range(20):
        assert bus.call(token="x", X_Forwarded_For=f"10.0.0.{n}").status == 401
    after = [row.content for row in bus.queries.chain("writer") if b"caller.refused" in row.content]
    assert len(after) <= before + 1
    assert all(orjson.loads(row)["source"] == "127.0.0.1" for row in after)
