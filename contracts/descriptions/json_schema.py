"""A contract as one JSON Schema 2020-12: the request's at the root, every payload's under its name in ``$defs``."""

from typing import Any

from bus.envelope import Format
from contracts.descriptions.bundle import Bundle
from contracts.descriptions.model import Subject

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(subject: Subject) -> dict[str, Any]:
    """Of XML, the schema of its JSON view (docs/mapping.md). Raises `SchemaInvalid`."""
    bundle = Bundle(subject.resources, "#/$defs/")
    payloads = subject.payloads()
    bundle.schemas.update(dict.fromkeys(payloads))  # their names are theirs
    for name, payload in payloads.items():
        bundle.add(name, payload.view or payload.path)
    return {
        "$schema": DIALECT,
        "$id": f"urn:lgsp:contract:{subject.name}:{subject.version}",
        "title": subject.heading,
        "$ref": "#/$defs/request",
        "$defs": bundle.schemas,
    }


def bundled(subject: Subject, prefix: str, suffix: str = "") -> dict[str, Any]:
    """The schemas of all payloads of JSON, and of what they refer to, by name."""
    bundle = Bundle(subject.resources, prefix, suffix)
    payloads = {name: each for name, each in subject.payloads().items() if each.format is Format.JSON}
    bundle.schemas.update(dict.fromkeys(payloads))  # their names are theirs
    for name, payload in payloads.items():
        bundle.add(name, payload.path)
    return bundle.schemas
