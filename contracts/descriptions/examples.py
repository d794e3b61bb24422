"""A contract's examples as descriptions show them."""

from contextlib import suppress
from typing import Any

from bus.envelope import Body, Format
from bus.errors import SenderFault
from contracts.descriptions.model import Subject
from contracts.json_body import parse_json

MOST = 64 * 1024
"""Bytes of an example that a description shows."""


def examples(subject: Subject) -> dict[str, Any]:
    """Requests by name: JSON values, or the text of XML. Large ones and what cannot be read are left out."""
    found: dict[str, Any] = {}
    for path, data in subject.examples.items():
        if len(data) <= MOST:
            with suppress(SenderFault, UnicodeDecodeError):
                body = Body(subject.request.format, data)
                value = parse_json(data) if body.format is Format.JSON else data.decode()
                found[path.rpartition("/")[2].partition(".")[0] or path] = value
    return found
