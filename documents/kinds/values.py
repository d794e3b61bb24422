"""The small texts that documents are made of, each checked once, with a message that says how it is written."""

import re
from collections.abc import Callable
from datetime import date
from pathlib import PurePosixPath
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, PlainSerializer, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from bus.errors import AgencyCodeInvalid
from documents.yaml_text import typed
from identity.agencies import CODE, LEGACY_CODE, parse_code, parse_legacy_code


class Value(str):
    """A text of one form. `PATTERN` goes to editors; `HINT` is what a writer is told."""

    __slots__ = ()
    PATTERN: ClassVar[str] = ""
    HINT: ClassVar[str] = ""

    @classmethod
    def check(cls, text: str) -> None:
        """Raises `ValueError` saying what to write."""
        if not re.fullmatch(cls.PATTERN, text, re.ASCII):
            raise ValueError(cls.HINT)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def make(text: str) -> "Value":
            cls.check(text)
            return cls(text)

        return core_schema.no_info_after_validator_function(
            make, core_schema.str_schema(), serialization=core_schema.plain_serializer_function_ser_schema(str)
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        made = {"type": "string", "pattern": f"^(?:{cls.PATTERN})$"}
        return made if cls.PATTERN else {"type": "string"}


class Name(Value):
    """A name of a document."""

    __slots__ = ()
    PATTERN = r"(?=.{1,100}$)[a-z0-9]+(?:[.-][a-z0-9]+)*"
    HINT = "a name is small letters and digits, joined by single - or ., such as health.patient-referral."


class Reference(Value):
    """A contract and one of its majors."""

    __slots__ = ()
    PATTERN = r"[a-z0-9]+(?:[.-][a-z0-9]+)*@(?:0|[1-9][0-9]{0,5})"
    HINT = "a contract is named with its major: NAME@MAJOR, such as health.patient-referral@1."

    @property
    def contract(self) -> str:
        return self.partition("@")[0]

    @property
    def major(self) -> int:
        return int(self.partition("@")[2])


class Version(Value):
    """A version of a contract (Semantic Versioning 2.0.0 §2)."""

    __slots__ = ()
    PATTERN = r"(?:0|[1-9][0-9]{0,5})\.(?:0|[1-9][0-9]{0,5})\.(?:0|[1-9][0-9]{0,5})"
    HINT = "a version is three numbers: MAJOR.MINOR.PATCH, such as 1.2.0."


class Code(Value):
    """An agency code of Decision 20/2020/QĐ-TTg."""

    __slots__ = ()
    PATTERN = CODE.pattern

    @classmethod
    def check(cls, text: str) -> None:
        _as_value_error(parse_code, text)


class LegacyCode(Value):
    """An agency code of QCVN 102:2016/BTTTT."""

    __slots__ = ()
    PATTERN = LEGACY_CODE.pattern

    @classmethod
    def check(cls, text: str) -> None:
        _as_value_error(parse_legacy_code, text)


class FilePath(Value):
    """A file of the province folder."""

    __slots__ = ()
    PATTERN = r"(?!/)(?!.*(?:^|/)\.{1,2}(?:/|$))(?!.*//)[^\\\x00-\x1f:]{1,300}(?<!/)"
    HINT = "a file is named from the province folder, with / and without .., such as health/schemas/referral.json."

    @property
    def suffix(self) -> str:
        return PurePosixPath(self).suffix


class Secret(Value):
    """A reference to a secret of the system's own agency."""

    __slots__ = ()
    PATTERN = r"secret:[a-z0-9][a-z0-9_-]{0,63}"
    HINT = "a password or key never stands in a document: write secret:NAME, and set it with `lgsp secret set`."

    @property
    def name(self) -> str:
        return self.partition(":")[2]


class Endpoint(Value):
    """An address over HTTP."""

    __slots__ = ()
    PATTERN = r"https?://[^\s/?#@]+(?:/[^\s#]*)?"
    HINT = "an endpoint is https://HOST/PATH or http://HOST:PORT/PATH, without user, password and #."

    @classmethod
    def check(cls, text: str) -> None:
        super().check(text)
        try:
            there = urlsplit(text).hostname and urlsplit(text).port != 0
        except ValueError:
            there = False
        if not there:
            raise ValueError(cls.HINT)


class Element(Value):
    """The qualified name of an XML element."""

    __slots__ = ()
    PATTERN = r"(?:\{[^{}\s]+\})?[^\s{}:<>&'\"/]+"
    HINT = 'an element is written "{namespace}Name", in quotes; without a namespace, just Name.'


class OperationName(Value):
    """An operation of a system."""

    __slots__ = ()
    PATTERN = r"[A-Za-z_][A-Za-z0-9_.-]{0,199}"
    HINT = "an operation is letters, digits, - _ and ., beginning with a letter."


class Duration(Value):
    """A length of time (ISO 8601-1:2019 §5.5.2), in whole seconds; a year is 365 days, a month 30."""

    __slots__ = ()
    PATTERN = (
        r"P(?=[0-9T])(?:\d{1,6}Y)?(?:\d{1,6}M)?(?:\d{1,6}W)?(?:\d{1,6}D)?"
        r"(?:T(?=\d)(?:\d{1,6}H)?(?:\d{1,6}M)?(?:\d{1,6}S)?)?"
    )
    HINT = "a length of time is written as in ISO 8601: PT30S, PT15M, PT2H, P7D, P10Y."

    @classmethod
    def check(cls, text: str) -> None:
        super().check(text)
        if not cls(text).seconds:
            raise ValueError("a length of time is longer than nothing: PT30S, PT15M, PT2H, P7D, P10Y.")

    @property
    def seconds(self) -> int:
        days, _, time = self[1:].partition("T")
        return _sum(days, {"Y": 365 * 86_400, "M": 30 * 86_400, "W": 7 * 86_400, "D": 86_400}) + _sum(
            time, {"H": 3600, "M": 60, "S": 1}
        )


class HeaderName(Value):
    """The name of an HTTP header (RFC 9110 §5.1)."""

    __slots__ = ()
    PATTERN = r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}"
    HINT = "a header's name is letters, digits and -, such as X-API-Key."


