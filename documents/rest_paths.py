"""The operations of REST systems that others may call through the bus as they are: `adapters.rest.front`.

An operation is offered where a route leads a contract to it without a transform: only then is the contract's shape the
provider's own, and a call of the provider's is a message of the contract.
"""

from collections.abc import Iterator, Mapping

from adapters.rest.outbound import BODILESS
from adapters.rest.paths import Kinds, Lead, Offer, Paths
from bus.envelope import Format
from contracts.json_schema_names import EVERY
from contracts.model import Contract
from documents import kinds
from documents.bench import Bench
from documents.kinds.system import Operation
from documents.model import Key
from routes.model import Route


def rest_paths(
    bench: Bench, contracts: Mapping[str, tuple[Contract, ...]], routes: Mapping[str, tuple[Route, ...]]
) -> dict[str, Paths]:
    """By system, for those that offer any. `contracts` are the newest first."""
    found: dict[str, Paths] = {}
    leading = [route for each in routes.values() for route in each if _as_it_is(route)]
    newest = {each.reference: each for versions in contracts.values() for each in reversed(versions)}
    for _, system in bench.documents.of(kinds.System):
        if system.adapter != "rest":
            continue
        mine = [route for route in leading if route.system == system.name and route.reference in newest]
        made = [_offer(bench, name, each, _led(system, name, mine), newest) for name, each in _operations(system)]
        if offered := [each for each in made if each.leads]:
            found[system.name] = Paths(offered)
    return found


def _as_it_is(route: Route) -> bool:
    return route.request is None and route.reply is None and not route.faults


def _operations(system: kinds.System) -> Iterator[tuple[str, Operation]]:
    """A system without operations is posted to at its endpoint."""
    yield from (
        ((str(name), each) for name, each in system.operations.items()) if system.operations else [("", Operation())]
    )


def _led(system: kinds.System, name: str, routes: list[Route]) -> Iterator[Route]:
    """The routes to an operation; one need not name the only one."""
    alone = len(system.operations) <= 1
    yield from (route for route in routes if (route.operation or "") == name or (route.operation is None and alone))


def _offer(
    bench: Bench, name: str, operation: Operation, routes: Iterator[Route], newest: Mapping[str, Contract]
) -> Offer:
    # Of several majors the newest that the caller may send is meant, so they come in that order; retired ones last.
    ordered = sorted(routes, key=lambda route: (newest[route.reference].retired, route.contract, -route.major))
    leads = (_lead(bench, operation, newest[route.reference]) for route in ordered)
    return Offer(
        name,
        operation.method,
        operation.path,
        {str(parameter): str(source) for parameter, source in operation.query.items()},
        {str(header): str(text) for header, text in operation.headers.items()},
        tuple(each for each in leads if each is not None),
        float(operation.max_age.seconds) if operation.max_age else None,
    )


def _lead(bench: Bench, operation: Operation, contract: Contract) -> Lead | None:
    """None for a contract of XML that has no body to travel in, or whose fields nobody could take out of it."""
    fields = (*operation.placeholders, *map(str, operation.query.values()))
    if contract.request.format is Format.XML and (fields or operation.method in BODILESS):
        return None
    return Lead(
        contract.name,
        int(contract.version.partition(".")[0]),
        contract.request.format,
        dict(_kinds(bench, contract, fields)),
    )


def _kinds(bench: Bench, contract: Contract, fields: tuple[str, ...]) -> Iterator[tuple[str, Kinds]]:
    written = bench.documents.by_key[Key("Contract", contract.name, contract.version)].document
    if not isinstance(written, kinds.Contract) or not fields:
        return
    names = bench.shapes.json_names(str(written.request.schema_path))
    if names is not None:
        yield from ((each, Kinds(names.types([each]), names.types([each, EVERY]))) for each in fields)
