"""WSDL 1.1 into a system for each port type, and for each operation a contract, a route and the grants.

A contract is in JSON: the view of the operation's XML (docs/mapping.md), with a schema derived from the XSD, so that an
old SOAP service is called by JSON over HTTP without anybody writing a transform. `messages: xml` keeps the XML instead.
"""

import re
from collections.abc import Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass, field, replace
from typing import Any, Final

import orjson
from lxml import etree

from adapters.soap.envelope import SoapVersion
from adapters.soap.multipart import OCTETS
from adapters.soap.wsdl import Description, Operation, Port, Service
from bus.envelope import Body, Format
from bus.errors import DocumentInvalid, Finding, SchemaInvalid, TransformFailed
from contracts.json_body import parse_json
from contracts.json_schema import JsonSchemaValidator
from contracts.model import MOST_ATTACHMENTS
from contracts.xml_body import parse_xml
from documents.files import closure
from documents.importers import wsdl_remarks as remarks
from documents.importers.naming import Names, is_element, line_of, name_of, path_of, words_of
from documents.importers.report import Imported, Note, Remark
from documents.importers.source import SEVERAL, InUtf8, Refused, Source, shown
from documents.importers.target import Document, Target, json_payload, xml_payload
from documents.kinds.contract import MediaType
from documents.kinds.values import Endpoint, OperationName
from transforms.xml_sample import NoSample
from transforms.xml_view import XmlView

SUFFIX: Final = ".wsdl"
NOTHING: Final = {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "maxProperties": 0}


def import_wsdl(source: Source, target: Target) -> Imported:
    """The documents of every port type of a WSDL; raises `Refused` where there is none that can be called."""
    source = replace(source, files=InUtf8(source.files))
    path = _entry(source)
    files = closure([path], source.files)
    try:
        description = Description(path, files)
        ports = _ports(description, target)
    except DocumentInvalid as error:
        raise Refused(*remarks.notes_of(error.findings)) from None
    importing = _Importing(path, target, description)
    importing.notes += ports.notes
    importing.all(ports.chosen)
    placed = {path_of(target.folder, each): data for each, data in files.items()}
    notes = (*importing.notes, *target.notes(importing.documents))
    return Imported(tuple(importing.documents), {**placed, **importing.files}, notes)


def _entry(source: Source) -> str:
    """The file that was named, or the one WSDL that has a service and that no other imports."""
    paths = source.entries(SUFFIX)
    if not paths:
        raise Refused(Note(remarks.NO_WSDL, source.name))
    if len(paths) > 1:
        led_to = {other for path in paths for other in closure([path], source.files) if other != path}
        paths = tuple(path for path in paths if path not in led_to) or paths
    if len(paths) > 1:
        paths = tuple(path for path in paths if re.search(rb"<(\w+:)?service\b", source.files[path])) or paths
    if len(paths) > 1:
        raise Refused(Note(SEVERAL, source.name, {"there": shown(paths)}))
    return paths[0]


@dataclass(slots=True)
class _Ports:
    chosen: list[Port] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


def _ports(description: Description, target: Target) -> _Ports:
    """One port of each port type: the one that was named, else the first that speaks SOAP 1.1, else the first."""
    if target.service is not None or target.port is not None:
        service = description.service(target.service, target.port)
        return _Ports([each for each in description.ports if (each.service, each.name) == (service.name, service.port)])
    by_type: dict[str, list[Port]] = {}
    for port in description.ports:
        by_type.setdefault(port.port_type, []).append(port)
    found = _Ports()
    for ports in by_type.values():
        taken = min(ports, key=lambda each: each.version is not SoapVersion.V11)
        found.chosen.append(taken)
        for port in ports:
            if port is not taken:
                facts = {"port": port.name, "taken": taken.name}
                found.notes.append(Note(remarks.PORT_SAME, description.path, facts))
    return found


