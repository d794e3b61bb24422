"""A contract's document as what descriptions are made of."""

from collections.abc import Iterator, Mapping
from typing import Any

from bus.envelope import Exchange, Format
from contracts.descriptions.model import Fault, Payload, Subject
from contracts.model import Contract
from documents import kinds
from documents.files import closure
from documents.model import Documents, Key
from documents.payloads import limits
from documents.shapes import Shapes
from documents.standing import ACTIVE, State


def subject(documents: Documents, contract: Contract) -> Subject:
    """Everything that a description of a compiled contract is made of. Raises `DocumentInvalid`."""
    document = documents.by_key[Key("Contract", contract.name, contract.version)].document
    if not isinstance(document, kinds.Contract):
        raise TypeError(document.kind)
    return subject_of(documents, document)


def subject_of(documents: Documents, document: kinds.Contract) -> Subject:
    """As `subject`, of the document itself."""
    return _Describing(documents).subject(document)


class _Describing:
    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._all = documents.files
        self._shapes = Shapes(documents.files)
        self._resources: dict[str, Any] = {}
        self._files: dict[str, bytes] = {}
        self._standings = documents.standings

    def subject(self, document: kinds.Contract) -> Subject:
        request, reply = document.request, document.reply
        standing = self._standings.get(Key("Contract", *document.key), ACTIVE)
        return Subject(
            name=document.name,
            version=document.version,
            exchange=Exchange(document.exchange),
            owner=document.owner,
            title={str(language): str(text) for language, text in document.title.items()},
            request=self._payload(request.format, request.schema_path, request.element, request.personal_data),
            reply=self._payload(reply.format, reply.schema_path, reply.element, reply.personal_data) if reply else None,
            faults=tuple(self._fault(document, name) for name in document.faults),
            limits=limits(document),
            examples=self._examples(document),
            answers=dict(self._answers(document)),
            resources=self._resources,
            files=self._files,
            deprecated=standing.state in {State.DEPRECATED, State.RETIRED},
            sunset=standing.sunset,
        )

    def _fault(self, document: kinds.Contract, name: str) -> Fault:
        fault = document.faults[name]
        if fault.schema_path is None:
            return Fault(name)
        form = document.fault_format(fault)
        return Fault(name, self._payload(form, fault.schema_path, fault.root, fault.personal_data))

    def _payload(self, form: str, path: str, root: str | None, personal: list[str]) -> Payload:
        given, element, places = str(path), str(root) if root else None, tuple(map(str, personal))
        if form == "json":
            self._resources.update(self._shapes.json_resources(given))
            return Payload(Format.JSON, given, personal_data=places)
        self._files.update(closure([given], self._all))
        view = f"view:{given}:{element}"
        self._resources[view], _ = self._shapes.view(given, element or "").json_schema()
        return Payload(Format.XML, given, element, view)  # XPaths of personal data are not places of the view

    def _examples(self, document: kinds.Contract) -> Mapping[str, bytes]:
        paths = map(str, document.examples.valid)
        return {path: self._all[path] for path in paths if path in self._all}

    def _answers(self, document: kinds.Contract) -> Iterator[tuple[str, bytes]]:
        """What the tests of routes say that comes out of a system's answers: of each the first."""
        reference = f"{document.name}@{document.major}"
        given = [
            test for _, route in self._documents.of(kinds.Route) if route.contract == reference for test in route.tests
        ]
        for test in reversed(given):
            if test.reply is not None and (data := self._all.get(str(test.output))) is not None:
                yield (f"fault-{test.fault}" if test.fault else "reply"), data
