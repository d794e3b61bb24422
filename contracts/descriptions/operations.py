"""Operations of a system's own REST API as OpenAPI 3.1: the calls that it has always had, at an address of ours."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bus.envelope import Exchange, Format
from contracts.descriptions.json_schema import bundled
from contracts.descriptions.model import Subject
from contracts.descriptions.openapi import ACCEPTED, PROBLEM, SCHEMAS, content

FIELD: Final = re.compile(r"\{([^{}]*)\}")
BODILESS: Final = frozenset({"DELETE", "GET", "HEAD"})
ACCEPTED_WORDS: Final = "Đã tiếp nhận: hỏi tiếp tại Location | Accepted: ask at Location"


@dataclass(frozen=True, slots=True)
class Described:
    """One operation, and the contract that its calls are messages of. `query` names for each parameter the member of
    the request that it fills; `statuses` say of faults under which HTTP status they come."""

    name: str
    method: str
    path: str
    query: Mapping[str, str]
    subject: Subject
    statuses: Mapping[str, int]


def operations(title: str, server: str, each: Iterable[Described]) -> dict[str, Any]:
    """One document; `server` is the address before every path. Of operations that differ in their parameters alone,
    which OpenAPI does not know, the first stands. Raises `SchemaInvalid`."""
    paths: dict[str, dict[str, Any]] = {}
    spelt: dict[str, str] = {}
    schemas: dict[str, Any] = {"bus.accepted": ACCEPTED, "bus.problem": PROBLEM}
    for one in each:
        path = spelt.setdefault(FIELD.sub("{}", one.path), one.path) or "/"
        methods = paths.setdefault(path, {})
        if one.method.lower() not in methods:
            methods[one.method.lower()] = _operation(one, FIELD.findall(path), schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": "1"},
        "servers": [{"url": server}],
        "security": [{"token": []}, {"basic": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "/token", "scopes": {}}}},
                "basic": {"type": "http", "scheme": "basic"},
            },
        },
    }


def _operation(one: Described, names: list[str], schemas: dict[str, Any]) -> dict[str, Any]:
    """`names` are those of the fields as the document's path has them; they are the operation's own in their order."""
    prefix = re.sub(r"[^A-Za-z0-9._-]", "_", one.name or "call") + "."
    own = {prefix + name: schema for name, schema in bundled(one.subject, SCHEMAS + prefix).items()}
    schemas |= own
    request = _followed(own, own.get(f"{prefix}request", {}))
    fields = FIELD.findall(one.path)
    required = set(request.get("required", ()))
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": _member(own, request, member)}
        for name, member in zip(names, fields, strict=True)
    ]
    parameters += [
        {"name": name, "in": "query", "required": member in required, "schema": _member(own, request, member)}
        for name, member in one.query.items()
    ]
    made: dict[str, Any] = {
        "operationId": one.name or "call",
        "summary": one.subject.heading,
        "description": f"{one.subject.reference}; đơn vị chủ quản | owner: {one.subject.owner}",
        "parameters": parameters,
    }
    if one.method.upper() not in BODILESS:
        taken = {*fields, *one.query.values()}
        if taken:
            schemas[f"{prefix}body"] = _without(request, taken)
        body = content(prefix + ("body" if taken else "request"), one.subject.request)
        made["requestBody"] = {"required": bool(required - taken) or not taken, "content": body}
    return {**made, "responses": dict(_responses(one, prefix))}


def _responses(one: Described, prefix: str) -> Iterator[tuple[str, Any]]:
    if one.subject.exchange is Exchange.REQUEST and one.subject.reply:
        yield "2XX", {"description": "Phản hồi | The reply", "content": content(f"{prefix}reply", one.subject.reply)}
    else:
        accepted = {"application/json": {"schema": {"$ref": f"{SCHEMAS}bus.accepted"}}}
        yield "202", {"description": ACCEPTED_WORDS, "content": accepted}
    for status in sorted(set(one.statuses.values())):
        named = [each for each in one.subject.faults if one.statuses.get(each.name) == status]
        bodies = [
            {"$ref": f"{SCHEMAS}{prefix}fault-{each.name}"}
            for each in named
            if each.payload and each.payload.format is Format.JSON
        ]
        answer: dict[str, Any] = {"description": ", ".join(each.name for each in named)}
        if bodies:
            schema = bodies[0] if len(bodies) == 1 else {"anyOf": bodies}
            answer["content"] = {"application/json": {"schema": schema}}
        yield str(status), answer
    problem = {"application/problem+json": {"schema": {"$ref": f"{SCHEMAS}bus.problem"}}}
    yield "default", {"description": "Bị từ chối hoặc lỗi | Refused, or failed", "content": problem}


def _followed(schemas: Mapping[str, Any], schema: Any) -> Mapping[str, Any]:
    """The schema, or the one that it is no more than a reference to."""
    seen: set[str] = set()
    while isinstance(schema, Mapping) and isinstance(name := schema.get("$ref"), str) and name not in seen:
        seen.add(name)
        schema = schemas.get(name.removeprefix(SCHEMAS), {})
    return schema if isinstance(schema, Mapping) else {}


def _member(schemas: Mapping[str, Any], schema: Mapping[str, Any], name: str) -> Any:
    """What a schema says of one member; anything, where it is not said in so many words."""
    for each in (schema, *(_followed(schemas, inner) for inner in schema.get("allOf", ()))):
        members = each.get("properties")
        if isinstance(members, Mapping) and name in members:
            return members[name]
    return {}


def _without(schema: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    """The schema of what is left of an object once these members are taken out."""
    made = dict(schema)
    if isinstance(members := schema.get("properties"), Mapping):
        made["properties"] = {name: each for name, each in members.items() if name not in names}
    if isinstance(required := schema.get("required"), list):
        made["required"] = [name for name in required if name not in names]
    return made
