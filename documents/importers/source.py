"""The files that somebody imports: one and what lies beside it, a folder, or a zip. Bounded, and nothing outside."""

import os
import posixpath
import re
import stat
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Final

from adapters.payload import Undecodable, to_utf8
from documents.files import MAX_FILES
from documents.importers.report import Note, Remark, Severity

MAX_FILE: Final = 16 * 1024 * 1024
"""Bytes of one description. The largest that are published and known to us (eBay's, Salesforce's) have six million."""

MAX_TOTAL: Final = 64 * 1024 * 1024
"""Bytes of all files of one import, uncompressed."""

MISSING = Remark(
    "source-missing",
    Severity.ERROR,
    "there is no {name}: name a file, a folder or a .zip that exists.",
    "không có {name}: hãy chỉ một tệp, thư mục hoặc tệp .zip có thật.",
)
UNREADABLE = Remark(
    "source-unreadable",
    Severity.ERROR,
    "it cannot be read: look at its permissions.",
    "không đọc được: hãy xem quyền truy cập tệp.",
)
TOO_LARGE = Remark(
    "source-too-large",
    Severity.ERROR,
    "it has more than {limit} bytes: import a part of it.",
    "lớn hơn {limit} byte: hãy nhập từng phần.",
)
TOO_MANY = Remark(
    "source-too-many-files",
    Severity.ERROR,
    "it has more than {limit} files: name the folder that holds the description alone.",
    "có hơn {limit} tệp: hãy chỉ đúng thư mục chứa mô tả.",
)
ZIP_BROKEN = Remark(
    "zip-broken",
    Severity.ERROR,
    "this is not a zip that can be read: make it anew.",
    "tệp zip hỏng: hãy nén lại.",
)
ZIP_ENCRYPTED = Remark(
    "zip-encrypted",
    Severity.ERROR,
    "it is encrypted: give it without a password.",
    "tệp có mật khẩu: hãy gửi bản không mật khẩu.",
)
ZIP_ESCAPES = Remark(
    "zip-path",
    Severity.ERROR,
    "its name leads out of the zip, or it is a link: nothing of this zip is read.",
    "tên tệp dẫn ra ngoài tệp zip, hoặc là liên kết: không đọc gì từ tệp zip này.",
)
ZIP_TWICE = Remark(
    "zip-twice",
    Severity.ERROR,
    "it is in the zip twice, and readers differ about which counts: make the zip anew.",
    "có hai lần trong tệp zip: hãy nén lại.",
)
NO_ENTRY = Remark(
    "entry-missing",
    Severity.ERROR,
    "there is no {wanted} in it: {there}.",
    "không có {wanted} trong đó: {there}.",
)
SEVERAL = Remark(
    "entry-several",
    Severity.ERROR,
    "there are several, name one by --entry: {there}.",
    "có nhiều tệp, hãy chọn một bằng --entry: {there}.",
)
MOST_NAMES: Final = 12

# A name as old zip tools and Windows write it; a drive (C:) is met by the colon.
_CONTROL = re.compile(r"[\x00-\x1f\x7f:]")
_ENCRYPTED: Final = 0x1


class Refused(Exception):
    """What was given cannot be imported; `notes` say why."""

    def __init__(self, *notes: Note) -> None:
        super().__init__(*(note.remark.code for note in notes))
        self.notes = notes


@dataclass(frozen=True, slots=True)
class Source:
    """Files by path, with ``/`` and never with ``..``; `entry` is the one that was named, if one was."""

    name: str
    files: Mapping[str, bytes] = field(repr=False)
    entry: str | None = None

    def entries(self, *suffixes: str) -> tuple[str, ...]:
        """The files by which reading may begin: the one that was named, or all that end so."""
        if self.entry is not None:
            return (self.entry,)
        return tuple(path for path in self.files if path.lower().endswith(suffixes))


