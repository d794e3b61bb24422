"""How one server wants SOAP written: part of a system."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from adapters.payload import Undecodable, known_charset
from documents.kinds.base import Part
from documents.kinds.values import Element, Flag, Json, Line, Secret, Value


class Charset(Value):
    """A character set that the bus reads and writes."""

    __slots__ = ()
    PATTERN = r"[A-Za-z][A-Za-z0-9_.:-]{0,39}"
    HINT = "a character set is utf-8, us-ascii, windows-1258, windows-1252, iso-8859-1, utf-16, or another of these."

    @classmethod
    def check(cls, text: str) -> None:
        super().check(text)
        try:
            known_charset(text)
        except Undecodable:
            raise ValueError(cls.HINT) from None


class Prefix(Value):
    """A prefix of XML names (Namespaces in XML 1.0 §3)."""

    __slots__ = ()
    PATTERN = r"(?![xX][mM][lL])[A-Za-z_][A-Za-z0-9_.-]{0,49}"
    HINT = "a prefix is letters, digits, - _ and ., beginning with a letter other than xml: soapenv."


class PrefixOrNone(Prefix):
    """A prefix, or none for the default namespace."""

    __slots__ = ()
    PATTERN = rf"(?:{Prefix.PATTERN})?"
    HINT = f'{Prefix.HINT} The default namespace has the prefix "".'


class Namespace(Value):
    """A namespace of XML."""

    __slots__ = ()
    PATTERN = r"(?!http://www\.w3\.org/(?:XML/1998/namespace|2000/xmlns/)$)[^\s<>\"{}]{1,500}"
    HINT = "a namespace is a URI: http://his.example/ws, urn:his."


def _with_secrets(value: object) -> Any:
    """A value of JSON, its texts that name a secret as that."""
    if isinstance(value, dict):
        return {name: _with_secrets(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_with_secrets(each) for each in value]
    if not isinstance(value, str) or not value.startswith("secret:"):
        return value
    Secret.check(value)
    return Secret(value)


class Header(Part):
    """A header block that is the same in each call."""

    element: Element = Field(description='Its element, which the WSDL declares: "{namespace}Name".')
    value: Annotated[Json, AfterValidator(_with_secrets)] = Field(
        description="What stands in it, as the JSON view of its XML; a text may be secret:NAME."
    )
    must_understand: Flag = Field(default=False, description="Mark it with mustUnderstand.")


class Soap(Part):
    """How this server wants SOAP written, where it differs from others."""

    action: Literal["quoted", "bare", "empty", "none"] = Field(
        default="quoted",
        description="How SOAPAction is written, or the parameter `action` of SOAP 1.2: in quotes, bare, as two quotes"
        " with nothing between, or not at all.",
    )
    addressing: Literal["2005", "2004"] | None = Field(
        default=None, description="Send WS-Addressing headers: of 1.0 (2005), or of the submission of 2004."
    )
    must_understand: Flag = Field(default=False, description="Mark Action and To of WS-Addressing with mustUnderstand.")
    to: Line | None = Field(default=None, description="The address in To, where it is not the one that is called.")
    charset: Charset | None = Field(default=None, description="The character set of its answers, whatever they say.")
    request_charset: Charset | None = Field(
        default=None, description="The character set of requests: UTF-8 where nothing is said."
    )
    envelope: Prefix | None = Field(default=None, description="The prefix of the envelope's elements: soap.")
    prefixes: dict[Annotated[str, PrefixOrNone], Namespace] = Field(
        default_factory=dict,
        description='Prefix: the namespace in requests that it must stand for; "" is the default namespace.',
    )
    empty_answer: Flag = Field(
        default=False, description="An answer with nothing in it is the operation's element with nothing in it."
    )
    headers: list[Header] = Field(
        default_factory=list,
        description="Header blocks: each goes with the operations whose WSDL declares it, or with all where none does.",
    )
    signed_answers: Flag = Field(
        default=False, description="Take only answers that the certificate of `signedBy` signed (WS-Security)."
    )

    mtom: Flag = Field(
        default=False, description="Send requests in the parts of MTOM, with what is long and in base64 as bytes."
    )

    @model_validator(mode="after")
    def _coherent(self) -> "Soap":
        if len(set(self.prefixes.values())) < len(self.prefixes):
            raise ValueError("`prefixes` has one prefix for a namespace.")
        if self.addressing is None and (self.must_understand or self.to):
            raise ValueError("`mustUnderstand` and `to` belong to `addressing`.")
        return self
