"""Bodies in several parts (MIME multipart, RFC 2046 §5.1), read as they arrive and written.

An own reader: python-multipart takes neither a preamble nor folded headers, which MIME::Tools and SAAJ write, and
aiohttp's believes the Content-Length of a part where other readers look for the boundary. Whatever two readers could
take for different parts is refused.
"""

import re
from binascii import Error as NotBase64
from binascii import a2b_base64, a2b_qp
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

MOST_PARTS: Final = 1_000
"""Parts of one body; WCF takes as many."""

LONGEST_HEAD: Final = 8 * 1024
"""Bytes of the headers of one part; they have three or four."""

LONGEST_PREAMBLE: Final = 2 * 1024
"""Bytes before the first boundary, where old mailers explain themselves to people."""

LONGEST_TYPE: Final = 2_000
"""Characters of a Content-Type that has parameters which must be read."""

LONGEST_VALUE: Final = 255
"""Characters of a Content-ID, or of the Content-Type of a part."""

PADDING: Final = 100  # spaces after a boundary

_TYPE: Final = re.compile(r"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*")
_PARAMETER: Final = re.compile(
    r"\s*;\s*(?:([\w!#$&+.^-]+)\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^\s;\",]+))\s*)?", re.ASCII
)
_BOUNDARY: Final = re.compile(r"[!-~ ]{0,199}[!-~]")
_FOLD: Final = re.compile(r"\r\n[ \t]+")
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_VALUE: Final = re.compile(r"[\t -~\x80-\xff]*")
_PRINTABLE: Final = re.compile(r"[ -~]*")


class PartsInvalid(ValueError):
    """These are not the parts that were promised. `hint` says why, without a word of what was sent."""

    def __init__(self, hint: str) -> None:
        super().__init__(hint)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Part:
    """One part, its transfer encoding taken off. `name` is its Content-ID without brackets, or empty; `content_type`
    as it was said, or empty."""

    name: str
    content_type: str
    data: bytes = field(repr=False)


class PartReader:
    """Reads parts out of pieces, however they are cut; each method raises `PartsInvalid`."""

    def __init__(self, boundary: str, most: int = MOST_PARTS) -> None:
        if not _BOUNDARY.fullmatch(boundary):
            raise PartsInvalid("its Content-Type names no boundary")
        self._delimiter = b"\r\n--" + boundary.encode()
        self._most = most
        self._buffer = bytearray(b"\r\n")  # a boundary may be the first thing of all
        self._step = self._preamble
        self._heads: list[Mapping[str, str]] = []
        self._contents: list[bytearray] = []

    def feed(self, piece: bytes) -> None:
        """What comes next."""
        self._buffer += piece
        while self._step():
            pass

    def parts(self) -> tuple[Part, ...]:
        """All of them, once everything came; what this held of them is let go."""
        if self._step != self._epilogue:
            raise PartsInvalid("its last boundary is missing")
        found = tuple(_part(head, bytes(memoryview(self._contents.pop(0))[2:])) for head in self._heads)
        names = [each.name for each in found if each.name]
        if len(set(names)) < len(names):
            raise PartsInvalid("two parts have one Content-ID")
        if not found:
            raise PartsInvalid("it has no parts")
        return found

    def _preamble(self) -> bool:
        at = self._buffer.find(self._delimiter)
        if (at if at >= 0 else len(self._buffer) - len(self._delimiter)) > LONGEST_PREAMBLE:
            raise PartsInvalid("its boundary does not stand at its beginning")
        if at < 0:
            return False
        del self._buffer[: at + len(self._delimiter)]
        self._step = self._line
        return True

    def _line(self) -> bool:
        """The rest of a line with a boundary: two hyphens after the last one, else spaces at most."""
        if len(self._buffer) < 2:
            return False
        if self._buffer.startswith(b"--"):
            self._step = self._epilogue
            return True
        end = self._buffer.find(b"\r\n", 0, PADDING)
        if end < 0 and len(self._buffer) < PADDING and not self._buffer.rstrip(b"\r").strip(b" \t"):
            return False
        if end < 0 or self._buffer[:end].strip(b" \t"):
            raise PartsInvalid("a line begins as the boundary and goes on")
        if len(self._heads) == self._most:
            raise PartsInvalid(f"it has more than {self._most} parts")
        del self._buffer[:end]
        self._step = self._headers
        return True

    def _headers(self) -> bool:
        """Up to the empty line, of which one line end stays: it may begin the boundary of a part without content."""
        end = self._buffer.find(b"\r\n\r\n", 0, LONGEST_HEAD)
        if end < 0:
            if len(self._buffer) >= LONGEST_HEAD:
                raise PartsInvalid(f"a part has more than {LONGEST_HEAD} bytes of headers")
            return False
        self._heads.append(_headers(bytes(self._buffer[2:end])))
        self._contents.append(bytearray())
        del self._buffer[: end + 2]
        self._step = self._content
        return True

    def _content(self) -> bool:
        at = self._buffer.find(self._delimiter)
        # What may be the beginning of a boundary waits for the next piece.
        end = at if at >= 0 else max(0, len(self._buffer) - len(self._delimiter) + 1)
        self._contents[-1] += self._buffer[:end]
        del self._buffer[: end + (len(self._delimiter) if at >= 0 else 0)]
        if at < 0:
            return False
        self._step = self._line
        return True

    def _epilogue(self) -> bool:
        """What stands there is nobody's (RFC 2046 §5.1.1)."""
        self._buffer.clear()
        return False