class InUtf8(Mapping[str, bytes]):
    """Files with XML in UTF-8, whatever it was written in: old tools write UTF-16 and the charsets of their country."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def __contains__(self, path: object) -> bool:
        return path in self._files

    def __getitem__(self, path: str) -> bytes:
        data = self._files[path]
        try:
            return to_utf8("", data) if data.lstrip()[:1] in {b"<", b"\xff", b"\xfe"} else data
        except Undecodable:
            return data  # whoever reads it says what is wrong


def open_source(path: Path, entry: str | None = None) -> Source:
    """A file with what lies beside and below it, a folder, or a zip; `entry` names a file in a folder or zip.

    Raises `Refused`.
    """
    if path.is_dir():
        source = Source(path.name, _Beneath(path, whole=True), entry)
    elif not path.is_file():
        raise Refused(Note(MISSING, path.name, {"name": path.name}))
    elif zipfile.is_zipfile(path):
        source = Source(path.name, _unzipped(path.name, _bytes(path)), entry)
    else:
        source = Source(path.name, _Beneath(path.parent, whole=False), path.name)
    if source.entry is not None and source.entry not in source.files:
        raise Refused(Note(NO_ENTRY, source.name, {"wanted": str(entry), "there": shown(source.files)}))
    return source


def shown(given: Iterable[str]) -> str:
    """Some names, for a person to choose from."""
    names = list(given)
    return ", ".join(names[:MOST_NAMES]) + (", …" if len(names) > MOST_NAMES else "")


class _Beneath(Mapping[str, bytes]):
    """The files beneath a folder, each read when it is asked for; together no more than an import may have. No link
    leads out of it."""

    def __init__(self, folder: Path, *, whole: bool) -> None:
        self._folder = folder.resolve()
        self._whole = whole  # a folder that was named has few files; what lies around a file may be anything
        self._read: dict[str, bytes] = {}
        self._size = 0

    @cached_property
    def _paths(self) -> tuple[str, ...]:
        found = []
        for folder, folders, files in os.walk(self._folder):
            folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
            found += [Path(folder, name).relative_to(self._folder).as_posix() for name in files if name[0] != "."]
            if len(found) > MAX_FILES and self._whole:
                raise Refused(Note(TOO_MANY, "", {"limit": str(MAX_FILES)}))
            if len(found) > MAX_FILES:
                break
        return tuple(sorted(found))

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and (path in self._read or self._full(path) is not None)

    def __getitem__(self, path: str) -> bytes:
        if path not in self._read:
            full = self._full(path)
            if full is None:
                raise KeyError(path)
            self._read[path] = self._new(path, full)
        return self._read[path]

    def _full(self, path: str) -> Path | None:
        if not path or path.startswith("/") or ".." in PurePosixPath(path).parts or _CONTROL.search(path):
            return None
        try:
            full = (self._folder / path).resolve(strict=True)
            return full if full.is_relative_to(self._folder) and full.is_file() else None
        except (OSError, RuntimeError):
            return None

    def _new(self, path: str, full: Path) -> bytes:
        try:
            if full.stat().st_size > MAX_FILE:
                raise Refused(Note(TOO_LARGE, path, {"limit": str(MAX_FILE)}))
            data = full.read_bytes()
        except OSError:
            raise Refused(Note(UNREADABLE, path)) from None
        self._size += len(data)
        if self._size > MAX_TOTAL:
            raise Refused(Note(TOO_LARGE, path, {"limit": str(MAX_TOTAL)}))
        return data


def _unzipped(name: str, data: bytes) -> dict[str, bytes]:
    """What a zip holds, read into memory: nothing of it is ever written to disk under a name of its own."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            return _members(archive)
    except Refused:
        raise
    except Exception:  # noqa: BLE001  zipfile and its decompressors meet spoiled bytes with whatever comes first
        raise Refused(Note(ZIP_BROKEN, name)) from None


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_TOTAL + 1)
    except OSError:
        raise Refused(Note(UNREADABLE, path.name)) from None
    if len(data) > MAX_TOTAL:
        raise Refused(Note(TOO_LARGE, path.name, {"limit": str(MAX_TOTAL)}))
    return data


def _members(archive: zipfile.ZipFile) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    room = MAX_TOTAL
    if len(archive.infolist()) > MAX_FILES:
        raise Refused(Note(TOO_MANY, "", {"limit": str(MAX_FILES)}))
    for info in archive.infolist():
        if info.is_dir():
            continue
        name = _inside(info)
        if name in found:
            raise Refused(Note(ZIP_TWICE, name))
        if info.flag_bits & _ENCRYPTED:
            raise Refused(Note(ZIP_ENCRYPTED, name))
        if not _is_hidden(name):
            found[name] = _inflated(archive, info, name, min(MAX_FILE, room))
            room -= len(found[name])
    return dict(sorted(found.items()))


def _inside(info: zipfile.ZipInfo) -> str:
    """A member's name as a path in the zip. One that leads out spoils the whole: somebody meant harm."""
    name = info.filename.replace("\\", "/")
    parts = PurePosixPath(name).parts
    is_link = stat.S_ISLNK(info.external_attr >> 16)
    if is_link or name.startswith("/") or ".." in parts or _CONTROL.search(name):
        raise Refused(Note(ZIP_ESCAPES, repr(info.filename)[1:-1][:100]))
    return posixpath.normpath(name)


def _is_hidden(name: str) -> bool:
    return any(part.startswith((".", "__")) for part in PurePosixPath(name).parts)


def _inflated(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, room: int) -> bytes:
    """The bytes, counted while they are inflated: what a zip says of its sizes is its maker's word."""
    with archive.open(info) as file:
        data = file.read(room + 1)
    if len(data) > room:
        raise Refused(Note(TOO_LARGE, name, {"limit": str(room)}))
    return data
