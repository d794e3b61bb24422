"""What a description is made of: a contract's words and the schemas of its payloads."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from bus.envelope import Exchange, Format
from contracts.model import Limits
from contracts.xsd import XsdDocuments


@dataclass(frozen=True, slots=True)
class Payload:
    """One payload. `path` is the file of its schema, `root` the element of XML, ``{namespace}Local``, and `view` where
    among the resources the JSON Schema of its JSON view lies."""

    format: Format
    path: str
    root: str | None = None
    view: str | None = None
    personal_data: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that may be answered; `payload` is None where its body is not said."""

    name: str
    payload: Payload | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """A version of a contract, with everything that describes it. `resources` are JSON Schemas by path, `files` the
    XSDs; `examples` requests by file name, `answers` an example of the reply and of faults, by what `payloads` calls
    them. A `deprecated` version is to be used no more, and works until its `sunset`."""

    name: str
    version: str
    exchange: Exchange
    owner: str
    title: Mapping[str, str]
    request: Payload
    reply: Payload | None = None
    faults: tuple[Fault, ...] = ()
    limits: Limits = field(default_factory=Limits)
    examples: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    answers: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    resources: Mapping[str, Any] = field(default_factory=dict, repr=False)
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    deprecated: bool = False
    sunset: date | None = None

    @property
    def reference(self) -> str:
        return f"{self.name}@{self.version.partition('.')[0]}"

    @property
    def heading(self) -> str:
        """The title in both languages."""
        return " | ".join(dict.fromkeys(filter(None, (self.title.get("vi"), self.title.get("en"))))) or self.name

    def payloads(self) -> Mapping[str, Payload]:
        """Every payload by what it is called in descriptions: request, reply, fault-NAME."""
        replies = {"reply": self.reply} if self.reply else {}
        faults = {f"fault-{each.name}": each.payload for each in self.faults if each.payload}
        return {"request": self.request, **replies, **faults}

    def xsd(self) -> XsdDocuments:
        """The XSDs of all payloads of XML, as one set; raises `SchemaInvalid`."""
        paths = dict.fromkeys(each.path for each in self.payloads().values() if each.format is Format.XML)
        return XsdDocuments(self.files, list(paths))
