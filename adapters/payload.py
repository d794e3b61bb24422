"""What an answer's bytes are: which format, and the same text in UTF-8."""

import codecs
import re
from unicodedata import normalize

from bus.envelope import Body, Format

# The character sets of systems one meets, by Python's own names. No other codec is reached with bytes from outside:
# punycode and idna take quadratic time, unicode_escape means something else than text.
CHARSETS = frozenset(
    {
        "utf-8", "ascii", "utf-16", "utf-16-le", "utf-16-be", "utf-32",
        *(f"iso8859-{part}" for part in range(1, 16) if part != 12),
        *(f"cp{page}" for page in range(1250, 1259)),
    }
)  # fmt: skip
BOMS = (  # the longer first: UTF-32's begins with UTF-16's
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
CHARSET = re.compile(r";\s*charset\s*=\s*\"?([\w.:+-]{1,40})", re.IGNORECASE)
DECLARATION = re.compile(rb"<\?xml\s[^>]{0,200}?\?>")
ENCODING = re.compile(rb"\bencoding\s*=\s*[\"']([\w.:+-]{1,40})[\"']")
PAGE = re.compile(rb"\s*(?:<!--[^>]{0,500}-->\s*)?<(?:!doctype\s+html|html)\b", re.IGNORECASE)


class Undecodable(ValueError):
    """The bytes are not text in the character set they claim, or it is one that the bus does not read."""


def payload(content_type: str, data: bytes) -> Body:
    """Read an answer as JSON or XML, by its first character: JSON never begins with ``<``, XML always does.

    Systems declare ``text/html`` for JSON and nothing at all for XML, so the declared type decides only the character
    set. UTF-8 comes back byte for byte, but for a byte order mark. Raises `Undecodable`.
    """
    return as_received(to_utf8(content_type, data))


def as_received(data: bytes) -> Body:
    """Bytes that may not even be text, to be kept for people to look at."""
    return Body(Format.XML if data[:64].lstrip().startswith(b"<") else Format.JSON, data)


def is_page(data: bytes) -> bool:
    """Whether this is an HTML page: a log-in form or an error page, whatever its status, and nobody's answer."""
    return PAGE.match(data[:1024]) is not None


def to_utf8(content_type: str, data: bytes, charset: str = "") -> bytes:
    """The text in UTF-8: by byte order mark, else the charset parameter, else the XML declaration (RFC 7303 §3).

    A `charset` is what the text is in whatever it says, but for a byte order mark. An XML declaration that names
    another encoding is dropped. Letters of windows-1258, which has their tones apart, are composed. Raises
    `Undecodable`.
    """
    mark, marked = next(((mark, name) for mark, name in BOMS if data.startswith(mark)), (b"", ""))
    declared = "" if charset else _declared(data[len(mark) :])
    found = marked or _believable(charset or _parameter(content_type) or declared or "utf-8", data)
    try:
        if found in {"utf-8", "ascii"}:
            data = data[len(mark) :]
            data.decode()
            return undeclared(data) if charset or declared not in {"", "utf-8"} else data
        text = data.decode(found)
        text = normalize("NFC", text) if found == "cp1258" else text
        return undeclared(text.encode().removeprefix(codecs.BOM_UTF8))
    except UnicodeError:
        raise Undecodable from None


def known_charset(name: str) -> str:
    """Python's own name of a character set. Raises `Undecodable` for one that the bus does not read."""
    try:
        canonical = codecs.lookup(name).name
    except LookupError:
        raise Undecodable from None
    if canonical not in CHARSETS:
        raise Undecodable
    return canonical


def undeclared(data: bytes) -> bytes:
    """Drop byte order mark and XML declaration, for a document that becomes part of another or changes its encoding."""
    data = data.removeprefix(codecs.BOM_UTF8)
    if not data.startswith(b"<?xml") or not data[5:6].isspace():
        return data
    _, end, document = data.partition(b"?>")
    return document.lstrip() if end else data


def _parameter(content_type: str) -> str:
    found = CHARSET.search(content_type)
    return known_charset(found[1]) if found else ""


def _declared(data: bytes) -> str:
    declaration = DECLARATION.match(data)
    found = ENCODING.search(declaration[0]) if declaration else None
    return known_charset(found[1].decode()) if found else ""


def _believable(charset: str, data: bytes) -> str:
    """Text that begins with ASCII is not in UTF-16, whatever it says: .NET declares that in strings it sends in UTF-8.

    Without a byte order mark the order shows in where the zero bytes are.
    """
    if not charset.startswith(("utf-16", "utf-32")):
        return charset
    if b"\0" not in data[:4]:
        return "utf-8"
    return charset if charset != "utf-16" else "utf-16-be" if data[0] == 0 else "utf-16-le"