class _Importing:
    """Documents of one WSDL as they grow."""

    def __init__(self, path: str, target: Target, description: Description) -> None:
        self.path, self.target, self.description = path, target, description
        self.documents: list[Document] = []
        self.files: dict[str, bytes] = {}
        self.notes: list[Note] = []
        self.schema: etree.XMLSchema
        self._contracts = Names()

    def all(self, ports: list[Port]) -> None:
        """Every port; raises `Refused` with the reasons where none can be called."""
        self.notes += [
            Note(remarks.DANGLING, each.place, {"limit": each.limit}) for each in self.description.dangling()
        ]
        self.notes += [Note(remarks.GUESSED, each.place, {"limit": each.limit}) for each in self.description.guessed]
        refusals: list[tuple[Port, Note]] = []
        for port in ports:
            try:
                self._port(port, alone=len(self.description.ports) == 1)
            except DocumentInvalid as error:
                known = [note for _, note in refusals]
                refusals += [(port, note) for note in remarks.notes_of(error.findings) if note not in known]
        if not self.documents:
            raise Refused(*self.notes, *(note for _, note in refusals), *self._nothing(refusals))
        for port, note in refusals:
            self.notes.append(
                Note(remarks.PORT_UNUSABLE, note.place, {"port": port.name, "reason": note.facts["limit"]})
            )

    def _nothing(self, refusals: Sized) -> list[Note]:
        """That nothing was left, where that is only said in pieces."""
        none = "see what was left out"
        return [] if refusals else [Note(remarks.NOTHING_USABLE, self.path, {"limit": none})]

    def _port(self, port: Port, *, alone: bool) -> None:
        service = self.description.service(port.service, port.name)
        self.schema = _compiled(service, self.path)
        documents = [each for name in service.operations for each in self._operation(service, name, port)]
        for name, reason in service.unusable.items():
            self._say(remarks.OPERATION_LEFT_OUT, operation=name, reason=remarks.Reason(reason))
        if not documents:
            return
        if headers := {name: each.headers for name, each in service.operations.items() if each.headers}:
            self._say(remarks.HEADERS, operations=shown(tuple(headers)), headers=_listed(headers.values()))
        if attached := [name for name, one in service.operations.items() if one.attachments or one.reply_attachments]:
            self._say(remarks.ATTACHMENTS, operations=shown(tuple(attached)))
        if any(operation.encoding for operation in service.operations.values()):
            self._say(remarks.ENCODED, port=port.name)
        system = self._system(port, self._name(port), alone=alone)
        if service.security:
            self._say(remarks.SECURITY, system=system["name"], schemes=shown(service.security))
        if service.addressing:
            self._say(remarks.ADDRESSING, system=system["name"], edition=service.addressing)
            system["soap"] = {"addressing": str(service.addressing)}
        if service.mtom:
            self._say(remarks.MTOM, system=system["name"])
            system["soap"] = {**system.get("soap", {}), "mtom": True}
        self.documents += [system, *documents]

    def _name(self, port: Port) -> str:
        """The system's: as it was given for the first port, with the port's name for the others."""
        first = not any(each["kind"] == "System" for each in self.documents)
        return self.target.system if first else f"{self.target.system}.{name_of(port.name)}"

    def _system(self, port: Port, name: str, *, alone: bool) -> Document:
        endpoint = self.target.endpoint or port.address
        try:
            Endpoint.check(endpoint)
        except ValueError:
            self._say(remarks.ENDPOINT_OPEN, system=name)
            endpoint = f"https://endpoint.invalid/{name}"  # a name that is never given to anybody (RFC 6761 §6.4)
        title = line_of(port.documented.get("", "")) or words_of(port.service)
        chosen = {} if alone else {"service": port.service, "port": port.name}
        return {
            "kind": "System",
            "name": name,
            "title": {"vi": title, "en": title},
            "agency": self.target.agency,
            "adapter": "soap",
            "wsdl": path_of(self.target.folder, self.path),
            **chosen,
            "endpoint": endpoint,
        }

    def _operation(self, service: Service, name: str, port: Port) -> Iterator[Document]:
        operation, target = service.operations[name], self.target
        if not re.fullmatch(OperationName.PATTERN, name, re.ASCII):
            self._say(remarks.OPERATION_NAME, operation=name)
            return
        made = _Contract(self, service, operation)
        try:
            payloads = made.payloads()
        except SchemaInvalid as error:
            self._say(remarks.ELEMENT_MISSING, operation=name, element=error.facts["rule"].rpartition(" ")[2])
            return
        self.files.update(made.files)
        contract = self._contracts.new(target.contract_name(name))
        title = line_of(port.documented.get(name, "")) or words_of(name)
        exchange: Any = "request" if "reply" in payloads else "document"
        yield target.contract(contract, title, exchange, **payloads)
        system = self._name(port)
        yield target.route(contract, name, system)
        yield from target.grants(contract, system, title)

    def _say(self, remark: Remark, **facts: str) -> None:
        self.notes.append(Note(remark, self.path, facts))


