"""Dates as the country's systems write them, from one form into another.

A form is `date` or `dateTime` (ISO 8601, as in XSD and RFC 3339), or a pattern of yyyy MM dd HH mm ss with - / . : T
and spaces between. Reading is strict: 31/02 is no date. A moment with a zone is told in the country's own time, UTC+7
all year, and `dateTime` is written with that zone; a time that a source does not have is midnight.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter

from transforms.findings import invalid, shown
from transforms.scope import MISSING, Broken, Convert

_COUNTRY = timedelta(hours=7)
_PARTS = {"yyyy": "year", "MM": "month", "dd": "day", "HH": "hour", "mm": "minute", "ss": "second"}
_ORDER = tuple(_PARTS)
_TOKEN = re.compile("|".join(_PARTS) + "|[-/.: T]")
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d) (?: T (\d\d):(\d\d):(\d\d) (?:\.\d+)? )? (?: Z | ([+-])(0\d|1[0-4]):([0-5]\d) )?",
    re.ASCII | re.VERBOSE,
)
_HINT = "yyyy is the year, MM the month, dd the day, HH the hour (0 to 23), mm the minute, ss the second."

ISO = "ISO 8601"


@dataclass(frozen=True, slots=True)
class Form:
    """One way to write a date: `read` raises ValueError for a text in another form, or OverflowError for a moment
    that falls outside the years 1 to 9999."""

    text: str
    parts: frozenset[str]
    read: Callable[[str], datetime]
    write: Callable[[datetime], str]


def compile_date(target: str | None, source: str | None) -> Convert:
    """From a text in the form `source` into the form `target`; both are ISO 8601 unless they are named.

    Raises `DocumentInvalid` for a form that is none, and where the target needs what the source does not have.
    """
    reader = compile_form(source or ISO)
    writer = compile_form(target or ("dateTime" if "HH" in reader.parts else "date"))
    missing = (writer.parts - reader.parts) & {"MM", "dd"}
    if missing:
        needed = " and ".join(sorted(missing))
        raise invalid(f"{shown(reader.text)} does not have {needed}, which {shown(writer.text)} needs.")
    rule = f"the text is not a date of the form {reader.text}"

    def convert(value: object) -> object:
        text = str(value) if type(value) is int and 0 <= value < 10**14 else value
        if not isinstance(text, str):
            raise Broken(rule)
        if not text:
            return MISSING
        try:
            return writer.write(reader.read(text))
        except (ValueError, OverflowError):
            raise Broken(rule) from None

    return convert


def compile_form(text: str) -> Form:
    """Raises `DocumentInvalid`."""
    if text in {ISO, "dateTime"}:
        return Form(text, frozenset(_ORDER), _read_iso, _iso_moment)
    if text == "date":
        return _pattern("yyyy-MM-dd", "date")
    return _pattern(text, text)


def _pattern(text: str, name: str) -> Form:
    tokens = _TOKEN.findall(text)
    parts = [token for token in tokens if token in _PARTS]
    if "".join(tokens) != text:
        raise invalid(f"{shown(text)} is not a form of dates. {_HINT}")
    if sorted(parts, key=_ORDER.index) != list(_ORDER[: len(parts)]) or not parts:
        raise invalid(f"{shown(text)} skips or repeats a part of the date. {_HINT}")
    return Form(name, frozenset(parts), _reader(tokens), _writer(tokens, parts))


def _reader(tokens: Sequence[str]) -> Callable[[str], datetime]:
    groups = (f"(?P<{_PARTS[one]}>" + r"\d" * len(one) + ")" if one in _PARTS else re.escape(one) for one in tokens)
    pattern = re.compile("".join(groups), re.ASCII)

    def read(text: str) -> datetime:
        found = pattern.fullmatch(text)
        if found is None:
            raise ValueError
        given = {"month": 1, "day": 1, **{part: int(digits) for part, digits in found.groupdict().items()}}
        return datetime(**given)  # type: ignore[arg-type]  # noqa: DTZ001  # told in the country's time throughout

    return read


def _writer(tokens: Sequence[str], parts: Sequence[str]) -> Callable[[datetime], str]:
    template = "".join(f"%0{len(one)}d" if one in _PARTS else one for one in tokens)
    values = attrgetter(*(_PARTS[part] for part in parts))
    return lambda moment: str(template % values(moment))


def _read_iso(text: str) -> datetime:
    found = _ISO.fullmatch(text)
    if found is None:
        raise ValueError
    year, month, day, hour, minute, second, sign, zone_hours, zone_minutes = found.groups()
    if hour is None:
        return datetime(int(year), int(month), int(day))  # noqa: DTZ001
    moment = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second))  # noqa: DTZ001
    if sign is None and text[-1] != "Z":
        return moment
    zone = timedelta(hours=int(zone_hours or 0), minutes=int(zone_minutes or 0))
    return moment + _COUNTRY + (zone if sign == "-" else -zone)


def _iso_moment(moment: datetime) -> str:
    return moment.isoformat() + "+07:00"
