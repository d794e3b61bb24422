"""Services that contracts were imported from, offered as they were: their WSDL, their messages, our address.

An operation is offered where the way back is known: its contract is in the service's own XML, or in the JSON view of
it, as the import makes them. Behind a transform lies no such way.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from adapters.soap import wsdl
from adapters.soap.description import Address, actions, described, with_catalogue
from adapters.soap.envelope import SoapVersion
from adapters.soap.offers import Offer, Operation, Read, Write, as_it_is, reading_json, writing_json
from bus.envelope import Body, Format
from bus.errors import BusError
from documents import kinds
from documents.compile import Compiled, newest
from documents.files import closure
from documents.model import Documents
from transforms.xml_view import XmlView


def original(documents: Documents, compiled: Compiled, name: str) -> Offer | None:
    """What a system's WSDL describes; None where there is none of this name, or no operation has a contract that fits.
    It blocks, for as long as compiling the schemas takes."""
    system, service = documents.named(kinds.System).get(name), compiled.services.get(name)
    if system is None or service is None:
        return None
    files = closure([str(system.wsdl)], documents.files)
    offering = _Offering(documents, compiled, system, service, files, actions(files))
    operations = tuple(offering.operations())
    if not operations:
        return None
    most = max(each.limits.max_bytes for each in offering.contracts())
    encoded = next((each.encoding for each in service.operations.values() if each.encoding), None)
    return Offer(
        operations,
        most,
        partial(described, str(system.wsdl), with_catalogue(files), offering.addresses()),
        (lambda data: encoded.take_off(data, None)) if encoded else None,
        max(each.request.attachments.max_bytes if each.request.attachments else 0 for each in offering.contracts()),
    )


@dataclass(frozen=True, slots=True)
class _Offering:
    documents: Documents
    compiled: Compiled
    system: kinds.System
    service: wsdl.Service
    files: Mapping[str, bytes]
    actions: Mapping[str, str]

    def operations(self) -> Iterator[Operation]:
        """One for each operation with a route; of several contracts that lead there the first counts."""
        taken: set[str] = set()
        for route, contract in self._routes():
            operation = self._operation(route)
            if operation is None or operation.name in taken or route.transform.request or route.transform.reply:
                continue
            made = self._offered(route, contract, operation)
            if made is not None:
                taken.add(operation.name)
                yield made

    def contracts(self) -> Iterator[kinds.Contract]:
        return (contract for _, contract in self._routes())

    def addresses(self) -> Mapping[Address, str]:
        """Which system stands behind each port of the same WSDL."""
        there = self.documents.named(kinds.System)
        return {
            (service.name, service.port): name
            for name, service in self.compiled.services.items()
            if there[name].wsdl == self.system.wsdl
        }

    def _routes(self) -> Iterator[tuple[kinds.Route, kinds.Contract]]:
        contracts = newest(self.documents)
        for _, route in self.documents.of(kinds.Route):
            if route.to == self.system.name and route.contract in contracts:
                yield route, contracts[route.contract]

    def _operation(self, route: kinds.Route) -> wsdl.Operation | None:
        there = self.service.operations
        name = route.operation or (next(iter(there)) if len(there) == 1 else "")
        return there.get(name)

    def _offered(self, route: kinds.Route, contract: kinds.Contract, operation: wsdl.Operation) -> Operation | None:
        try:
            read = self._read(contract, operation)
            reply = self._reply(contract, operation)
        except BusError:  # said where the documents are checked
            return None
        if read is None or (operation.output is not None and reply is None):
            return None
        return Operation(
            operation.name,
            contract.name,
            contract.version,
            operation.input,
            operation.action,
            read,
            reply if contract.exchange == "request" else None,
            dict(self._faults(route, contract)),
            self.actions.get(operation.name, operation.action),
        )

    def _read(self, contract: kinds.Contract, operation: wsdl.Operation) -> Read | None:
        if contract.request.format == "xml":
            return as_it_is if contract.request.element == operation.input else None
        if operation.input is None:
            return lambda _: b"{}"
        return reading_json(self._view(operation.input), f"{contract.name}@{contract.version}")

    def _reply(self, contract: kinds.Contract, operation: wsdl.Operation) -> Write | None:
        if contract.reply is None or operation.output is None:
            return None
        if contract.reply.format == "json":
            return self._encoded(operation, writing_json(self._view(operation.output)))
        return self._encoded(operation, _data) if contract.reply.element == operation.output else None

    def _faults(self, route: kinds.Route, contract: kinds.Contract) -> Iterator[tuple[str, Write]]:
        for name, fault in contract.faults.items():
            if fault.element is None or fault.schema_path is None or name in route.transform.faults:
                continue
            if Format(contract.fault_format(fault)) is Format.JSON:
                yield str(name), writing_json(self._view(fault.element))
            elif fault.root == fault.element:
                yield str(name), _data

    def _encoded(self, operation: wsdl.Operation, write: Write) -> Write:
        """With the types on it, where the service is written by the rules of SOAP encoding."""
        encoding = operation.encoding
        if encoding is None:
            return write
        return lambda body: encoding.put_on(write(body), SoapVersion.V11)

    def _view(self, element: str) -> XmlView:
        return XmlView(self.service.documents, element)


def _data(body: Body) -> bytes:
    return body.data
