"""A contract's examples as descriptions show them."""

from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any

import orjson
from lxml import etree

from bus.envelope import Body, Format
from bus.errors import BusError, SenderFault
from contracts.descriptions.model import Payload, Subject
from contracts.json_body import parse_json
from contracts.json_schema import JsonSchemaValidator
from contracts.samples import Samples
from contracts.xml_samples import XmlSamples
from contracts.xsd import XsdDocuments, XsdValidator

MOST = 64 * 1024
"""Bytes of an example that a description shows."""


ATTEMPTS = 20
"""Answers that are made before there is none to show."""


@dataclass(frozen=True, slots=True)
class Example:
    """A JSON value, or the text of XML; `made` of the schema alone, where nobody wrote one."""

    value: Any
    made: bool = False


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


def answers(subject: Subject) -> dict[str, Example]:
    """An example of the reply and of each fault with a body: one that was written, else one that the schema allows."""
    found: dict[str, Example] = {}
    for name, payload in subject.payloads().items():
        if name == "request":
            continue
        written = subject.answers.get(name)
        with suppress(BusError, UnicodeDecodeError):
            if written is not None and len(written) <= MOST:
                found[name] = Example(_shown(payload, written))
            elif made := _made(subject, payload):
                found[name] = Example(_shown(payload, made), made=True)
    return found


def _shown(payload: Payload, data: bytes) -> Any:
    return parse_json(data) if payload.format is Format.JSON else data.decode()


def _made(subject: Subject, payload: Payload) -> bytes | None:
    chance = Random(1)  # noqa: S311 - nothing is kept secret by it
    if payload.format is Format.XML:
        documents, root = XsdDocuments(subject.files, [payload.path]), payload.root or ""
        validator = XsdValidator(documents, root)
        made = map(_indented, XmlSamples(documents, root, chance).attempts(ATTEMPTS))
        return next((each for each in made if not validator.check(Body(Format.XML, each))[1]), None)
    schema = JsonSchemaValidator(subject.resources[payload.path], subject.resources, path=payload.path)
    form: Any = schema.canonical.to_json_schema()
    values = Samples(form, chance).attempts(ATTEMPTS)
    return next((orjson.dumps(each) for each in values if schema.is_valid(each)), None)


def _indented(document: bytes) -> bytes:
    root = etree.fromstring(document)
    etree.indent(root)
    return etree.tostring(root, encoding="unicode").encode()
