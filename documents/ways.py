"""A route's document, compiled: its condition, and the conversions between the contract and the system."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from adapters.soap.wsdl import Operation, Service
from bus.envelope import Body, Format
from documents import kinds
from documents.bench import Bench, Step
from documents.conversion import ANY_XML, JSON, End, Reshape, conversion, styling
from documents.files import closure
from documents.fitting import Missing, check_fit
from documents.kinds.contract import Fault, Payload
from documents.kinds.transform import View
from documents.model import Written
from documents.problems import meant
from documents.selection import first_text
from documents.shapes import invalid
from routes.model import Condition, Convert, Retry, Route
from transforms.apart.languages import Jsonata, Stylesheet
from transforms.apart.program import LanguageName, Program
from transforms.condition import compile_condition
from transforms.mapping import compile_mapping
from transforms.xpath import compile_xpath_condition

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Mapped:
    """A transform, compiled, and the XML at its ends where it names some."""

    mapping: Reshape | Stylesheet
    source: End | None
    target: End | None


def transforms(bench: Bench) -> dict[str, Mapped | None]:
    """Every transform by name; None where something is wrong with it."""
    lists = {name: dict(each.entries) for name, each in bench.documents.named(kinds.CodeList).items()}
    return {each.name: _transform(bench, written, each, lists) for written, each in bench.documents.of(kinds.Transform)}


def _transform(
    bench: Bench, written: Written, document: kinds.Transform, lists: Mapping[str, Mapping[str, object]]
) -> Mapped | None:
    mapping = _language(bench, written, document, lists)
    before = len(bench.problems)
    source = _view_end(bench, written, document.from_, "from")
    target = _view_end(bench, written, document.to, "to")
    return Mapped(mapping, source, target) if mapping and len(bench.problems) == before else None


def alone(bench: Bench, name: str) -> Convert | None:
    """A transform without a route: from and to what it says of itself, else JSON; a stylesheet's ends are XML. None
    where there is none, or something is wrong with it."""
    before = len(bench.problems)
    mapped = transforms(bench).get(name)
    del bench.problems[before:]
    return _through(mapped, _answering(mapped), _receiving(mapped)) if mapped else None


def _language(
    bench: Bench, written: Written, document: kinds.Transform, lists: Mapping[str, Mapping[str, object]]
) -> Reshape | Stylesheet | None:
    if document.language == "mapping":
        return bench.attempt(
            written,
            ("fields",),
            lambda: compile_mapping(document.name, document.fields, code_lists=lists, views=bench.shapes.view),
        )
    lacking = [bench.lacks(written, "CodeList", each, lists, "codeLists") for each in document.code_lists]
    if any(lacking) or (document.file is not None and document.file not in bench.documents.files):
        return None  # the file's absence was said where it was to be read
    program = _program(bench, document, document.language, lists)
    step = "expression" if document.file is None else "file"
    if bench.proving and not bench.attempt(written, (step,), lambda: bench.pool.compiled(program)):
        return None
    return Jsonata(program, bench.pool) if document.language == "jsonata" else Stylesheet(program, bench.pool)


def _program(
    bench: Bench, document: kinds.Transform, language: LanguageName, lists: Mapping[str, Mapping[str, object]]
) -> Program:
    used = {str(name): {code: str(target) for code, target in lists[name].items()} for name in document.code_lists}
    if document.file is None:
        return Program(
            document.name, language, "expression", {"expression": (document.expression or "").encode()}, used
        )
    return Program(document.name, language, document.file, closure([document.file], bench.documents.files), used)


def _view_end(bench: Bench, written: Written, view: View | None, step: str) -> End | None:
    if view is None:
        return None
    return bench.attempt(written, (step,), lambda: End(bench.shapes.view(view.schema_path, view.element)))


@dataclass(slots=True)
class Ways:
    """Compiles routes. `contracts` are the newest versions by ``name@major``."""

    bench: Bench
    contracts: Mapping[str, kinds.Contract]
    transforms: Mapping[str, Mapped | None]
    systems: Mapping[str, kinds.System]
    services: Mapping[str, Service]

    def route(self, written: Written, document: kinds.Route) -> Route | None:
        """None where something is wrong, which the bench then knows, with it or with what it names."""
        before = len(self.bench.problems)
        contract, system = self.contracts.get(document.contract), self.systems.get(document.to)
        self.bench.lacks(written, "Contract", document.contract, self.contracts, "contract")
        self.bench.lacks(written, "System", document.to, self.systems, "to")
        if contract is None or system is None or not self._has_transforms(written, document, contract):
            return None
        route = _Way(self, written, document, contract, system).compiled()
        return route if len(self.bench.problems) == before else None

    def _has_transforms(self, written: Written, document: kinds.Route, contract: kinds.Contract) -> bool:
        """Whether every transform that the route names is there and right."""
        named = document.transform
        pairs: dict[tuple[str, ...], str | None] = {("request",): named.request, ("reply",): named.reply}
        pairs |= {("faults", fault): transform for fault, transform in named.faults.items()}
        there = {steps: name for steps, name in pairs.items() if name is not None}
        for steps, name in there.items():
            self.bench.lacks(written, "Transform", name, self.transforms, "transform", *steps)
        for fault in named.faults:
            if fault not in contract.faults:
                message = f"the contract declares no fault {fault}: {meant(fault, contract.faults)}"
                self.bench.say(written, message, "transform", "faults", fault)
        return all(self.transforms.get(name) for name in there.values())


@dataclass(frozen=True, slots=True)
class _Way:
    """One route on its way to be compiled."""

    ways: Ways
    written: Written
    document: kinds.Route
    contract: kinds.Contract
    system: kinds.System

    def compiled(self) -> Route | None:
        condition = self._attempt(self._condition, "when")
        if self.system.wsdl is not None and self.system.name not in self.ways.services:
            return None  # said where the system is written
        if self.system.adapter == "soap":
            operation = self._attempt(self._soap_operation, "operation")
            if operation is None:
                return None
        else:
            operation = None
            if self.system.adapter == "rest":
                self._attempt(self._rest_operation, "operation")
        request = self._attempt(lambda: self._request(operation), "transform", "request")
        reply = self._attempt(lambda: self._reply(operation), "transform", "reply")
        faults = {
            str(name): convert
            for name, fault in self.contract.faults.items()
            if (convert := self._attempt(partial(self._fault, name, fault), "transform", "faults", name))
        }
        retry = Retry(float(self.document.retry.first.seconds), float(self.document.retry.max.seconds))
        return Route(
            contract=self.contract.name,
            major=self.contract.major,
            system=self.system.name,
            operation=self.document.operation,
            condition=condition,
            request=request,
            reply=reply,
            faults=faults,
            repeatable=self._repeatable(),
            retry=retry,
            order_by=self._attempt(self._order_by, "orderBy"),
            apart=self.ways.bench.pool.threads if any(map(self._runs_apart, self._named())) else None,
        )

    def _named(self) -> tuple[str | None, ...]:
        named = self.document.transform
        return named.request, named.reply, *named.faults.values()

    def _attempt(self, build: Callable[[], T], *steps: Step) -> T | None:
        return self.ways.bench.attempt(self.written, steps, build)

    def _order_by(self) -> Callable[[object], str | None] | None:
        text, request = self.document.order_by, self.contract.request
        return None if text is None else first_text(Format(request.format), text, request.namespaces)

    def _condition(self) -> Condition | None:
        text, request = self.document.when, self.contract.request
        if text is None:
            return None
        return (
            compile_condition(text) if request.format == "json" else compile_xpath_condition(text, request.namespaces)
        )

    def _repeatable(self) -> bool:
        """As the route says, else as the operation says, else events are, and whatever its system fetches, which knows
        each delivery by its identifier; nothing else is."""
        if self.document.repeatable is not None:
            return self.document.repeatable
        if self.system.adapter == "inbox":
            return True
        operation = self.system.operations.get(self._operation_name() or "")
        return self.contract.exchange == "event" or (operation is not None and operation.repeatable)

    def _operation_name(self) -> str | None:
        """The one that the route names, or the system's only one."""
        there = self.system.operations
        return self.document.operation or (next(iter(there)) if len(there) == 1 else None)

    def _rest_operation(self) -> None:
        _known_operation(self.document.operation, self.system.operations, self.system.name)

    def _soap_operation(self) -> Operation:
        service = self.ways.services.get(self.system.name)
        if service is None:
            raise invalid(f"the system {self.system.name} has no `wsdl`: it can only send.")
        name = self.document.operation
        if name is not None and name in service.unusable:
            raise invalid(f"the operation {name} cannot be called: {service.unusable[name]}.")
        _known_operation(name, service.operations, self.system.name)
        return service.operations[name] if name else next(iter(service.operations.values()))

    def _request(self, operation: Operation | None) -> Convert | None:
        mapped = self._mapped(self.document.transform.request)
        ours = self._end(self.contract.request)
        if operation is not None and operation.input is None:
            return _emptied
        theirs = self._theirs(operation.input) if operation and operation.input else mapped.target if mapped else None
        self._fit(self.document.transform.request, self._names(self.contract.request), _known(theirs))
        if operation is None:
            return _through(mapped, ours, _receiving(mapped)) if mapped else None
        if mapped is None and _goes_as_it_is(self.contract.request, str(operation.input), "input"):
            return None
        return _through(mapped, ours, self._theirs(str(operation.input)))

    def _reply(self, operation: Operation | None) -> Convert | None:
        mapped, reply = self._mapped(self.document.transform.reply), self.contract.reply
        if reply is None:
            if mapped is not None:
                raise invalid(f"the contract {self.document.contract} has no `reply` to transform: take it away.")
            return None
        ours = self._end(reply)
        output = operation.output if operation else None
        theirs = self._theirs(output) if output else mapped.source if mapped else None
        self._fit(self.document.transform.reply, _known(theirs), self._names(reply))
        if operation is None:
            return _through(mapped, _answering(mapped), ours) if mapped else None
        if operation.output is None:
            raise invalid(f"the operation {operation.name} answers nothing, but the contract promises a reply.")
        if mapped is None and _goes_as_it_is(reply, operation.output, "output"):
            return None
        return _through(mapped, self._theirs(operation.output), ours)

    def _fault(self, name: str, fault: Fault) -> Convert | None:
        mapped = self._mapped(self.document.transform.faults.get(name))
        if fault.schema_path is None:
            return None
        ours = JSON
        if self.contract.fault_format(fault) == "xml":
            ours = End(self.ways.bench.shapes.view(fault.schema_path, fault.root or ""))
        if self.system.adapter != "soap":
            return _through(mapped, _answering(mapped), ours) if mapped else None
        if fault.element is None:
            raise invalid(
                f"a SOAP system says the fault {name} by an element: give it in the contract, faults/{name}/element."
            )
        if mapped is None and fault.root == fault.element and ours != JSON:
            return None
        theirs = self._theirs(fault.element)
        self._fit(self.document.transform.faults.get(name), _known(theirs), ours.view.missing if ours.view else None)
        return _through(mapped, theirs, ours)

    def _theirs(self, element: str) -> End:
        return End(self.ways.bench.shapes.service_view(self.system, element))

    def _names(self, payload: Payload) -> Missing | None:
        """The names that a payload of the contract has."""
        if payload.format == "json":
            names = self.ways.bench.shapes.json_names(payload.schema_path)
            return names.missing if names else None
        return self.ways.bench.shapes.view(payload.schema_path, payload.element or "").missing

    def _fit(self, transform: str | None, source: Missing | None, target: Missing | None) -> None:
        if transform is not None and not self._runs_apart(transform):
            check_fit(self.ways.bench, transform, source, target)

    def _runs_apart(self, transform: str | None) -> bool:
        mapped = self._mapped(transform)
        return mapped is not None and isinstance(mapped.mapping, Jsonata | Stylesheet)

    def _end(self, payload: Payload) -> End:
        if payload.format == "json":
            return JSON
        return End(self.ways.bench.shapes.view(payload.schema_path, payload.element or ""))

    def _mapped(self, name: str | None) -> Mapped | None:
        """The transform of that name; what is wrong with it was said where it is written."""
        return None if name is None else self.ways.transforms[name]


