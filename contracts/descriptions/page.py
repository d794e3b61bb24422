"""A contract as a page for people: whole in one file, without scripts, nothing fetched.

It is built of elements, never of text, so that whatever documents and examples say stays text.
"""

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterator
from typing import Any, Final

import orjson
from lxml.html import builder as h
from lxml.html import tostring

from bus.envelope import Format
from bus.errors import SchemaInvalid
from bus.languages import Language
from contracts.descriptions.examples import answers, examples
from contracts.descriptions.json_schema import json_schema
from contracts.descriptions.model import Payload, Subject
from contracts.descriptions.wsdl import schemas

STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}"
    "table{border-collapse:collapse;width:100%}th,td{border:1px solid #bbb;padding:.3rem .5rem;text-align:left;"
    "vertical-align:top}pre{background:#f4f4f4;padding:.7rem;overflow:auto}code{overflow-wrap:anywhere}"
)
POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The Content-Security-Policy that the page is served with (CSP level 3)."""
MOST: Final = 500
"""Fields that a page lists."""

_WORDS: Final = {
    "owner": ("Đơn vị chủ quản", "Owner"),
    "exchange": ("Kiểu trao đổi", "Exchange"),
    "request": ("Yêu cầu: hỏi và được trả lời", "request: asked and answered"),
    "document": ("Văn bản: gửi đến một nơi nhận", "document: sent to one receiver"),
    "event": ("Sự kiện: gửi đến mọi nơi đăng ký", "event: sent to every subscriber"),
    "limits": ("Giới hạn", "Limits"),
    "bytes": ("byte", "bytes"),
    "seconds": ("giây", "seconds"),
    "deprecated": ("Sắp ngừng", "Deprecated"),
    "until": ("dùng phiên bản khác trước ngày", "use another version before"),
    "sent": ("Nội dung gửi", "What is sent"),
    "reply": ("Phản hồi", "Reply"),
    "fault": ("Lỗi", "Fault"),
    "field": ("Trường", "Field"),
    "type": ("Kiểu", "Type"),
    "needed": ("Bắt buộc", "Required"),
    "meaning": ("Ý nghĩa", "Meaning"),
    "yes": ("có", "yes"),
    "personal": ("dữ liệu cá nhân", "personal data"),
    "example": ("Ví dụ", "Example"),
    "made": ("Tạo tự động từ lược đồ.", "Made of the schema."),
    "send": ("Cách gửi", "How to send"),
    "losses": ("Điều mà XSD và WSDL không nói được", "What the XSD and the WSDL cannot say"),
    "root": ("Phần tử gốc", "Root element"),
    "more": ("Còn các trường khác: xem schema.json.", "There are more fields: see schema.json."),
    "no-form": ("Không có ở dạng này", "Not to be had in this form"),
    "files": ("Ở dạng khác", "In other forms"),
}


def page(subject: Subject, language: Language) -> bytes:
    """The page, in UTF-8."""
    say = _Words(language)
    head = h.HEAD(
        h.META(charset="utf-8"),
        h.META({"name": "viewport", "content": "width=device-width"}),
        h.TITLE(_safe(f"{subject.name} {subject.version}")),
        h.STYLE(STYLE),
    )
    html = h.HTML(head, h.BODY(*_body(subject, say)), lang=language.value)
    written: bytes = tostring(html, encoding="utf-8", doctype="<!DOCTYPE html>")
    return written


class _Words:
    def __init__(self, language: Language) -> None:
        self._english = language is Language.EN

    def __getitem__(self, key: str) -> str:
        return _WORDS[key][self._english]

    def text(self, both: str) -> str:
        """Of a text ``Vietnamese | English``, the reader's."""
        parts = both.split(" | ")
        return _safe(parts[self._english] if len(parts) == 2 else both)