def read_parts(boundary: str, data: bytes) -> tuple[Part, ...]:
    """The parts of a body that is whole. Raises `PartsInvalid`."""
    reader = PartReader(boundary)
    reader.feed(data)
    return reader.parts()


def write_parts(parts: Sequence[tuple[Mapping[str, str], bytes]]) -> tuple[str, bytes]:
    """Headers and content of each into one body, and its boundary: a hash of the contents, which so stands in none."""
    digest = sha256()
    for _, content in parts:
        digest.update(content)
    boundary = f"lgsp-{digest.hexdigest()}"
    pieces: list[bytes] = []
    for headers, content in parts:
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        pieces += [f"--{boundary}\r\n{head}\r\n".encode(), content, b"\r\n"]
    return boundary, b"".join([*pieces, f"--{boundary}--\r\n".encode()])


def media_type(content_type: str) -> tuple[str, Mapping[str, str]]:
    """Media type and parameters, both by lower-case names (RFC 9110 §8.3.1); empty where it cannot be read, or says one
    thing twice."""
    found = _TYPE.match(content_type)
    if found is None or len(content_type) > LONGEST_TYPE:
        return "", {}
    at, given = found.end(), dict[str, str]()
    while at < len(content_type):
        parameter = _PARAMETER.match(content_type, at)
        if parameter is None:
            return "", {}
        at = parameter.end()
        name, quoted, plain = parameter.groups()
        if name is None:
            continue
        if name.lower() in given:
            return "", {}
        given[name.lower()] = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
    return found[1].lower(), given


def _headers(head: bytes) -> Mapping[str, str]:
    given: dict[str, str] = {}
    for name, value in _lines(_FOLD.sub(" ", head.decode("latin-1"))):
        if name in given:
            raise PartsInvalid("a part says one header twice")
        given[name] = value
    return given


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in text.split("\r\n") if text else ():
        name, colon, value = line.partition(":")
        if not colon or not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise PartsInvalid("a part has a line among its headers that is none")
        yield name.lower(), value.strip(" \t")


def _part(head: Mapping[str, str], data: bytes) -> Part:
    name = head.get("content-id", "").removeprefix("<").removesuffix(">").strip()
    content_type = head.get("content-type", "")
    if not all(len(each) <= LONGEST_VALUE and _PRINTABLE.fullmatch(each) for each in (name, content_type)):
        raise PartsInvalid(f"Content-ID and Content-Type have at most {LONGEST_VALUE} characters of ASCII")
    if content_type.lower().lstrip().startswith("multipart/"):
        raise PartsInvalid("a part is in several parts itself")
    return Part(name, content_type, _decoded(head.get("content-transfer-encoding", ""), data))


def _decoded(encoding: str, data: bytes) -> bytes:
    """Without its transfer encoding (RFC 2045 §6)."""
    match encoding.lower():
        case "" | "binary" | "8bit" | "7bit":
            return data
        case "base64":
            try:
                return a2b_base64(data.translate(None, b"\r\n \t"), strict_mode=True)
            except NotBase64:
                raise PartsInvalid("a part is not in the base64 that it says") from None
        case "quoted-printable":
            return a2b_qp(data)
        case _:
            raise PartsInvalid("a part has a transfer encoding that no standard names")
