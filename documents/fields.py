"""The fields of a contract's payloads: their names as words, their types, formats and code lists, and where they stand.

Names are compared as people mean them: `NgaySinh`, `ngay_sinh`, `Ngày sinh` and `birthDate` are one.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from unicodedata import combining, normalize

from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from contracts.json_schema import BASE, addressed

MOST: Final = 400
"""Fields of a payload that are looked at."""

DEEPEST: Final = 12

# What officials and engineers call the same, in the two languages in which systems here name their fields.
GLOSSARY: Final[Mapping[str, str]] = {
    alias: concept
    for concept, aliases in {
        "full name": "ho ten|ho va ten|ten day du|fullname|hoten",
        "birth date": "ngay sinh|date of birth|dob|birthday|ngaysinh",
        "gender": "gioi tinh|sex|gioitinh",
        "address": "dia chi|diachi",
        "phone": "dien thoai|so dien thoai|telephone|phone number|mobile|sdt|dienthoai",
        "identity number": "so dinh danh|cccd|cmnd|so cccd|so cmnd|citizen id|national id|so giay to|sodinhdanh",
        "province": "tinh|tinh thanh|thanh pho",
        "district": "huyen|quan|quan huyen",
        "ward": "xa|phuong|xa phuong|commune",
        "agency": "co quan|don vi|organisation|organization|department|coquan|donvi",
        "dossier": "ho so|hoso|case file",
        "code": "ma",
        "name": "ten",
        "number": "so",
        "date": "ngay",
        "time": "gio|thoi gian|thoi diem",
        "state": "trang thai|status|trangthai|tinh trang",
        "reason": "ly do|cause|lydo",
        "note": "ghi chu|remark|comment|ghichu",
        "amount": "so tien|sotien|money",
        "quantity": "so luong|soluong",
        "diagnosis": "chan doan|diagnoses|chandoan",
        "patient": "benh nhan|nguoi benh|benhnhan",
        "person": "cong dan|nguoi|ca nhan|citizen|congdan",
        "nationality": "quoc tich|quoctich",
        "ethnicity": "dan toc|dantoc",
        "religion": "ton giao|tongiao",
        "occupation": "nghe nghiep|job|nghenghiep",
        "father": "cha|bo",
        "mother": "me",
        "land parcel": "thua dat|thuadat|parcel",
        "area": "dien tich|dientich",
        "tax code": "ma so thue|masothue|mst|tax id|tin",
        "enterprise": "doanh nghiep|company|business|doanhnghiep",
        "licence": "giay phep|license|permit|giayphep",
        "fee": "phi|le phi|lephi|charge",
        "issued date": "ngay cap|issue date|date of issue|ngaycap",
        "result": "ket qua|ketqua",
        "receipt": "bien nhan|bien lai",
        "vehicle": "phuong tien|xe|phuongtien",
        "station": "tram|tram do",
        "measurement": "chi so|quan trac|reading",
    }.items()
    for alias in (concept, *aliases.split("|"))
}
_LONGEST_ALIAS: Final = max(len(alias.split()) for alias in GLOSSARY)
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


@dataclass(frozen=True, slots=True)
class Field:
    """One value of a payload. `path`: the names from the root; `words`: what its own name means, and `whole` that name
    without anything between its words; `around`: what the name of the object that it stands in means."""

    path: tuple[str, ...]
    words: frozenset[str]
    whole: str
    around: frozenset[str]
    kind: str = ""
    format: str = ""
    codes: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return "/".join(self.path)


@lru_cache(maxsize=50_000)
def meaning(name: str) -> frozenset[str]:
    """The words of a name, without diacritics, in whatever way it is written, and what the glossary calls them."""
    words = [word.lower() for word in _WORD.findall(_plain(name))]
    found: list[str] = []
    while words:
        for size in range(min(_LONGEST_ALIAS, len(words)), 0, -1):
            concept = GLOSSARY.get(" ".join(words[:size]))
            if concept or size == 1:
                found += (concept or _singular(words[0])).split()
                del words[:size]
                break
    return frozenset(found)


def _plain(name: str) -> str:
    apart = normalize("NFD", name.replace("đ", "d").replace("Đ", "D"))
    return "".join(each for each in apart if not combining(each))


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def fields_of(schema: Any, resources: Mapping[str, Any], path: str) -> list[Field]:
    """The values that a JSON Schema at `path` names, at most 400, each once."""
    known = [(uri, DRAFT202012.create_resource(each)) for uri, each in addressed({**resources, path: schema})]
    registry: Registry[Any] = Registry().with_resources(known)
    found: dict[tuple[str, ...], Field] = {}
    for field in _walk(schema, registry.resolver(BASE + path), (), ()):
        found.setdefault(field.path, field)
        if len(found) >= MOST:
            break
    return list(found.values())


def _walk(schema: Any, resolver: Any, path: tuple[str, ...], seen: tuple[int, ...]) -> Iterator[Field]:
    if not isinstance(schema, Mapping) or id(schema) in seen or len(seen) > 3 * DEEPEST or len(path) > DEEPEST:
        return
    seen = (*seen, id(schema))
    inner = list(_inner(schema, path))
    reference = schema.get("$ref")
    if isinstance(reference, str):
        try:
            resolved = resolver.lookup(reference)
        except (Unresolvable, ValueError):
            return
        yield from _walk(resolved.contents, resolved.resolver, path, seen)
    elif path and not inner:
        yield _field(schema, path)
    for below, each in inner:
        yield from _walk(each, resolver, below, seen)


def _inner(schema: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """What a schema says of members, items, and of the same value again, apart from plain types."""
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        yield from (((*path, str(name)), each) for name, each in properties.items())
    if isinstance(items := schema.get("items"), Mapping):
        yield path, items
    for word in ("allOf", "anyOf", "oneOf"):
        parts = schema.get(word)
        if isinstance(parts, list):
            yield from (
                (path, each) for each in parts if not (isinstance(each, Mapping) and each.get("type") == "null")
            )


def _field(schema: Mapping[str, Any], path: tuple[str, ...]) -> Field:
    kinds = schema.get("type", "")
    kind = next((each for each in kinds if each != "null"), "") if isinstance(kinds, list) else kinds
    codes = schema.get("enum")
    known = frozenset(str(each) for each in codes if each is not None) if isinstance(codes, list) else frozenset()
    return named(path, str(kind), str(schema.get("format", "")), known)


def named(path: tuple[str, ...], kind: str = "", form: str = "", codes: frozenset[str] = frozenset()) -> Field:
    """The field at these names. `$` is the text of an element that has attributes: it is called as the element is."""
    names = [name.removeprefix("@") for name in path if name != "$"] or [path[-1]]
    around = meaning(names[-2]) if len(names) > 1 else frozenset()
    whole = "".join(_WORD.findall(_plain(names[-1]))).lower()
    return Field(path, meaning(names[-1]), whole, around, kind, form, codes)