def _allowed(attachments: Sequence[tuple[str, ...]]) -> Document:
    """What a contract says of the attachments that a WSDL declares; ``*/*`` and its like are bytes of any kind."""
    if not attachments:
        return {}
    said = (each.lower() for several in attachments for each in several)
    types = dict.fromkeys(each if re.fullmatch(MediaType.PATTERN, each, re.ASCII) else OCTETS for each in said)
    return {"attachments": {"max": min(len(attachments), MOST_ATTACHMENTS), "mediaTypes": list(types)}}


def _listed(of_each: Iterable[Sequence[str]]) -> str:
    """Every header block once."""
    return shown(tuple(dict.fromkeys(each for several in of_each for each in several)))


def _compiled(service: Service, path: str) -> etree.XMLSchema:
    """The schemas, which both who read them can use: libxml2 for messages, xmlschema for their view."""
    try:
        _ = service.documents.model
        return service.documents.compile()
    except SchemaInvalid as error:
        raise DocumentInvalid(findings=[Finding(path, error.code, error.text)], count=1) from None


class _Contract:
    """The payloads of one operation's contract, and the files of their schemas."""

    def __init__(self, importing: _Importing, service: Service, operation: Operation) -> None:
        self.importing, self.service, self.operation = importing, service, operation
        self.files: dict[str, bytes] = {}
        self.in_json = importing.target.messages == "json"
        if not self.in_json and (service.declared or operation.input is None):
            importing.notes.append(Note(remarks.RPC_IN_JSON, importing.path, {"operation": operation.name}))
            self.in_json = True

    def payloads(self) -> dict[str, Any]:
        """Request, reply and faults, as a contract has them. Raises `SchemaInvalid`."""
        operation = self.operation
        request = self._payload(operation.input, "request") | _allowed(operation.attachments)
        made: dict[str, Any] = {"request": request}
        if operation.output is not None:
            made["reply"] = self._payload(operation.output, "reply") | _allowed(operation.reply_attachments)
        names = Names()
        faults = {}
        for element in dict.fromkeys(operation.faults):
            if is_element(element) and element in self.service.documents.model.maps.elements:
                name = names.new(name_of(element.rpartition("}")[2]))
                payload = self._payload(element, f"fault-{name}")
                root = {"root": element} if not self.in_json else {}
                faults[name] = {"schema": payload["schema"], **root, "element": element}
        return {**made, "faults": faults, "examples": self._examples(made["request"])}

    def _examples(self, request: Document) -> dict[str, list[str]]:
        """An example of the request, where one can be made that is valid."""
        element, target = self.operation.input, self.importing.target
        suffix = "json" if self.in_json else "xml"
        path = f"{target.folder}/examples/{name_of(self.operation.name)}.{suffix}"
        if element is None:
            self.files[path] = b"{}\n"
            return {"valid": [path]}
        view = XmlView(self.service.documents, element)
        try:
            sample = view.sample()
            made = view.encode(sample)
        except (NoSample, TransformFailed):
            return {}
        if not self.importing.schema.validate(parse_xml(made)):
            return {}
        if not self.in_json:
            self.files[path] = made
            return {"valid": [path]}
        data = orjson.dumps(sample, option=orjson.OPT_INDENT_2) + b"\n"
        schema: Any = parse_json(self.files[request["schema"]])
        validator = JsonSchemaValidator(schema, {request["schema"]: schema}, path=request["schema"])
        if validator.check(Body(Format.JSON, data))[1]:
            return {}
        self.files[path] = data
        return {"valid": [path]}

    def _payload(self, element: str | None, what: str) -> Document:
        target = self.importing.target
        if not self.in_json and element is not None:
            if element not in self.service.documents.model.maps.elements:
                raise SchemaInvalid(schema=self.importing.path, rule=f"it does not declare the element {element}")
            return xml_payload(path_of(target.folder, self.importing.path), element)
        path = f"{target.schemas}/{name_of(self.operation.name)}.{what}.json"
        schema, left_out = (NOTHING, ()) if element is None else XmlView(self.service.documents, element).json_schema()
        if left_out:
            facts = {"payload": path, "facets": shown(left_out)}
            self.importing.notes.append(Note(remarks.FACETS, self.importing.path, facts))
        self.files[path] = orjson.dumps(schema, option=orjson.OPT_INDENT_2) + b"\n"
        return json_payload(path)
