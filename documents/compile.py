"""Documents into what the hot path decides by."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from operator import itemgetter

from adapters.rest.paths import Paths
from adapters.soap.wsdl import Service
from contracts.model import Contract
from documents import kinds
from documents.bench import Bench
from documents.header_blocks import header_blocks
from documents.migrations import Migration, migrations, with_former
from documents.model import Documents, Written
from documents.of_the_bus import with_own
from documents.payloads import contract
from documents.problems import Problem
from documents.rest_paths import rest_paths
from documents.shapes import Kept, Shapes
from documents.standing import ACTIVE, State
from documents.transforming import transforms
from documents.ways import Ways
from identity.agencies import Agencies, Agency
from identity.grants import Grant, Grants, May
from routes.model import Route
from transforms.apart.pool import Pool


@dataclass(frozen=True, slots=True)
class Compiled:
    """Everything that could be compiled. `contracts` by name, in the order in which they are meant; `routes` by
    ``name@major``, those by migration among them; `services` what the WSDLs of SOAP systems say, by system; `paths`
    what of REST systems others may call as it is, by system."""

    contracts: Mapping[str, tuple[Contract, ...]] = field(default_factory=dict)
    routes: Mapping[str, tuple[Route, ...]] = field(default_factory=dict)
    services: Mapping[str, Service] = field(default_factory=dict)
    grants: Grants = field(default_factory=Grants)
    migrations: tuple[Migration, ...] = ()
    agencies: Agencies = field(default_factory=lambda: Agencies(()))
    paths: Mapping[str, Paths] = field(default_factory=dict)


def compile_documents(
    documents: Documents, pool: Pool, kept: Kept | None = None
) -> tuple[Compiled, tuple[Problem, ...]]:
    """What the documents in force and the bus's own say, compiled, and every problem met on the way; without one,
    nothing is left out. `pool` runs the transforms that need it, also later; `kept` is what was compiled before."""
    documents = with_own(documents.in_force())
    bench = Bench(documents, Shapes(documents.files, kept=kept), pool)
    return compile_on(bench), tuple(bench.problems)


def compile_on(bench: Bench) -> Compiled:
    """As `compile_documents`, with the problems left on the bench."""
    services, contracts = dict(_services(bench)), _contracts(bench)
    latest, mapped = newest(bench.documents), transforms(bench)
    steps = migrations(bench, latest, mapped)
    ways = Ways(bench, latest, mapped, bench.documents.named(kinds.System), services)
    routes = with_former(bench, _routes(bench, ways), steps)
    return Compiled(
        contracts=contracts,
        services=services,
        routes=routes,
        migrations=steps,
        grants=Grants(_grants(bench.documents)),
        agencies=Agencies(_agencies(bench.documents)),
        paths=rest_paths(bench, contracts, routes),
    )


def newest(documents: Documents) -> dict[str, kinds.Contract]:
    """The newest version of each major, by ``name@major``; a retired one where there is no other."""

    def order(each: tuple[Written, kinds.Contract]) -> tuple[bool, tuple[int, ...]]:
        return _state(documents, each[0]) is not State.RETIRED, numbers(each[1].version)

    return {each.reference: each for _, each in sorted(documents.of(kinds.Contract), key=order)}


def numbers(version: str) -> tuple[int, ...]:
    """A version as it is ordered (Semantic Versioning 2.0.0 §11)."""
    return tuple(int(number) for number in version.split("."))


def _state(documents: Documents, written: Written) -> State:
    return documents.standings.get(written.key, ACTIVE).state


def _contracts(bench: Bench) -> dict[str, tuple[Contract, ...]]:
    """By name, in the order in which they are meant where a sender leaves it open: the highest major, in it an active
    version before a deprecated one, the newest; retired ones last."""
    found: dict[str, list[tuple[tuple[object, ...], Contract]]] = {}
    for written, document in bench.documents.of(kinds.Contract):
        if compiled := contract(bench, written, document):
            state, order = _state(bench.documents, written), numbers(document.version)
            rank = (state is not State.RETIRED, order[0], state is State.ACTIVE, order)
            found.setdefault(compiled.name, []).append((rank, compiled))
    ordered = {
        name: [each for _, each in sorted(ranked, key=itemgetter(0), reverse=True)] for name, ranked in found.items()
    }
    return {name: tuple(_instead(versions)) for name, versions in ordered.items()}


def _instead(versions: Sequence[Contract]) -> Iterator[Contract]:
    """For those that are retired, which to use: of the same major, else of the highest."""
    for each in versions:
        usable = [other for other in versions if not other.retired]
        same = [other for other in usable if other.reference == each.reference]
        other = next(iter(same or usable), None)
        yield replace(each, instead=f"{other.name}@{other.version}") if each.retired and other else each


def _services(bench: Bench) -> Iterator[tuple[str, Service]]:
    for written, document in bench.documents.of(kinds.System):
        if document.wsdl is not None:
            service = bench.attempt(written, ("wsdl",), partial(bench.shapes.service, document))
            if service is not None:
                bench.attempt(written, ("soap", "headers"), partial(_tried, document, service))
                yield document.name, service


def _tried(document: kinds.System, service: Service) -> None:
    """Make its header blocks once, to say what is wrong with them."""
    for _ in header_blocks(document.soap, service):
        pass


def _routes(bench: Bench, ways: Ways) -> dict[str, tuple[Route, ...]]:
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
