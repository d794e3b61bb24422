"""A contract's document, compiled into what the hot path asks of it."""

from collections.abc import Iterable
from functools import partial

from bus.envelope import Exchange, Format
from contracts.model import Contract, Fault, Limits, Part, Retention, Validator
from documents import kinds
from documents.bench import Bench, Step
from documents.kinds.contract import Payload
from documents.model import Written
from documents.selection import first_text


def contract(bench: Bench, written: Written, document: kinds.Contract) -> Contract | None:
    """None where something was wrong, which the bench then knows."""
    before = len(bench.problems)
    request = _payload(bench, written, document.request, "request")
    reply = _payload(bench, written, document.reply, "reply") if document.reply else None
    faults = {name: _fault(bench, written, document, name) for name in document.faults}
    if len(bench.problems) > before or request is None:
        return None
    return Contract(
        name=document.name,
        version=document.version,
        exchange=Exchange(document.exchange),
        owner=document.owner,
        request=request,
        reply=reply,
        faults=faults,
        limits=limits(document),
        retention=Retention(float(document.retention.body.seconds), float(document.retention.evidence.seconds)),
        title={str(language): str(text) for language, text in document.title.items()},
    )


def limits(document: kinds.Contract) -> Limits:
    """As the hot path counts them."""
    written = document.limits
    return Limits(written.max_bytes, float(written.timeout.seconds), float(written.time_to_live.seconds))


def _payload(bench: Bench, written: Written, payload: Payload, *steps: Step) -> Part | None:
    form = Format(payload.format)
    validator = bench.attempt(
        written, (*steps, "schema"), lambda: _validator(bench, form, payload.schema_path, payload.element)
    )
    subject = None
    if payload.subject is not None:
        text = payload.subject
        subject = bench.attempt(written, (*steps, "subject"), lambda: first_text(form, text, payload.namespaces))
    _check_places(bench, written, form, payload.personal_data, payload.namespaces, (*steps, "personalData"))
    return Part(form, validator, tuple(payload.personal_data), subject) if validator else None


def _fault(bench: Bench, written: Written, document: kinds.Contract, name: str) -> Fault:
    fault = document.faults[name]
    form, path, steps = Format(document.fault_format(fault)), fault.schema_path, ("faults", name)
    part = None
    if path is not None:
        validator = bench.attempt(written, (*steps, "schema"), lambda: _validator(bench, form, path, fault.root))
        part = Part(form, validator, tuple(fault.personal_data)) if validator else None
    _check_places(bench, written, form, fault.personal_data, {}, (*steps, "personalData"))
    return Fault(name, part, fault.status, fault.element)


def _validator(bench: Bench, form: Format, path: str, element: str | None) -> Validator:
    if form is Format.JSON:
        return bench.shapes.json_validator(path)
    return bench.shapes.xsd_validator(path, element or "")


def _check_places(
    bench: Bench,
    written: Written,
    form: Format,
    places: Iterable[str],
    namespaces: dict[str, str],
    steps: tuple[Step, ...],
) -> None:
    for index, place in enumerate(places):
        bench.attempt(written, (*steps, index), partial(first_text, form, place, namespaces))
