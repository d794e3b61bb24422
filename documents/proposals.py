"""From two schemas or contracts to a proposed document of kind Transform: found, compared and written in bounds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bus.errors import BusError, ContractUnknown, DocumentInvalid, QueryInvalid, VersionUnknown
from documents import kinds
from documents.bounded import TooCostly, run_bounded
from documents.kinds.contract import Contract, Payload
from documents.model import Documents
from documents.outline import Node, outline
from documents.problems import meant
from documents.proposing import CodeList, Proposal, commented, propose
from documents.shapes import Shapes, declared
from documents.yaml_text import read_yaml, typed
from documents.yaml_writing import write_yaml
from transforms.mapping import compile_mapping

SECONDS: Final = 30.0
MEMORY: Final = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class Order:
    """What is to become what, and what the transform is called. Each end is ``CONTRACT[@VERSION][#PART]``, the newest
    version and the request where nothing else is said, or ``FILE[#ELEMENT]``, a schema among the documents."""

    source: str
    target: str
    name: str


@dataclass(frozen=True, slots=True)
class Proposed:
    """`text` is the document, with what is said of each field behind it."""

    document: dict[str, Any]
    text: str
    proposal: Proposal


@dataclass(frozen=True, slots=True)
class _End:
    node: Node
    view: dict[str, str] | None = None
    """The XML, where no contract says which."""


def propose_bounded(documents: Documents, order: Order) -> Proposed:
    """Propose in a child process of bounded time and memory. Raises `QueryInvalid`, `ContractUnknown`,
    `VersionUnknown`, and `DocumentInvalid` for schemas that cannot be used."""
    try:
        found = run_bounded(_propose, documents, order, seconds=SECONDS, size=MEMORY)
    except TooCostly:
        hint = f"comparing the two took more than {SECONDS:g} s or {MEMORY >> 20} MiB"
        raise QueryInvalid(name="from", hint=hint) from None
    if isinstance(found, BusError):
        raise found
    return found


def _propose(documents: Documents, order: Order) -> Proposed | BusError:
    ends = _Ends(documents)
    try:
        source, target = ends.end("from", order.source), ends.end("to", order.target)
    except (ContractUnknown, VersionUnknown, QueryInvalid, DocumentInvalid) as error:
        return error
    lists = [CodeList(str(each.name), each.entries) for _, each in documents.of(kinds.CodeList)]
    proposal = propose(source.node, target.node, lists)
    if not proposal.fields:
        return QueryInvalid(name="from", hint="no field of the one is like any of the other")
    entries = {each.name: each.entries for each in lists}
    compile_mapping(order.name, proposal.fields, code_lists=entries, views=ends.shapes.view)
    document: dict[str, Any] = {"kind": "Transform", "name": order.name, "language": "mapping"}
    document |= {word: end.view for word, end in (("from", source), ("to", target)) if end.view}
    document["fields"] = proposal.fields
    return Proposed(document, written(document, proposal, order), proposal)


def written(document: Mapping[str, Any], proposal: Proposal, order: Order) -> str:
    """The document as YAML: what is said of each field stands behind it, what is missing before all."""
    text = write_yaml([document])
    (plain,), _ = read_yaml(text.encode())
    lines = list(commented(text, plain.lines, proposal.sure))
    again, flaws = read_yaml("\n".join(lines).encode())
    if flaws or [typed(each.value) for each in again] != [typed(plain.value)]:  # a line that ends within a text
        told = [f"# /{'/'.join(steps)}: {said}" for steps, said in proposal.sure.items()]
        lines = [*told, *text.splitlines()]
    return "\n".join([*_heading(proposal, order), *lines, ""])


def _heading(proposal: Proposal, order: Order) -> Iterator[str]:
    yield f"# Proposed by names and types, {order.source} → {order.target}: look at every line."
    for what, places in (
        ("must be there, and has no like", proposal.lacking),
        ("may be there, and has no like", proposal.open),
        ("of the source, taken by nothing", proposal.unused),
    ):
        if places:
            yield f"# {what}:"
            yield from (f"#   {each}" for each in places)


class _Ends:
    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self.shapes = Shapes(documents.files)

    def end(self, option: str, reference: str) -> _End:
        name, _, part = reference.partition("#")
        if name in self._documents.files:
            return self._file(option, name, part)
        return self._payload(self._part(option, self._contract(name), part))

    def _file(self, option: str, path: str, element: str) -> _End:
        if path.endswith(".json"):
            return _End(self._json(path))
        there = sorted(declared(self.shapes.xsd(path)))
        if not element and len(there) == 1:
            element = there[0]
        if element not in there:
            hint = f"write {path}#ELEMENT with a root element of it: {meant(element, there)}"
            raise QueryInvalid(name=option, hint=hint.rstrip(".?"))
        return _End(self._xml(path, element), {"format": "xml", "schema": path, "element": element})

    def _contract(self, reference: str) -> Contract:
        name, _, version = reference.partition("@")
        named = [each for _, each in self._documents.of(Contract) if each.name == name]
        if not named:
            raise ContractUnknown
        fitting = [each for each in named if not version or f"{each.version}.".startswith(f"{version}.")]
        if not fitting:
            raise VersionUnknown(contract=name, version=version)
        return max(fitting, key=lambda each: [int(number) for number in each.version.split(".")])

    def _part(self, option: str, contract: Contract, part: str) -> Payload:
        parts = {"request": contract.request} | ({"reply": contract.reply} if contract.reply else {})
        found = parts.get(part or "request")
        if found is None:
            hint = f"{contract.name} has no {part}: {meant(part, parts)}"
            raise QueryInvalid(name=option, hint=hint.rstrip(".?"))
        return found

    def _payload(self, payload: Payload) -> _End:
        path = str(payload.schema_path)
        return _End(self._json(path) if payload.format == "json" else self._xml(path, str(payload.element)))

    def _json(self, path: str) -> Node:
        resources = self.shapes.json_resources(path)
        return outline(resources[path], resources, path)

    def _xml(self, path: str, element: str) -> Node:
        schema, _ = self.shapes.view(path, element).json_schema()
        return outline(schema, {}, path)
