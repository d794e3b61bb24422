"""A contract as AsyncAPI 3.0, as an application that takes its messages sees it.

Payloads are Multi Format Schema Objects: the format's own schemas are of JSON Schema draft 7, a contract's of 2020-12.
"""

from typing import Any, Final
from urllib.parse import urlsplit

from lxml import etree

from bus.envelope import Exchange, Format
from contracts.descriptions.examples import examples
from contracts.descriptions.json_schema import bundled
from contracts.descriptions.model import Payload, Subject

JSON_SCHEMA: Final = "application/schema+json;version=2020-12"
XSD: Final = "application/xml;schema=xsd-1.0"


def asyncapi(subject: Subject, server: str | None = None) -> dict[str, Any]:
    """`server` is the gateway's address, where it is known. Raises `SchemaInvalid`."""
    payloads = subject.payloads()
    schemas = {
        name: {"schemaFormat": JSON_SCHEMA, "schema": each}
        for name, each in bundled(subject, "#/components/schemas/", "/schema").items()
    }
    xml = {name: each for name, each in payloads.items() if each.format is Format.XML}
    if xml:
        texts = [etree.tostring(unit.root).decode() for unit in subject.xsd().units]
        schemas |= {name: {"schemaFormat": XSD, "schema": {"root": xml[name].root, "documents": texts}} for name in xml}
    address = urlsplit(server or "")
    servers = {"gateway": {"host": address.netloc, "protocol": address.scheme}} if address.netloc else {}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": subject.heading,
            "version": subject.version,
            "description": f"{subject.reference}; đơn vị chủ quản | owner: {subject.owner}",
        },
        "defaultContentType": subject.request.format.media_type,
        **({"servers": servers} if servers else {}),
        "channels": {"messages": {"address": subject.reference, "messages": _references(payloads)}},
        "operations": {"receive": _operation(subject)},
        "components": {
            "messages": {name: _message(name, each, subject) for name, each in payloads.items()},
            "schemas": schemas,
        },
    }


def _references(payloads: Any) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/messages/{name}"} for name in payloads}


def _operation(subject: Subject) -> dict[str, Any]:
    """Received; and where the exchange is answered, with what."""
    channel = {"$ref": "#/channels/messages"}
    answers = [{"$ref": f"#/channels/messages/messages/{name}"} for name in subject.payloads() if name != "request"]
    answered = answers and subject.exchange is not Exchange.EVENT
    return {
        "action": "receive",
        "channel": channel,
        "title": subject.heading,
        "messages": [{"$ref": "#/channels/messages/messages/request"}],
        **({"reply": {"channel": channel, "messages": answers}} if answered else {}),
    }


def _message(name: str, payload: Payload, subject: Subject) -> dict[str, Any]:
    shown = examples(subject) if name == "request" and payload.format is Format.JSON else {}
    objects = {key: value for key, value in shown.items() if isinstance(value, dict)}  # the format takes no others
    return {
        "name": name,
        "title": subject.heading if name == "request" else name,
        "contentType": payload.format.media_type,
        "payload": {"$ref": f"#/components/schemas/{name}"},
        **({"examples": [{"name": key, "payload": value} for key, value in objects.items()]} if objects else {}),
    }
