"""What is said in every conversation, and what each case of the table looks at."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from lxml import etree

NS: Final = "urn:interop"
NIL: Final = "{http://www.w3.org/2001/XMLSchema-instance}nil"

TEXT: Final = "Nguyễn Thị Bình \U00020bb7\U0001f600 Tie\u0302\u0301ng <&> \"nháy\" 'đơn'"
"""Vietnamese, two characters beyond the basic plane, a letter with two combining marks, and what XML escapes."""

ENTRY: Final[Mapping[str, Any]] = {
    "text": TEXT,
    "kind": "keep",
    "whole": -42,
    "amount": "12345678901.25",
    "right": True,
    "day": "2026-02-28",
    "at": "2026-02-28T16:59:59Z",
    "octets": "AP8Q",
    "note": None,
    "blank": "",
    "tag": ["một", "", "ba"],
    "part": [{"name": "một mình", "count": 2}],
    "left": [],
}
NUMBER: Final = 7
REFUSED: Final = {"reason": "Hồ sơ đã khoá \U00020bb7", "field": "kind"}
VIEW: Final[Mapping[str, Any]] = {
    "text": TEXT,
    "amount": 51.5,
    "day": "2026-02-28",
    "note": None,
    "tags": ["một", ""],
    "parts": [{"name": "một mình", "count": 2}],
}

FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "reply": ("kind", "whole", "amount", "right", "octets"),
    "unicode": ("text",),
    "dates": ("day", "at"),
    "nil": ("note",),
    "empty": ("blank",),
    "repeated": ("tag", "part", "left"),
}
"""The members of an entry that a case looks at."""


def entry_xml(kind: str = "keep", tag: str = "entry") -> str:
    """The entry as its schema has it."""
    text = TEXT.replace("&", "&amp;").replace("<", "&lt;")
    return (
        f"<{tag}><text>{text}</text><kind>{kind}</kind><whole>-42</whole><amount>12345678901.25</amount>"
        "<right>true</right><day>2026-02-28</day><at>2026-02-28T23:59:59+07:00</at><octets>AP8Q</octets>"
        '<note xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"/><blank/>'
        f"<tag>một</tag><tag/><tag>ba</tag><part><name>một mình</name><count>2</count></part></{tag}>"
    )


def record_xml(kind: str = "keep") -> bytes:
    return f'<Record xmlns="{NS}">{entry_xml(kind)}</Record>'.encode()


def recorded_xml() -> bytes:
    return f'<Recorded xmlns="{NS}"><number>{NUMBER}</number>{entry_xml(tag="kept")}</Recorded>'.encode()


def refused_xml() -> bytes:
    inner = "".join(f"<{name}>{text}</{name}>" for name, text in REFUSED.items())
    return f'<Refused xmlns="{NS}">{inner}</Refused>'.encode()


def note_xml() -> bytes:
    text = TEXT.replace("&", "&amp;").replace("<", "&lt;")
    return f'<Note xmlns="{NS}"><text>{text}</text></Note>'.encode()


def read_entry(parent: etree._Element) -> dict[str, Any]:
    """The first child that is an entry, as `ENTRY` writes it: only what says the same is the same."""
    entry = next(each for each in parent if len(each))
    found: dict[str, Any] = {"tag": [], "part": [], "left": []}
    for each in entry:
        name, text = etree.QName(each).localname, each.text or ""
        assert etree.QName(each).namespace == NS
        if name == "part":
            found[name].append(_part(each))
        elif name in {"tag", "left"}:
            found[name].append(text)
        elif name == "note":
            found[name] = None if each.get(NIL) in {"true", "1"} else text
        else:
            found[name] = _value(name, text)
    return found


def _part(element: etree._Element) -> dict[str, Any]:
    values = {etree.QName(each).localname: each.text or "" for each in element}
    return {name: int(text) if name == "count" else text for name, text in values.items()}


def _value(name: str, text: str) -> Any:
    match name:
        case "whole":
            return int(text)
        case "right":
            return {"true": True, "1": True, "false": False, "0": False}[text.strip()]
        case "at":
            return instant(text)
        case "octets":
            return "".join(text.split())
        case "amount":
            return text.strip()
        case _:
            return text


def instant(text: str) -> str:
    """A time with its offset, as the same moment in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