def _safe(text: str) -> str:
    """As XML can hold it (XML 1.0 §2.2)."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)


def _body(subject: Subject, say: _Words) -> Iterator[Any]:
    yield h.H1(say.text(subject.heading))
    yield h.P(h.CODE(f"{subject.name} {subject.version}"))
    limits = subject.limits
    yield _rows(
        (say["owner"], subject.owner),
        (say["exchange"], say[subject.exchange.value]),
        (say["limits"], f"{limits.max_bytes} {say['bytes']}; {limits.timeout:g} {say['seconds']}"),
        *(((say["deprecated"], f"{say['until']} {subject.sunset or '-'}"),) if subject.deprecated else ()),
    )
    try:
        definitions = json_schema(subject)["$defs"]
    except SchemaInvalid as refused:
        definitions = {}
        yield h.P(_safe(f"{say['no-form']}: {refused.text}"))
    for name, payload in subject.payloads().items():
        yield h.H2(_heading(name, say))
        yield from _payload(payload, definitions.get(name), definitions, say)
    yield from _examples(subject, say)
    yield h.H2(say["send"])
    yield h.PRE(_curl(subject))
    yield from _forms(subject, say)


def _heading(name: str, say: _Words) -> str:
    if name == "request":
        return say["sent"]
    return say["reply"] if name == "reply" else f"{say['fault']}: {name.removeprefix('fault-')}"


def _rows(*rows: tuple[str, str]) -> Any:
    return h.TABLE(*(h.TR(h.TH(head), h.TD(_safe(text))) for head, text in rows))


def _payload(payload: Payload, schema: Any, definitions: dict[str, Any], say: _Words) -> Iterator[Any]:
    if payload.format is Format.XML:
        yield h.P(f"XML. {say['root']}: ", h.CODE(_safe(payload.root or "")))
    fields = list(_fields(schema, definitions, "", (), payload.personal_data, say))
    head = h.TR(*(h.TH(say[each]) for each in ("field", "type", "needed", "meaning")))
    yield h.TABLE(head, *(h.TR(h.TD(h.CODE(row[0])), *map(h.TD, row[1:])) for row in fields[:MOST]))
    if len(fields) > MOST:
        yield h.P(say["more"])


def _fields(
    schema: Any, definitions: dict[str, Any], place: str, seen: tuple[int, ...], personal: tuple[str, ...], say: _Words
) -> Iterator[tuple[str, str, str, str]]:
    """Path, type, whether it is needed, and what it means, of every member; a type within itself once."""
    schema = _followed(schema, definitions)
    if not isinstance(schema, dict) or id(schema) in seen or len(seen) > 20:
        return
    seen = (*seen, id(schema))
    for name, member in schema.get("properties", {}).items():
        inner, path = _followed(member, definitions), f"{place}/{name}"
        described = next((str(each["description"]) for each in (member, inner) if "description" in _dict(each)), "")
        marks = [say.text(described)] + ([say["personal"]] if _covered(path, personal) else [])
        needed = say["yes"] if name in schema.get("required", ()) else ""
        yield _safe(path), _safe(_type(inner)), needed, "; ".join(filter(None, marks))
        yield from _fields(inner, definitions, path, seen, personal, say)
    if "items" in schema:
        yield from _fields(schema["items"], definitions, f"{place}/*", seen, personal, say)


def _followed(schema: Any, definitions: dict[str, Any]) -> Any:
    for _ in range(20):
        reference = schema.get("$ref") if isinstance(schema, dict) else None
        if not isinstance(reference, str):
            break
        schema = definitions.get(reference.rpartition("/")[2])
    return schema


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _covered(path: str, personal: tuple[str, ...]) -> bool:
    return any(path == each or path.startswith(f"{each}/") for each in personal)


def _type(schema: Any) -> str:
    """A type and what bounds it, in the words of JSON Schema."""
    schema = _dict(schema)
    if "const" in schema or "enum" in schema:
        options = schema.get("enum", [schema.get("const")])
        return " | ".join(orjson.dumps(each).decode() for each in options[:20]) + (" | …" if len(options) > 20 else "")
    types = schema.get("type", "")
    words = [" | ".join(types) if isinstance(types, list) else str(types)]
    bounds = ("format", "pattern", "minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems")
    return ", ".join(filter(None, [*words, *(f"{key} {schema[key]}" for key in bounds if key in schema)]))


def _examples(subject: Subject, say: _Words) -> Iterator[Any]:
    """Requests, then the reply and faults."""
    for name, value in examples(subject).items():
        yield h.H2(_safe(f"{say['example']}: {name}"))
        yield h.PRE(_shown(value))
    for name, answer in answers(subject).items():
        yield h.H2(_safe(f"{say['example']}: {_heading(name, say)}"))
        if answer.made:
            yield h.P(say["made"])
        yield h.PRE(_shown(answer.value))


def _shown(value: Any) -> str:
    return _safe(value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


def _curl(subject: Subject) -> str:
    media = subject.request.format.media_type
    return (
        f'curl -X POST "$GATEWAY/messages/{subject.reference}" \\\n  -H "Authorization: Bearer $TOKEN" \\\n'
        f'  -H "Content-Type: {media}" \\\n  --data-binary @message.{subject.request.format.value}'
    )


def _forms(subject: Subject, say: _Words) -> Iterator[Any]:
    yield h.H2(say["files"])
    base = f"/contracts/{subject.name}@{subject.version}"
    names = ("openapi.json", "asyncapi.json", "schema.json", "contract.wsdl", "schema.xsd")
    yield h.UL(*(h.LI(h.CODE(f"{base}/{name}")) for name in names))
    try:
        _, losses = schemas(subject)
    except SchemaInvalid as refused:
        yield h.P(_safe(f"WSDL, XSD: {say['no-form']}: {refused.text}"))
        return
    if losses:
        yield h.H2(say["losses"])
        yield h.UL(*(h.LI(_safe(each)) for each in losses))
