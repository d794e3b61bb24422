"""Tokens, and those who would like to have one."""

import json
from base64 import urlsafe_b64encode
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

from bus.clock import ManualClock
from bus.errors import TokenExpired, TokenInvalid, TokenRevoked
from identity.credentials import Credential
from identity.keyring import Key, KeyRing, Purpose, new_key
from identity.tokens import LIFE, Verifier, issue

CLOCK = ManualClock(1_800_000_000_123)
NOW = CLOCK.now()
KEY = new_key(Purpose.TOKEN, NOW, CLOCK.new_id)
RING = KeyRing([KEY])
CREDENTIAL = Credential("c1", "his.hospital", b"", NOW)
CLAIMS = {"iss": "lgsp", "aud": "lgsp", "sub": "s", "cid": "c", "iat": NOW / 1000, "exp": NOW // 1000 + 60}


def part(value: object) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def signed(claims: dict[str, object], key: Key = KEY, **header: object) -> str:
    private = OKPKey.import_key({**key.jwk(), "d": urlsafe_b64encode(key.material).rstrip(b"=").decode()})
    return jwt.encode({"alg": "Ed25519", "kid": key.kid, **header}, claims, private, algorithms=["Ed25519"])


def test_a_token_says_who_asks_and_until_when() -> None:
    """A token of ours yields its system, its credential and the 30 minutes it lasts."""
    caller = Verifier(RING).verify(issue("his.hospital", "c1", RING, NOW), NOW)
    assert (caller.system, caller.credential_id, caller.issued_at) == ("his.hospital", "c1", NOW)
    assert caller.expires_at == (NOW // 1000 + LIFE) * 1000


def test_a_remembered_token_is_not_verified_again() -> None:
    """The second time the same caller comes back out of memory."""
    verifier, token = Verifier(RING), issue("his.hospital", "c1", RING, NOW)
    assert verifier.verify(token, NOW) is verifier.verify(token, NOW + 1)


def test_a_token_expires_whether_remembered_or_not() -> None:
    """Memory does not lengthen a token's life."""
    verifier, token = Verifier(RING), issue("his.hospital", "c1", RING, NOW)
    verifier.verify(token, NOW)
    for each in (verifier, Verifier(RING)):
        with pytest.raises(TokenExpired):
            each.verify(token, NOW + LIFE * 1000)


def test_memory_is_bounded() -> None:
    """The oldest token is forgotten when there are too many; it still counts."""
    verifier = Verifier(RING, remembered=2)
    tokens = [issue("s", str(number), RING, NOW) for number in range(5)]
    callers = [verifier.verify(token, NOW) for token in tokens]
    assert len(verifier._callers) == 2
    assert verifier.verify(tokens[0], NOW) == callers[0]


def test_tokens_of_a_retired_key_end_with_it() -> None:
    """When a key is retired, what it signed counts no more, remembered or not."""
    verifier, token = Verifier(RING), issue("s", "c", RING, NOW)
    verifier.verify(token, NOW)
    verifier.use(KeyRing([replace(KEY, retired_at=NOW)]))
    with pytest.raises(TokenInvalid):
        verifier.verify(token, NOW)


def test_tokens_of_the_key_before_outlive_a_rotation() -> None:
    """After a rotation both the old tokens and the new ones count."""
    verifier, token = Verifier(RING), issue("s", "c", RING, NOW)
    ring = KeyRing([KEY, new_key(Purpose.TOKEN, NOW + 1, CLOCK.new_id)])
    verifier.use(ring)
    assert verifier.verify(token, NOW).kid == KEY.kid
    assert verifier.verify(issue("s", "c", ring, NOW), NOW).kid != KEY.kid


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "a.b.c",
        "..",
        "x" * 100_000,
        "\ud800",
        "é",
        part({"alg": "none"}) + "." + part(CLAIMS) + ".",
        part({"typ": "JWT", "alg": "none", "kid": KEY.kid}) + "." + part(CLAIMS) + ".",
        jwt.encode({"alg": "HS256", "kid": KEY.kid}, CLAIMS, OctKey.import_key(KEY.public), algorithms=["HS256"]),
        signed(CLAIMS, new_key(Purpose.TOKEN, NOW, CLOCK.new_id)),
        signed(CLAIMS, new_key(Purpose.SEAL, NOW, CLOCK.new_id)),
        signed(CLAIMS, replace(new_key(Purpose.TOKEN, NOW, CLOCK.new_id), kid=KEY.kid)),
        signed(CLAIMS, jku="https://example.org/keys"),
        signed(CLAIMS, kid="other"),
        signed({**CLAIMS, "aud": "other"}),
        signed({**CLAIMS, "aud": ["lgsp"]}),
        signed({**CLAIMS, "iss": "other"}),
        signed({**CLAIMS, "sub": 7}),
        signed({**CLAIMS, "cid": ""}),
        signed({**CLAIMS, "exp": "never"}),
        signed({**CLAIMS, "exp": True}),
        *(signed({key: value for key, value in CLAIMS.items() if key != missing}) for missing in CLAIMS),
    ],
)
def test_a_forged_token_is_invalid(token: str) -> None:
    """No other algorithm, key, header, audience or missing claim is believed."""
    with pytest.raises(TokenInvalid):
        Verifier(RING).verify(token, NOW)


@given(st.integers(min_value=0), st.characters(min_codepoint=33, max_codepoint=126))
def test_a_token_with_any_character_changed_is_invalid(index: int, character: str) -> None:
    """Changing any one character breaks a token, but for bits of the last one that base64 leaves unused."""
    token = signed(CLAIMS)
    index %= len(token) - 1
    if token[index] != character:
        with pytest.raises(TokenInvalid):
            Verifier(RING).verify(token[:index] + character + token[index + 1 :], NOW)


@given(st.text(max_size=300) | st.builds(lambda a, b: part(a) + "." + part(b) + ".", st.text(), st.text()))
def test_no_text_fails_otherwise_than_as_invalid(text: str) -> None:
    """Whatever stands behind Bearer, the answer is `TokenInvalid`."""
    with pytest.raises(TokenInvalid):
        Verifier(RING).verify(text, NOW)


def test_a_live_caller_passes() -> None:
    """A credential that is live and a token issued since `not_before` count."""
    caller = Verifier(RING).verify(issue("his.hospital", "c1", RING, NOW), NOW)
    caller.require_live({"c1": CREDENTIAL}, {"his.hospital": NOW}, NOW)


@pytest.mark.parametrize(
    ("credentials", "not_before"),
    [
        ({}, {}),
        ({"c1": replace(CREDENTIAL, revoked_at=NOW)}, {}),
        ({"c1": replace(CREDENTIAL, expires_at=NOW)}, {}),
        ({"c1": replace(CREDENTIAL, system="other")}, {}),
        ({"c1": CREDENTIAL}, {"his.hospital": NOW + 1}),
    ],
)
def test_a_token_ends_with_its_credential(credentials: dict[str, Credential], not_before: dict[str, int]) -> None:
    """A credential revoked, expired or gone, or tokens called back, end a token that has not expired."""
    caller = Verifier(RING).verify(issue("his.hospital", "c1", RING, NOW), NOW)
    with pytest.raises(TokenRevoked):
        caller.require_live(credentials, not_before, NOW)
