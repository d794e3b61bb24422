"""Documents into what the hot path decides by."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from adapters.soap.wsdl import Service
from contracts.model import Contract
from documents import kinds
from documents.bench import Bench
from documents.model import Documents
from documents.of_the_bus import with_own
from documents.payloads import contract
from documents.problems import Problem
from documents.shapes import Shapes
from documents.ways import Ways, transforms
from identity.agencies import Agencies, Agency
from identity.grants import Grant, Grants, May
from routes.model import Route
from transforms.apart.pool import Pool


@dataclass(frozen=True, slots=True)
class Compiled:
    """Everything that could be compiled. `contracts` by name, newest first; `routes` by ``name@major``; `services` what
    the WSDLs of SOAP systems say, by system."""

    contracts: Mapping[str, tuple[Contract, ...]] = field(default_factory=dict)
    routes: Mapping[str, tuple[Route, ...]] = field(default_factory=dict)
    services: Mapping[str, Service] = field(default_factory=dict)
    grants: Grants = field(default_factory=Grants)
    agencies: Agencies = field(default_factory=lambda: Agencies(()))


def compile_documents(documents: Documents, pool: Pool) -> tuple[Compiled, tuple[Problem, ...]]:
    """What the documents and the bus's own say, compiled, and every problem met on the way; without one, nothing is
    left out. `pool` runs the transforms that need it, also later."""
    documents = with_own(documents)
    bench = Bench(documents, Shapes(documents.files), pool)
    return compile_on(bench), tuple(bench.problems)


def compile_on(bench: Bench) -> Compiled:
    """As `compile_documents`, with the problems left on the bench."""
    services = dict(_services(bench))
    return Compiled(
        contracts=_contracts(bench),
        services=services,
        routes=_routes(bench, services),
        grants=Grants(_grants(bench.documents)),
        agencies=Agencies(_agencies(bench.documents)),
    )


def newest(documents: Documents) -> dict[str, kinds.Contract]:
    """The newest version of each major, by ``name@major``."""
    ordered = sorted((each for _, each in documents.of(kinds.Contract)), key=_order)
    return {each.reference: each for each in ordered}


def _order(document: kinds.Contract | Contract) -> tuple[int, ...]:
    return tuple(int(number) for number in document.version.split("."))


def _contracts(bench: Bench) -> dict[str, tuple[Contract, ...]]:
    found: dict[str, list[Contract]] = {}
    for written, document in bench.documents.of(kinds.Contract):
        if compiled := contract(bench, written, document):
            found.setdefault(compiled.name, []).append(compiled)
    return {name: tuple(sorted(versions, key=_order, reverse=True)) for name, versions in found.items()}


def _services(bench: Bench) -> Iterator[tuple[str, Service]]:
    for written, document in bench.documents.of(kinds.System):
        if document.wsdl is not None:
            service = bench.attempt(written, ("wsdl",), partial(bench.shapes.service, document))
            if service is not None:
                yield document.name, service


def _routes(bench: Bench, services: Mapping[str, Service]) -> dict[str, tuple[Route, ...]]:
    systems = bench.documents.named(kinds.System)
    ways = Ways(bench, newest(bench.documents), transforms(bench), systems, services)
    found: dict[str, tuple[Route, ...]] = {}
    for written, document in bench.documents.of(kinds.Route):
        if compiled := ways.route(written, document):
            found[compiled.reference] = (*found.get(compiled.reference, ()), compiled)
    return found


def _grants(documents: Documents) -> Iterator[Grant]:
    for _, each in documents.of(kinds.Grant):
        yield Grant(
            contract=each.contract.contract,
            major=each.contract.major,
            system=each.system,
            may=May(each.may),
            purpose=each.purpose,
            legal_basis=each.legal_basis,
            valid_from=each.valid_from,
            valid_until=each.valid_until,
        )


def _agencies(documents: Documents) -> Iterator[Agency]:
    for _, each in documents.of(kinds.Agency):
        yield Agency(
            code=each.code,
            name={str(language): str(text) for language, text in each.name.items()},
            legacy_code=each.legacy_code,
            parent=each.parent,
            valid_from=each.valid_from,
            valid_until=each.valid_until,
            successor=each.successor,
        )