class HeaderText(Value):
    """The value of an HTTP header."""

    __slots__ = ()
    PATTERN = r"[\x20-\x7e]{0,1000}"
    HINT = "a header's value is ASCII text of one line."


class Line(Value):
    """A text of one line that says something."""

    __slots__ = ()
    PATTERN = r"(?=.*\S)[^\x00-\x1f\x7f]{1,500}"
    HINT = "write some text, of one line."


class Language(Value):
    """A language tag."""

    __slots__ = ()
    PATTERN = r"[a-z]{2}"
    HINT = "a language is vi or en."


def _as_value_error(parse: Callable[[str], object], text: str) -> None:
    try:
        parse(text)
    except AgencyCodeInvalid as error:
        raise ValueError(error.facts["hint"] + ".") from None


def _sum(text: str, units: dict[str, int]) -> int:
    return sum(int(number) * units[unit] for number, unit in re.findall(r"([0-9]+)([A-Z])", text))


def _day(value: object) -> date:
    try:
        if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value, re.ASCII):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise ValueError("a day is YEAR-MONTH-DAY, and is one of the calendar: 2027-12-31.")


Day = Annotated[date, BeforeValidator(_day), PlainSerializer(str), WithJsonSchema({"type": "string", "format": "date"})]
Flag = Annotated[bool, BeforeValidator(typed)]
Json = Annotated[Any, BeforeValidator(typed)]
Texts = Annotated[dict[Annotated[str, Language], Line], Field(min_length=1)]


Count = Annotated[int, BeforeValidator(typed)]
Number = Annotated[float, BeforeValidator(typed)]