def _through(mapped: Mapped | None, source: End, target: End) -> Convert | None:
    """The conversion from one end to the other, by a transform where there is one."""
    if mapped is None:
        return conversion(source, target, None)
    if isinstance(mapped.mapping, Stylesheet):
        return styling(source, target, mapped.mapping, mapped.source, mapped.target)
    return conversion(source, target, mapped.mapping)


def _receiving(mapped: Mapped) -> End:
    """How a REST system is written to: as the transform says, else JSON; a stylesheet makes XML."""
    return mapped.target or (ANY_XML if isinstance(mapped.mapping, Stylesheet) else JSON)


def _answering(mapped: Mapped) -> End:
    """How a REST system answers, likewise."""
    return mapped.source or (ANY_XML if isinstance(mapped.mapping, Stylesheet) else JSON)


def _emptied(_body: Body) -> Body:
    """What an operation takes whose Body is empty."""
    return Body(Format.XML, b"")


def _known(end: End | None) -> Missing | None:
    """The names at a system's end, where it is XML: of its JSON nothing is known."""
    return end.view.missing if end and end.view else None


def _goes_as_it_is(payload: Payload, element: str, end: str) -> bool:
    """Whether the contract's own XML is what a SOAP operation carries."""
    if payload.format != "xml":
        return False
    if payload.element != element:
        raise invalid(f"the operation's {end} is {element}, the contract's {payload.element}: a transform is needed.")
    return True


def _known_operation(name: str | None, there: Collection[str], system: str) -> None:
    if name is None and len(there) > 1:
        raise invalid(f"the system {system} has several operations: name one; {meant('', there)}")
    if name is not None and name not in there:
        raise invalid(f"the system {system} has no operation {name}: {meant(name, there)}")
