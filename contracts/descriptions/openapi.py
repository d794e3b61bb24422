"""A contract as OpenAPI 3.1: the one call by which it is sent, and what the gateway answers."""

from typing import Any, Final

from bus.envelope import Exchange, Format
from contracts.descriptions.examples import examples
from contracts.descriptions.json_schema import bundled
from contracts.descriptions.model import Payload, Subject

SCHEMAS: Final = "#/components/schemas/"
PROBLEM: Final = {
    "type": "object",
    "title": "Problem (RFC 9457)",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "Mã lỗi, không đổi | The error's stable code"},
        "fault": {"type": "string", "description": "Lỗi đã khai báo | The declared fault"},
        "body": {"description": "Nội dung của lỗi đã khai báo | What the declared fault says"},
    },
}
ACCEPTED: Final = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "state": {"type": "string"}, "location": {"type": "string"}},
    "required": ["id", "state", "location"],
}


def openapi(subject: Subject, server: str = "/") -> dict[str, Any]:
    """`server` is the gateway's address; a relative one is that from which the document came (OAS 3.1.0 §4.8.5)."""
    return {
        "openapi": "3.1.0",
        "info": {"title": subject.heading, "version": subject.version, "description": _about(subject)},
        "servers": [{"url": server}],
        "security": [{"token": []}],
        "paths": {f"/messages/{subject.reference}": {"post": _operation(subject)}},
        "components": {
            "schemas": {**bundled(subject, SCHEMAS), "bus-accepted": ACCEPTED, "bus-problem": PROBLEM},
            "securitySchemes": {
                "token": {
                    "type": "oauth2",
                    "flows": {"clientCredentials": {"tokenUrl": f"{server.rstrip('/')}/token", "scopes": {}}},
                }
            },
        },
    }


def _about(subject: Subject) -> str:
    return f"{subject.reference}; đơn vị chủ quản | owner: {subject.owner}"


def _operation(subject: Subject) -> dict[str, Any]:
    request = content("request", subject.request)
    if found := examples(subject):
        next(iter(request.values()))["examples"] = {name: {"value": value} for name, value in found.items()}
    return {
        "operationId": subject.name,
        "summary": subject.heading,
        **({"deprecated": True} if subject.deprecated else {}),
        "parameters": [
            _header("Idempotency-Key", "Khóa để gửi lại mà không gửi hai lần | Makes a repeated send one message"),
            _header("Prefer", "wait=SECONDS | respond-async (RFC 7240)"),
        ],
        "requestBody": {"required": True, "content": request},
        "responses": dict(_responses(subject)),
    }


def _header(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": description, "schema": {"type": "string"}}


def _responses(subject: Subject) -> dict[str, Any]:
    problem = {"application/problem+json": {"schema": {"$ref": f"{SCHEMAS}bus-problem"}}}
    accepted = {"application/json": {"schema": {"$ref": f"{SCHEMAS}bus-accepted"}}}
    answers: dict[str, Any] = {}
    if subject.reply and subject.exchange is Exchange.REQUEST:
        answers["200"] = {"description": "Phản hồi | The reply", "content": content("reply", subject.reply)}
    answers["202"] = {
        "description": "Đã tiếp nhận: hỏi tiếp tại Location | Accepted: ask at Location",
        "content": accepted,
    }
    if subject.faults:
        answers["422"] = {"description": _faults(subject), "content": _fault_content(subject)}
    answers["default"] = {"description": "Bị từ chối hoặc lỗi | Refused, or failed", "content": problem}
    return answers


def _faults(subject: Subject) -> str:
    return "Lỗi đã khai báo | A declared fault: " + ", ".join(each.name for each in subject.faults)


def _fault_content(subject: Subject) -> dict[str, Any]:
    """Problem documents in which the fault is named, and its body stands in `body`."""
    options = []
    for fault in subject.faults:
        told: dict[str, Any] = {"fault": {"const": fault.name}}
        if fault.payload and fault.payload.format is Format.JSON:
            told["body"] = {"$ref": f"{SCHEMAS}fault-{fault.name}"}
        elif fault.payload:
            told["body"] = {"type": "string", "description": f"XML: {fault.payload.root}"}
        options.append({"allOf": [{"$ref": f"{SCHEMAS}bus-problem"}, {"properties": told, "required": ["fault"]}]})
    schema = options[0] if len(options) == 1 else {"oneOf": options}
    return {"application/problem+json": {"schema": schema}}


def content(name: str, payload: Payload) -> dict[str, Any]:
    """JSON by its schema. Of XML, JSON Schema can say nothing: the root element and the contract's XSD do."""
    if payload.format is Format.JSON:
        return {payload.format.media_type: {"schema": {"$ref": SCHEMAS + name}}}
    words = f"XML, {payload.root}; lược đồ | schema: schema.xsd"
    return {payload.format.media_type: {"schema": {"type": "string", "description": words}}}
