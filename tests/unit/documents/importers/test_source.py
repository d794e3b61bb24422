"""What of a file, folder or zip is read."""

import io
import stat
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents.importers import source
from documents.importers.source import Refused, open_source


def zipped(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


def refusal(path: Path, entry: str | None = None) -> str:
    with pytest.raises(Refused) as raised:
        dict(open_source(path, entry).files)
    return raised.value.notes[0].remark.code


def test_a_file_brings_what_lies_beside_and_below_it(tmp_path: Path) -> None:
    """Of a file, the files beside and below it are at hand, and nothing above."""
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    for name in ("in/a.xsd", "in/b.xsd", "in/deep/c.xsd", "above.xsd"):
        (tmp_path / name).write_text(name)
    opened = open_source(folder / "a.xsd")
    assert opened.entry == "a.xsd"
    assert dict(opened.files) == {"a.xsd": b"in/a.xsd", "b.xsd": b"in/b.xsd", "deep/c.xsd": b"in/deep/c.xsd"}
    assert "../above.xsd" not in opened.files
    assert str(tmp_path / "above.xsd") not in opened.files


def test_a_folder_has_all_its_files_but_hidden_ones(tmp_path: Path) -> None:
    """Of a folder every file is at hand but those that begin with a dot."""
    (tmp_path / ".git").mkdir()
    for name in ("a.xsd", ".hidden", ".git/config"):
        (tmp_path / name).write_text("x")
    assert list(open_source(tmp_path).files) == ["a.xsd"]
    assert open_source(tmp_path, "a.xsd").entries(".xsd") == ("a.xsd",)


def test_a_link_leads_nowhere_outside(tmp_path: Path) -> None:
    """A link that leaves the folder is no file of it."""
    (tmp_path / "in").mkdir()
    (tmp_path / "secret").write_text("x")
    (tmp_path / "in" / "a.xsd").symlink_to(tmp_path / "secret")
    assert "a.xsd" not in open_source(tmp_path / "in").files


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    """A source or an entry that does not exist is refused by name."""
    assert refusal(tmp_path / "none.xsd") == "source-missing"
    assert refusal(tmp_path, "none.xsd") == "entry-missing"


def test_a_file_too_large_is_refused_unread(tmp_path: Path) -> None:
    """A file of more than 16 MiB is refused by its size alone."""
    with (tmp_path / "a.xsd").open("wb") as file:
        file.truncate(50 * 1024 * 1024)
    assert refusal(tmp_path / "a.xsd") == "source-too-large"


def test_files_too_large_together_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All files of a source together have a bound, in a folder as in a zip."""
    monkeypatch.setattr(source, "MAX_TOTAL", 100)
    for name in "abc":
        (tmp_path / f"{name}.xsd").write_bytes(b"x" * 40)
    assert refusal(tmp_path) == "source-too-large"
    members = ((f"{name}.xsd", b"x" * 40) for name in "abc")
    assert refusal(zipped(tmp_path / "a.zip", *members)) == "source-too-large"


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder or zip of very many files is refused, but not one file in a folder of many."""
    monkeypatch.setattr(source, "MAX_FILES", 3)
    for number in range(5):
        (tmp_path / f"{number}.xsd").write_text("x")
    assert refusal(tmp_path) == "source-too-many-files"
    assert refusal(zipped(tmp_path / "a.zip", *((f"{n}", b"") for n in range(5)))) == "source-too-many-files"
    assert open_source(tmp_path / "4.xsd").files["4.xsd"] == b"x"


def test_a_zip_is_read_as_a_folder(tmp_path: Path) -> None:
    """A zip is a folder, whichever slashes its maker wrote; hidden files are left out."""
    path = zipped(tmp_path / "a.zip", ("x\\a.xsd", b"1"), ("./x/b.xsd", b"2"), ("__MACOSX/a.xsd", b"3"), ("x/", b""))
    assert dict(open_source(path).files) == {"x/a.xsd": b"1", "x/b.xsd": b"2"}


@pytest.mark.parametrize("name", ["../a.xsd", "x/../../a.xsd", "/etc/a.xsd", "..\\a.xsd", "C:\\a.xsd", "a\x01.xsd"])
def test_a_zip_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    """A name that leads out of the zip spoils all of it."""
    assert refusal(zipped(tmp_path / "a.zip", ("fine.xsd", b"1"), (name, b"2"))) == "zip-path"


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    """A member that is a symbolic link spoils all of it."""
    link = zipfile.ZipInfo("a.xsd")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert refusal(zipped(tmp_path / "a.zip", (link, b"/etc/passwd"))) == "zip-path"


def test_one_name_twice_in_a_zip_is_refused(tmp_path: Path) -> None:
    """Two members of one name are refused, also where only their spelling differs."""
    assert refusal(zipped(tmp_path / "a.zip", ("a.xsd", b"1"), ("./a.xsd", b"2"))) == "zip-twice"


def test_a_zip_that_inflates_is_refused(tmp_path: Path) -> None:
    """What a small zip inflates to is counted, whatever it says of its sizes."""
    path = zipped(tmp_path / "a.zip", ("a.xsd", b"\0" * 20_000_000))
    assert path.stat().st_size < 100_000
    assert refusal(path) == "source-too-large"
    data = bytearray(path.read_bytes())
    claimed = (20_000_000).to_bytes(4, "little")
    assert claimed in data
    path.write_bytes(data.replace(claimed, (100).to_bytes(4, "little")))
    assert refusal(path) in {"source-too-large", "zip-broken"}


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    """A member that wants a password is refused."""
    path = zipped(tmp_path / "a.zip", ("a.xsd", b"1"))
    data = bytearray(path.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + flags] |= 1
    path.write_bytes(data)
    assert refusal(path) == "zip-encrypted"


@given(st.data())
def test_a_spoiled_zip_is_read_or_refused(data: st.DataObject) -> None:
    """Whatever bytes of a zip are changed, it is read or refused, and nothing else comes out."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.xsd", b"<a/>" * 50)
        archive.writestr("b/c.xsd", b"<b/>")
    spoiled = bytearray(stream.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        spoiled[data.draw(st.integers(0, len(spoiled) - 1))] = data.draw(st.integers(0, 255))
    with suppress(Refused):
        source._unzipped("a.zip", bytes(spoiled))
