"""Secrets of agencies."""

from pathlib import Path

import pytest

from bus.errors import AgencyCodeInvalid, SecretInvalid, SecretMissing
from identity.secrets import Secrets


def test_a_secret_that_was_set_is_read_back(tmp_path: Path) -> None:
    """Folders are for the owner alone, and so is the file."""
    folder = tmp_path / "secrets"
    store = Secrets(folder)
    store.set("H57.05", "his-password", "first")
    store.set("H57.05", "his-password", "mật khẩu")
    assert store.get("H57.05", "his-password") == "mật khẩu"
    assert store.list("H57.05") == ("his-password",)
    assert store.list("H57.10") == ()
    assert [each.stat().st_mode & 0o777 for each in (folder, folder / "H57.05")] == [0o700, 0o700]
    assert (folder / "H57.05" / "his-password").stat().st_mode & 0o777 == 0o600


def test_a_line_end_is_not_part_of_a_secret(tmp_path: Path) -> None:
    """Files made with an editor end in a line's end that nobody meant."""
    store = Secrets(tmp_path)
    store.set("H57.05", "pem", "line 1\nline 2\n")
    assert store.get("H57.05", "pem") == "line 1\nline 2"


def test_a_reference_is_resolved_for_its_own_agency(tmp_path: Path) -> None:
    """`secret:NAME` is the agency's own secret; another agency's is missing, and plain text is itself."""
    store = Secrets(tmp_path)
    store.set("H57.05", "his-password", "value")
    assert store.resolve("secret:his-password", "H57.05") == "value"
    assert store.resolve("bus", "H57.05") == "bus"
    with pytest.raises(SecretMissing, match=r"lgsp secret set H57\.10 his-password"):
        store.resolve("secret:his-password", "H57.10")


@pytest.mark.parametrize("name", ["", "..", "../H57.10/x", "a/b", "A", ".hidden", "x" * 65, "a\0", "a\n"])
def test_a_name_cannot_leave_its_folder(tmp_path: Path, name: str) -> None:
    """Names are of few characters, so that a name is never a path."""
    with pytest.raises(SecretInvalid):
        Secrets(tmp_path).get("H57.05", name)


def test_an_agency_cannot_be_a_path(tmp_path: Path) -> None:
    """The folder's name is an agency code or nothing."""
    with pytest.raises(AgencyCodeInvalid):
        Secrets(tmp_path).get("../etc", "passwd")


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    """A loose mode or a link is an error that says how to mend it."""
    store = Secrets(tmp_path)
    store.set("H57.05", "a", "value")
    (tmp_path / "H57.05" / "b").symlink_to(tmp_path / "H57.05" / "a")
    with pytest.raises(SecretInvalid, match="chmod 600"):
        store.get("H57.05", "b")
    (tmp_path / "H57.05" / "a").chmod(0o644)
    with pytest.raises(SecretInvalid, match="chmod 600"):
        store.get("H57.05", "a")


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe", b"x" * 100_000])
def test_a_file_that_holds_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    """Empty files, bytes and huge files are no secrets."""
    store = Secrets(tmp_path)
    store.set("H57.05", "a", "value")
    (tmp_path / "H57.05" / "a").write_bytes(content)
    with pytest.raises(SecretInvalid):
        store.get("H57.05", "a")


def test_printing_the_store_shows_no_value(tmp_path: Path) -> None:
    """Nothing of a secret is in the representation."""
    assert repr(Secrets(tmp_path)) == "Secrets()"
