"""The key ring."""

from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bus.clock import ManualClock
from bus.errors import KeyMissing, KeyUnreadable, SettingInvalid
from identity.keyring import KeyRing, Purpose, keyed_hash, keyed_hashes, load_master_key, new_key, open_key, seal_key

CLOCK = ManualClock()
NOW = CLOCK.now()
MASTER = b"\1" * 32


def test_the_newest_key_of_a_purpose_is_the_current_one() -> None:
    """A rotation makes a newer key; the older one stays in use for what it made."""
    old, new = new_key(Purpose.SEAL, NOW, CLOCK.new_id), new_key(Purpose.SEAL, NOW + 1, CLOCK.new_id)
    ring = KeyRing([new, old])
    assert ring.current(Purpose.SEAL) is new
    assert set(ring.in_use(Purpose.SEAL)) == {old, new}


def test_a_retired_key_is_found_but_used_no_more() -> None:
    """Old hashes name a retired key, so it is still there by its kid, and only there."""
    key = replace(new_key(Purpose.TOKEN, NOW, CLOCK.new_id), retired_at=NOW)
    ring = KeyRing([key])
    assert ring.get(key.kid) is key
    assert ring.jwks() == {"keys": []}
    with pytest.raises(KeyMissing, match="lgsp key rotate token"):
        ring.current(Purpose.TOKEN)


def test_the_key_set_shows_public_keys_of_tokens_and_deliveries_alone() -> None:
    """What the world is shown verifies tokens and deliveries, says by its name which of them, and reveals no more."""
    keys = [new_key(purpose, NOW, CLOCK.new_id) for purpose in Purpose]
    shown = KeyRing(keys).jwks()["keys"]
    assert [each["kid"].partition("-")[0] for each in shown] == ["token", "deliveries"]
    assert all(set(each) == {"kty", "crv", "x", "kid", "use", "alg"} for each in shown)
    Ed25519PublicKey.from_public_bytes(keys[0].public)


def test_a_sealed_key_opens_under_its_master_key_alone() -> None:
    """A row of the journal is worth nothing without the master key."""
    key = new_key(Purpose.HASH, NOW, CLOCK.new_id)
    row = seal_key(key, MASTER)
    assert key.material not in row.sealed
    assert open_key(row, MASTER) == key
    with pytest.raises(KeyUnreadable, match=key.kid):
        open_key(row, b"\2" * 32)


@pytest.mark.parametrize("change", [{"kid": "hash-1"}, {"purpose": "token"}, {"algorithm": "none"}, {"sealed": b"x"}])
def test_a_sealed_key_cannot_pass_for_another(change: dict[str, str]) -> None:
    """Whoever can write to the journal cannot make one key do another's work."""
    row = seal_key(new_key(Purpose.HASH, NOW, CLOCK.new_id), MASTER)
    with pytest.raises(KeyUnreadable):
        open_key(replace(row, **change), MASTER)  # type: ignore[arg-type]


def test_printing_a_key_does_not_show_it() -> None:
    """Neither a key nor a sealed one shows its bytes."""
    key = new_key(Purpose.HASH, NOW, CLOCK.new_id)
    assert repr(key.material) not in repr(key)
    assert "sealed=" not in repr(seal_key(key, MASTER))


def test_equal_data_have_equal_hashes_under_one_key() -> None:
    """A keyed hash names its key, and another key gives another one."""
    first, second = (KeyRing([new_key(Purpose.HASH, NOW, CLOCK.new_id)]) for _ in range(2))
    assert keyed_hash(first, b"012345678901") == keyed_hash(first, b"012345678901")
    assert keyed_hash(first, b"012345678901") != keyed_hash(first, b"012345678902")
    assert keyed_hash(first, b"").split(":")[0] == first.current(Purpose.HASH).kid
    assert keyed_hash(first, b"x").split(":")[1] != keyed_hash(second, b"x").split(":")[1]


def test_what_an_earlier_key_hashed_is_found() -> None:
    """A search asks for the hash under each key that is in use; a retired one finds nothing more."""
    old, retired = (new_key(Purpose.HASH, NOW, CLOCK.new_id) for _ in range(2))
    kept = keyed_hash(KeyRing([old]), b"012345678901")
    gone = keyed_hash(KeyRing([retired]), b"012345678901")
    keys = [old, replace(retired, retired_at=NOW), new_key(Purpose.HASH, NOW + 1, CLOCK.new_id)]
    found = keyed_hashes(KeyRing(keys), b"012345678901")
    assert set(found) == {kept, keyed_hash(KeyRing(keys), b"012345678901")}
    assert gone not in found


def test_the_master_key_is_made_once_and_for_the_owner_alone(tmp_path: Path) -> None:
    """The first start writes the file with mode 0600; the next ones read the same key."""
    path = tmp_path / "keys" / "master"
    key = load_master_key(path, create=True)
    assert len(key) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_master_key(path, create=True) == key
    assert [each.name for each in path.parent.iterdir()] == ["master"]


def test_a_master_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    """A loose mode is an error that says how to mend it."""
    path = tmp_path / "master"
    load_master_key(path, create=True)
    path.chmod(0o640)
    with pytest.raises(SettingInvalid, match="chmod 600"):
        load_master_key(path)


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 32, b"A" * 4000])
def test_a_file_that_holds_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    """A truncated or foreign file is not taken for a key."""
    path = tmp_path / "master"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(SettingInvalid, match="32 bytes in base64"):
        load_master_key(path)


def test_a_missing_master_key_is_an_error_unless_it_may_be_made(tmp_path: Path) -> None:
    """In production nothing makes a master key by the way."""
    with pytest.raises(SettingInvalid, match="cannot be read"):
        load_master_key(tmp_path / "master")
