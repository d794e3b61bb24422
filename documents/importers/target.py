"""What whoever imports says of it, and the documents that every import makes alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from documents.importers.naming import name_of
from documents.importers.report import Note, Remark, Severity

Document = dict[str, Any]
Exchange = Literal["request", "document", "event"]

NO_BASIS = Remark(
    "legal-basis-open",
    Severity.WARNING,
    "the grants say that their legal basis is still open: write it, or import with --legal-basis.",
    "các quyền được cấp còn để trống căn cứ pháp lý: hãy ghi vào, hoặc nhập với --legal-basis.",
)
AGENCY_UNNAMED = Remark(
    "agency-unnamed",
    Severity.WARNING,
    "the agency {agency} is not among the documents: it is written with its code for a name; give it its own.",
    "chưa có cơ quan {agency}: tạm ghi với tên là mã của nó; hãy ghi tên đúng.",
)
OPEN: Final = "(chưa ghi căn cứ pháp lý – legal basis still to be written)"


@dataclass(frozen=True, slots=True)
class Target:
    """For whom it is imported. `consumers` are systems that are granted to send; `messages` the format of contracts
    where both are possible; `service` and `port` narrow a WSDL. `endpoint` is where the system answers, over what a
    description says."""

    system: str
    agency: str
    version: str = "1.0.0"
    messages: str = "json"
    consumers: tuple[str, ...] = ()
    purpose: str | None = None
    legal_basis: str | None = None
    endpoint: str | None = None
    service: str | None = None
    port: str | None = None

    @property
    def folder(self) -> str:
        """Where the files lie: a version of a contract never changes, and so has files of its own."""
        return f"{self.system}/{self.version}"

    @property
    def major(self) -> str:
        return self.version.partition(".")[0]

    def contract(
        self, name: str, title: str, exchange: Exchange, request: Document, **parts: Document | str | None
    ) -> Document:
        """A contract of this version; `parts` that are None or empty are left out."""
        return {
            "kind": "Contract",
            "name": name,
            "version": self.version,
            "title": {"vi": title, "en": title},
            "owner": self.agency,
            "exchange": exchange,
            "request": request,
            **{part: value for part, value in parts.items() if value},
        }

    def reference(self, name: str) -> str:
        return f"{name}@{self.major}"

    @property
    def schemas(self) -> str:
        """Where schemas lie that the import makes itself."""
        return f"{self.folder}/schemas"

    def route(self, contract: str, operation: str | None, system: str | None = None) -> Document:
        named = {"operation": operation} if operation else {}
        return {"kind": "Route", "contract": self.reference(contract), "to": system or self.system, **named}

    def grant(self, contract: str, system: str, may: Literal["send", "receive"], title: str) -> Document:
        return {
            "kind": "Grant",
            "contract": self.reference(contract),
            "system": system,
            "may": may,
            "purpose": self.purpose or title,
            "legalBasis": self.legal_basis or OPEN,
        }

    def grants(self, contract: str, system: str, title: str) -> list[Document]:
        """That the system receives a contract, and that the consumers send it."""
        senders = [self.grant(contract, consumer, "send", title) for consumer in self.consumers]
        return [self.grant(contract, system, "receive", title), *senders]

    def contract_name(self, foreign: str) -> str:
        return f"{self.system}.{name_of(foreign)}"

    def notes(self, documents: list[Document]) -> list[Note]:
        """What is still to be written by a person."""
        grants = any(each["kind"] == "Grant" for each in documents)
        return [Note(NO_BASIS, self.system)] if grants and not self.legal_basis else []


def agency(code: str) -> Document:
    """An agency that nobody has written yet."""
    return {"kind": "Agency", "code": code, "name": {"vi": code, "en": code}}


def consumer(name: str, agency_code: str) -> Document:
    """A system that only sends."""
    return {"kind": "System", "name": name, "agency": agency_code, "adapter": "rest"}


def xml_payload(path: str, element: str) -> Document:
    return {"format": "xml", "schema": path, "element": element}


def json_payload(path: str) -> Document:
    return {"format": "json", "schema": path}


def mentioned(documents: list[Document]) -> Mapping[str, None]:
    """The agencies that documents name, in order."""
    codes = (each.get(field) for each in documents for field in ("agency", "owner", "parent"))
    return {code: None for code in codes if code}
