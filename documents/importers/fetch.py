"""Fetching a description and what it refers to, when somebody asks for it: from hosts that are allowed, and bounded.

What was fetched lies in one folder, each file under the last part of its address: that is where a reference to an old
address is looked for (`contracts.xsd_closure.locate`), so the files are read as they came.
"""

import asyncio
import posixpath
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urljoin, urlsplit

import aiohttp

from adapters.egress import EVERYWHERE, Egress, EgressRefused, Network, plain
from adapters.http import open_session
from contracts import well_known
from documents.files import references
from documents.importers.naming import name_of
from documents.importers.report import Note, Remark, Severity
from documents.importers.source import MAX_FILE, MAX_TOTAL, TOO_LARGE, TOO_MANY, Refused

MOST_FILES: Final = 200
MOST_REDIRECTS: Final = 3
SECONDS: Final = 20.0
"""For one file; `ALL_SECONDS` for all of them."""
ALL_SECONDS: Final = 120.0


def _wrong(code: str, en: str, vi: str) -> Remark:
    return Remark(code, Severity.ERROR, en, vi)


NOT_ASKED = _wrong(
    "fetch-not-asked",
    "this is an address, and nothing is fetched unless --fetch asks for it.",
    "đây là một địa chỉ; trục không tải gì nếu không có --fetch.",
)
HOST = _wrong(
    "fetch-host",
    "nothing may be fetched from {host}: name it in LGSP_FETCH_HOSTS.",
    "chưa cho phép tải từ {host}: hãy ghi vào LGSP_FETCH_HOSTS.",
)
ADDRESS = _wrong(
    "fetch-address",
    "{host} is at an address that may not be connected to: name its network in LGSP_EGRESS.",
    "{host} có địa chỉ không được phép kết nối: hãy ghi mạng của nó vào LGSP_EGRESS.",
)
STATUS = _wrong("fetch-status", "it was answered with {status}.", "máy chủ trả lời {status}.")
REDIRECTS = _wrong(
    "fetch-redirects",
    "it leads from one address to the next more than {limit} times.",
    "bị chuyển địa chỉ quá {limit} lần.",
)
FAILED = _wrong(
    "fetch-failed",
    "it cannot be fetched: look at the address, the network and the certificate.",
    "không tải được: hãy xem lại địa chỉ, mạng và chứng thư.",
)
SAME_NAME = _wrong(
    "fetch-same-name",
    "two files are called {name}: save them yourself, and name the folder.",
    "có hai tệp cùng tên {name}: hãy tự lưu rồi chỉ thư mục.",
)


@dataclass(frozen=True, slots=True)
class Allowed:
    """What may be fetched: from hosts of these names, in these networks; where none is named, at public addresses."""

    hosts: Collection[str] = ()
    networks: Sequence[Network] = ()

    def egress(self) -> Egress:
        return Egress(self.networks) if self.networks else _Public(EVERYWHERE)

    def require(self, url: str) -> None:
        """Raises `Refused`."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or parts.hostname not in self.hosts:
            raise Refused(Note(HOST, url, {"host": parts.hostname or parts.scheme or "-"}))


class _Public(Egress):
    """Addresses of the whole Internet, and no private ones (RFC 1918, RFC 4193 and the like)."""

    def allows(self, host: str, port: int) -> bool:
        return plain(host).is_global and super().allows(host, port)


def is_address(source: str) -> bool:
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", source) is not None


def fetch(url: str, folder: Path, allowed: Allowed) -> Path:
    """Fetch what is at an address, and what it refers to on hosts that are allowed, into a folder; the first file.

    What is elsewhere is left for the importer to miss. Raises `Refused`.
    """
    allowed.require(url)
    try:
        files = asyncio.run(_all(url, allowed))
    except TimeoutError:
        raise Refused(Note(FAILED, url)) from None
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder / next(iter(files))


async def _all(url: str, allowed: Allowed) -> dict[str, bytes]:
    async with asyncio.timeout(ALL_SECONDS), open_session(allowed.egress()) as session:
        fetching = _Fetching(session, allowed)
        await fetching.add(url)
        while fetching.waiting:
            await fetching.add(fetching.waiting.pop(0))
        return fetching.files


@dataclass(slots=True)
class _Fetching:
    session: aiohttp.ClientSession
    allowed: Allowed
    files: dict[str, bytes] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    _names: dict[str, str] = field(default_factory=dict)  # the address of each file, by name

    async def add(self, url: str) -> None:
        name = _name(url)
        if self._names.setdefault(name, url) != url:
            raise Refused(Note(SAME_NAME, url, {"name": name}))
        if name in self.files:
            return
        if len(self.files) == MOST_FILES:
            raise Refused(Note(TOO_MANY, url, {"limit": str(MOST_FILES)}))
        self.files[name] = data = await self._get(url)
        if sum(map(len, self.files.values())) > MAX_TOTAL:
            raise Refused(Note(TOO_LARGE, url, {"limit": str(MAX_TOTAL)}))
        self.waiting += self._led_to(url, data)

    def _led_to(self, url: str, data: bytes) -> Iterator[str]:
        for reference in references(data):
            target = urljoin(url, reference.partition("#")[0])
            known = well_known.at(target) or target in self._names.values()
            if not known and urlsplit(target).hostname in self.allowed.hosts:
                yield target

    async def _get(self, url: str) -> bytes:
        for _ in range(MOST_REDIRECTS + 1):
            self.allowed.require(url)
            status, location, data = await self._once(url)
            if status not in {301, 302, 303, 307, 308}:
                break
            url = urljoin(url, location)
        else:
            raise Refused(Note(REDIRECTS, url, {"limit": str(MOST_REDIRECTS)}))
        if status != 200:
            raise Refused(Note(STATUS, url, {"status": str(status)}))
        return data

    async def _once(self, url: str) -> tuple[int, str, bytes]:
        plainly = {"Accept-Encoding": "identity"}
        try:
            async with (
                asyncio.timeout(SECONDS),
                self.session.get(url, allow_redirects=False, headers=plainly) as answer,
            ):
                data = bytearray()
                async for chunk in answer.content.iter_chunked(65536):
                    data += chunk
                    if len(data) > MAX_FILE:
                        raise Refused(Note(TOO_LARGE, url, {"limit": str(MAX_FILE)}))
                return answer.status, answer.headers.get("Location", ""), bytes(data)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            refused = any(isinstance(each, EgressRefused) for each in _causes(error))
            host = {"host": urlsplit(url).hostname or "-"}
            raise Refused(Note(ADDRESS, url, host) if refused else Note(FAILED, url)) from None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__ or getattr(error, "os_error", None)


def _name(url: str) -> str:
    """The last part of an address with its query, by which others refer to it: ``service?wsdl``."""
    parts = urlsplit(url)
    name = posixpath.basename(unquote(parts.path)) or "description"
    name += f"?{unquote(parts.query)}" if parts.query else ""
    return name if re.fullmatch(r"[^/\\:\x00-\x1f.][^/\\:\x00-\x1f]{0,200}", name) else name_of(name)
