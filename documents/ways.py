"""A route's document, compiled: its condition, and the conversions between the contract and the system."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from adapters.soap.wsdl import Operation, Service
from bus.envelope import Body, Format
from documents import kinds
from documents.bench import Bench, Step
from documents.conversion import JSON, End
from documents.fitting import Missing, check_fit
from documents.kinds.contract import Fault, Payload
from documents.model import Written
from documents.problems import meant
from documents.selection import first_text
from documents.shapes import invalid
from documents.transforming import Mapped, answering, end, names, receiving, runs_apart, through
from routes.model import Condition, Convert, Retry, Route
from transforms.condition import compile_condition
from transforms.xpath import compile_xpath_condition

T = TypeVar("T")


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
        for steps, name in named.named():
            self.bench.lacks(written, "Transform", name, self.transforms, "transform", *steps)
        for fault in named.faults:
            if fault not in contract.faults:
                message = f"the contract declares no fault {fault}: {meant(fault, contract.faults)}"
                self.bench.say(written, message, "transform", "faults", fault)
        return all(self.transforms.get(name) for _, name in named.named())


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
        self._attempt(self._attachments, "to")
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
        mapped = [self._mapped(name) for _, name in self.document.transform.named()]
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
            apart=self.ways.bench.pool.threads if any(map(runs_apart, mapped)) else None,
        )

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

    def _attachments(self) -> None:
        """SOAP systems are sent attachments and answer with them, an inbox gives them out."""
        reply, adapter = self.contract.reply, self.system.adapter
        if (self.contract.request.attachments and adapter == "rest") or (
            reply and reply.attachments and adapter != "soap"
        ):
            raise invalid(
                f"the contract {self.document.contract} has attachments, which {self.system.name} cannot have: it has"
                f" `adapter: {adapter}`. Carry them as base64 in the body instead."
            )

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
        ours = end(self.ways.bench, self.contract.request)
        if operation is not None and operation.input is None:
            return _emptied
        theirs = self._theirs(operation.input) if operation and operation.input else mapped.target if mapped else None
        self._fit(self.document.transform.request, names(self.ways.bench, self.contract.request), _known(theirs))
        if operation is None:
            return through(mapped, ours, receiving(mapped)) if mapped else None
        if mapped is None and _goes_as_it_is(self.contract.request, str(operation.input), "input"):
            return None
        return through(mapped, ours, self._theirs(str(operation.input)))

    def _reply(self, operation: Operation | None) -> Convert | None:
        mapped, reply = self._mapped(self.document.transform.reply), self.contract.reply
        if reply is None:
            if mapped is not None:
                raise invalid(f"the contract {self.document.contract} has no `reply` to transform: take it away.")
            return None
        ours = end(self.ways.bench, reply)
        output = operation.output if operation else None
        theirs = self._theirs(output) if output else mapped.source if mapped else None
        self._fit(self.document.transform.reply, _known(theirs), names(self.ways.bench, reply))
        if operation is None:
            return through(mapped, answering(mapped), ours) if mapped else None
        if operation.output is None:
            raise invalid(f"the operation {operation.name} answers nothing, but the contract promises a reply.")
        if mapped is None and _goes_as_it_is(reply, operation.output, "output"):
            return None
        return through(mapped, self._theirs(operation.output), ours)

    def _fault(self, name: str, fault: Fault) -> Convert | None:
        mapped = self._mapped(self.document.transform.faults.get(name))
        if fault.schema_path is None:
            return None
        ours = JSON
        if self.contract.fault_format(fault) == "xml":
            ours = End(self.ways.bench.shapes.view(fault.schema_path, fault.root or ""))
        if self.system.adapter != "soap":
            return through(mapped, answering(mapped), ours) if mapped else None
        if fault.element is None:
            raise invalid(
                f"a SOAP system says the fault {name} by an element: give it in the contract, faults/{name}/element."
            )
        if mapped is None and fault.root == fault.element and ours != JSON:
            return None
        theirs = self._theirs(fault.element)
        self._fit(self.document.transform.faults.get(name), _known(theirs), ours.view.missing if ours.view else None)
        return through(mapped, theirs, ours)

    def _theirs(self, element: str) -> End:
        return End(self.ways.bench.shapes.service_view(self.system, element))

    def _fit(self, transform: str | None, source: Missing | None, target: Missing | None) -> None:
        if transform is not None and not runs_apart(self._mapped(transform)):
            check_fit(self.ways.bench, transform, source, target)

    def _mapped(self, name: str | None) -> Mapped | None:
        """The transform of that name; what is wrong with it was said where it is written."""
        return None if name is None else self.ways.transforms[name]


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
