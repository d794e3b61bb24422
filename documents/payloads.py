"""A contract's document, compiled into what the hot path asks of it."""

from collections.abc import Iterable
from datetime import UTC, datetime, time
from email.utils import format_datetime
from functools import partial

from bus.envelope import Exchange, Format
from contracts.model import Attachments, Contract, Fault, Limits, Part, Retention, Validator
from documents import kinds
from documents.bench import Bench, Step
from documents.kinds.contract import Attachments as AttachmentsSaid
from documents.kinds.contract import Payload
from documents.model import Written
from documents.selection import first_text
from documents.standing import ACTIVE, Standing, State
from identity.grants import CIVIL_TIME


def contract(bench: Bench, written: Written, document: kinds.Contract) -> Contract | None:
    """None where something was wrong, which the bench then knows."""
    before = len(bench.problems)
    request = _payload(bench, written, document.request, "request")
    reply = _payload(bench, written, document.reply, "reply") if document.reply else None
    faults = {name: _fault(bench, written, document, name) for name in document.faults}
    if len(bench.problems) > before or request is None:
        return None
    standing = bench.documents.standings.get(written.key, ACTIVE)
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
        retired=standing.state is State.RETIRED,
        headers=headers(standing),
    )


def headers(standing: Standing) -> dict[str, str]:
    """What answers under a deprecated version say: since when it is (RFC 9745 §2), and until when it works (RFC 8594
    §3), which is to the end of the day before its sunset."""
    if standing.state is not State.DEPRECATED:
        return {}
    told = {"Deprecation": f"@{standing.since // 1000}"}
    if standing.sunset is not None:
        midnight = datetime.combine(standing.sunset, time(), CIVIL_TIME)
        told["Sunset"] = format_datetime(midnight.astimezone(UTC), usegmt=True)
    return told


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
    if validator is None:
        return None
    return Part(form, validator, tuple(payload.personal_data), subject, _attachments(payload.attachments))


def _attachments(said: AttachmentsSaid | None) -> Attachments | None:
    return Attachments(said.max, said.max_bytes, frozenset(map(str, said.media_types))) if said else None


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
