"""OpenAPI 2.0, 3.0 and 3.1 into a REST system, and for each operation a contract, a route and the grants.

A message is one JSON object: the members of the body, and beside them the parameters of path and query, which the
system's operation takes out again (`adapters.rest.target`). What is answered with 4xx is a declared fault.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from random import Random
from typing import Any, Final
from urllib.parse import quote

import orjson

from bus.errors import SchemaInvalid
from contracts.json_schema import JsonSchemaValidator
from contracts.samples import Samples
from documents.importers import openapi_remarks as remarks
from documents.importers.naming import Names, line_of, name_of, path_of, words_of
from documents.importers.openapi_reading import Files, Missing, Schemas
from documents.importers.report import Imported, Note, Remark
from documents.importers.source import SEVERAL, Refused, Source, shown
from documents.importers.target import Document, Exchange, Target, json_payload
from documents.importers.wsdl_remarks import ENDPOINT_OPEN
from documents.kinds.values import Endpoint, OperationName

SUFFIXES: Final = (".json", ".yaml", ".yml")
METHODS: Final = ("get", "put", "post", "delete", "patch")
BODILESS: Final = ("get", "head", "delete")

MISCONFIGURED: Final = frozenset({401, 403, 407, 408, 425, 429})
"""Statuses that tell of the caller or the moment, and are the bus's own affair."""

MOST_EXAMPLES: Final = 3

ATTEMPTS: Final = 50
"""At a sample of a request."""

PATH: Final = "/:@!$&'()*+,;=~-._{}%"
"""What stands in a path as it is (RFC 3986 §3.3), and the braces of fields."""

PLACEHOLDER: Final = re.compile(r"\{([^{}]+)\}")


def import_openapi(source: Source, target: Target) -> Imported:
    """The documents of every operation that a message can be made for. Raises `Refused`."""
    files = Files(source)
    path = _entry(source, files)
    importing = _Importing(files, path, files.load(path), target)
    return importing.all()


def _entry(source: Source, files: Files) -> str:
    """The file that was named, or the only one that is an OpenAPI document."""
    found = [path for path, each in files.objects(*SUFFIXES).items() if "openapi" in each or "swagger" in each]
    if not found:
        raise Refused(Note(remarks.NO_OPENAPI, source.name))
    if len(found) > 1:
        raise Refused(Note(SEVERAL, source.name, {"there": shown(tuple(found))}))
    document = files.load(found[0])
    version = str(document.get("openapi") or document.get("swagger"))
    if not re.fullmatch(r"2\.0|3\.[01](\.\d+)?", version):
        raise Refused(Note(remarks.VERSION, found[0], {"version": version[:20]}))
    return found[0]


@dataclass(slots=True)
class _Operation:
    """One operation as it grows; `fields` are the parameters by the member that holds them."""

    name: str
    method: str
    path: str
    place: str
    title: str
    fields: dict[str, Any] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)
    query: dict[str, str] = field(default_factory=dict)
    body: Any = None
    body_file: str = ""
    body_required: bool = False
    examples: list[Any] = field(default_factory=list)


class _LeftOut(Exception):
    """No message can be made for this operation."""

    def __init__(self, remark: Remark, **facts: str) -> None:
        super().__init__(remark.code)
        self.remark, self.facts = remark, facts


class _Importing:
    """Documents of one OpenAPI document as they grow."""

    def __init__(self, files: Files, path: str, document: Mapping[str, Any], target: Target) -> None:
        self.files, self.path, self.document, self.target = files, path, document, target
        self.swagger = "swagger" in document
        self.old = self.swagger or str(document.get("openapi", "")).startswith("3.0")
        self.notes: list[Note] = []
        self.schemas = Schemas(files, self.old, self.notes)
        self.documents: list[Document] = []
        self.placed: dict[str, bytes] = {}
        self.operations: dict[str, Document] = {}
        self.names = Names()
        self.contracts = Names()

    def all(self) -> Imported:
        endpoint = self._endpoint()
        left_out = 0
        for operation, given, file in self._each():
            try:
                self._operation(operation, given, file)
            except Refused:  # a file that it leads to cannot be read
                raise
            except _LeftOut as left:
                left_out += 1
                self._note(left.remark, operation.place, **left.facts)
            except Missing as missing:
                left_out += 1
                self._note(remarks.LEADS_NOWHERE, operation.place, reference=str(missing)[:200])
        if not self.operations:
            raise Refused(*self.notes, Note(remarks.NO_OPERATION, self.path, {"count": str(left_out)}))
        self.documents.insert(0, self._system(endpoint))
        notes = (*self.notes, *self.target.notes(self.documents))
        return Imported(tuple(self.documents), self.placed, notes)

    def _endpoint(self) -> str:
        if self.target.endpoint is not None:
            return self.target.endpoint
        said = list(self._servers())
        usable = [each for each in said if re.fullmatch(Endpoint.PATTERN, each)]
        if not usable:
            self._note(ENDPOINT_OPEN, self.path, system=self.target.system)
            return f"https://endpoint.invalid/{self.target.system}"  # a name that nobody has (RFC 6761 §6.4)
        if len(usable) > 1:
            self._note(remarks.SEVERAL_SERVERS, self.path, count=str(len(usable)), taken=usable[0])
        return usable[0]

    def _servers(self) -> Iterator[str]:
        if self.swagger:
            host, base = _text(self.document.get("host")), _text(self.document.get("basePath"))
            schemes = _listed(self.document.get("schemes")) or ["https"]
            if host:
                yield from (f"{scheme}://{host}{base}".rstrip("/") for scheme in schemes)
            return
        for server in _listed(self.document.get("servers")):
            url = _text(_named(server).get("url"))
            for name, variable in _named(_named(server).get("variables")).items():
                url = url.replace(f"{{{name}}}", str(_named(variable).get("default", "")))
            if url:
                yield url.rstrip("/")

    def _each(self) -> Iterator[tuple[_Operation, Mapping[str, Any], str]]:
        """Every operation with what it says and the file it stands in."""
        for path, item in _named(self.document.get("paths")).items():
            found, file = self._resolved(item, self.path, str(path))
            if not isinstance(found, Mapping):
                continue
            for method in METHODS:
                if method not in found:
                    continue
                given, where = self._resolved(found[method], file, f"{path} {method}")
                if isinstance(given, Mapping):
                    shared = [*self._shared(found.get("parameters"), file)]
                    own = [*self._shared(given.get("parameters"), where)]
                    yield self._begun(str(path), method, given), {**given, "parameters": [*shared, *own]}, where

    def _resolved(self, given: Any, base: str, place: str) -> tuple[Any, str]:
        """As `Files.resolved`; what leads nowhere is told and is None."""
        try:
            return self.files.resolved(given, base)
        except Missing:
            self._note(remarks.REFERENCE, f"{self.path} {place}"[:300], reference=str(given.get("$ref"))[:200])
            return None, base

    def _shared(self, parameters: Any, base: str) -> Iterator[tuple[Mapping[str, Any], str]]:
        """Parameters and the file that each stands in."""
        for each in _listed(parameters):
            parameter, where = self._resolved(each, base, "parameters")
            if isinstance(parameter, Mapping) and isinstance(parameter.get("name"), str):
                yield parameter, where

    def _begun(self, path: str, method: str, given: Mapping[str, Any]) -> _Operation:
        foreign = str(given.get("operationId") or f"{method}-{path}")
        name = self.names.new(name_of(foreign))
        title = line_of(str(given.get("summary") or "")) or line_of(str(given.get("description") or ""))
        place = f"{self.path} {method.upper()} {path}"[:300]
        return _Operation(name, method, path, place, title or words_of(foreign))

    def _operation(self, operation: _Operation, given: Mapping[str, Any], file: str) -> None:
        """One operation into its documents. Raises `_LeftOut`, `Missing`."""
        if not re.fullmatch(OperationName.PATTERN, operation.name):
            raise _LeftOut(remarks.ODD_NAME)
        if set(operation.path) & set("?#"):
            raise _LeftOut(remarks.QUERY_IN_PATH)
        operation.path = "/" + quote(operation.path.strip().lstrip("/"), safe=PATH)
        self._body(operation, given, file)
        for parameter, where in self._parameters(given):
            self._parameter(operation, parameter, where)
        for undeclared in PLACEHOLDER.findall(operation.path):
            if undeclared not in operation.fields:
                operation.fields[undeclared] = ({"type": "string"}, file, None)
                operation.required.append(undeclared)
        request = self._request(operation)
        reply, faults, exchange = self._answers(operation, given, file)
        name = self.contracts.new(self.target.contract_name(operation.name))
        payload = self._file(operation, "request", request)
        parts: dict[str, Any] = {"reply": reply, "faults": faults, "examples": self._examples(operation, request)}
        self.documents.append(self.target.contract(name, operation.title, exchange, json_payload(payload), **parts))
        self.documents.append(self.target.route(name, operation.name))
        self.documents += self.target.grants(name, self.target.system, operation.title)
        self.operations[operation.name] = {
            "method": operation.method.upper(),
            "path": operation.path,
            **({"query": operation.query} if operation.query else {}),
            **({"repeatable": True} if operation.method in {"get", "put", "delete"} else {}),
        }

    def _parameters(self, given: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str]]:
        """The parameters, those of the operation over those of its path (OpenAPI 3.1, Operation Object)."""
        found: dict[tuple[str, str], tuple[Mapping[str, Any], str]] = {}
        for parameter, where in given["parameters"]:
            found[parameter["name"], str(parameter.get("in"))] = (parameter, where)
        yield from found.values()

    def _parameter(self, operation: _Operation, given: Mapping[str, Any], file: str) -> None:
        name, where, required = given["name"], given.get("in"), given.get("required") is True
        if where == "path":
            self._field(operation, given, file, required=True)
        elif where == "query":
            self._styled(operation, given, required=required)
            self._field(operation, given, file, required=required)
        elif where == "cookie":
            self._note(remarks.COOKIE, operation.place, name=name[:100])
        elif where == "header" and name.lower() not in {"accept", "content-type", "authorization"}:
            if required and not _is_ours(name):
                self._note(remarks.HEADER, operation.place, name=name[:100])
        elif where == "formData":
            raise _LeftOut(remarks.NOT_JSON, media="form")

    def _field(self, operation: _Operation, given: Mapping[str, Any], file: str, *, required: bool) -> None:
        """A parameter is a member of the message; where the body has one of that name, under another."""
        name = given["name"]
        taken = {*operation.fields, *_members(operation.body)}
        at = name if name not in taken else f"{name}-{given['in']}"
        if at != name:
            self._note(remarks.FIELD_RENAMED, operation.place, name=name[:100], field=at[:110])
        if given["in"] == "path":
            operation.path = operation.path.replace(f"{{{name}}}", f"{{{at}}}")
        else:
            operation.query[name] = at
        schema = self._parameter_schema(given)
        operation.fields[at] = (schema, file, given.get("description"))
        if required:
            operation.required.append(at)

    def _parameter_schema(self, given: Mapping[str, Any]) -> Any:
        if not self.swagger:
            content = given.get("content")
            inner: Any = next(iter(_named(content).values()), {})
            return given.get("schema", _named(inner).get("schema", True))
        names = {"name", "in", "required", "description", "allowEmptyValue", "collectionFormat"}
        return {key: value for key, value in given.items() if key not in names}

    def _styled(self, operation: _Operation, given: Mapping[str, Any], *, required: bool) -> None:
        schema = self._parameter_schema(given)
        kind = schema.get("type") if isinstance(schema, Mapping) else None
        if kind == "object" or given.get("style") == "deepObject":
            if required:
                raise _LeftOut(remarks.QUERY_OBJECT, name=given["name"][:100])
            self._note(remarks.STYLE, operation.place, name=given["name"][:100], style="object")
        elif kind == "array":
            style = given.get("collectionFormat", "csv") if self.swagger else given.get("style", "form")
            plain = style == "multi" if self.swagger else style == "form" and given.get("explode", True) is not False
            if not plain:
                self._note(remarks.STYLE, operation.place, name=given["name"][:100], style=str(style)[:30])

    def _body(self, operation: _Operation, given: Mapping[str, Any], file: str) -> None:
        if self.swagger:
            bodies = [each for each in self._parameters(given) if each[0].get("in") == "body"]
            if bodies:
                body, where = bodies[0]
                self._json_alone(
                    operation,
                    _listed(given.get("consumes")) or _listed(self.document.get("consumes")) or ["application/json"],
                )
                operation.body, operation.body_file = body.get("schema", True), where
                operation.body_required = body.get("required") is True
            return
        if given.get("requestBody") is None:
            return
        body, where = self.files.resolved(given["requestBody"], file)
        content = body.get("content") if isinstance(body, Mapping) else None
        if not isinstance(content, Mapping) or not content:
            return
        media = self._json_alone(operation, list(content))
        inner, where = self.files.resolved(content[media], where)
        operation.body, operation.body_file = _named(inner).get("schema", True), where
        operation.body_required = body.get("required") is True
        operation.examples += _written_examples(_named(inner))

    def _json_alone(self, operation: _Operation, media: list[str]) -> str:
        """The media type that is JSON. Raises `_LeftOut` where none is."""
        found = next((each for each in media if _is_json(str(each))), None)
        if found is None:
            shown_media = ", ".join(map(str, media))[:100]
            raise _LeftOut(remarks.NOT_JSON, media=shown_media)
        if any(not _is_json(str(each)) for each in media):
            self._note(remarks.OTHER_MEDIA, operation.place, media=", ".join(map(str, media))[:200])
        return found

    def _request(self, operation: _Operation) -> dict[str, Any]:
        """The schema of the message: body and parameters in one object."""
        fields = {
            name: _described(self.schemas.closed(schema, file, f"{operation.place} {name}"), text)
            for name, (schema, file, text) in operation.fields.items()
        }
        if operation.body is None or operation.method in BODILESS:
            return _object(fields, operation.required)
        body = self.schemas.closed(operation.body, operation.body_file, f"{operation.place} body")
        self._forgive_read_only(operation, body)
        if not fields:
            return body
        return _joined(body, fields, operation)

    def _forgive_read_only(self, operation: _Operation, body: dict[str, Any]) -> None:
        """Who sends need not say what the server alone sets (OpenAPI 3.0.3, ``readOnly``)."""
        forgiven: set[str] = set()
        for schema in (body, *body.get("$defs", {}).values()):
            members = schema.get("properties") if isinstance(schema, dict) else None
            if not isinstance(members, dict):
                continue
            named = {name for name, each in members.items() if isinstance(each, dict) and each.get("readOnly") is True}
            wanted = [name for name in schema.get("required", ()) if name not in named]
            forgiven |= named & set(schema.get("required", ()))
            if named & set(schema.get("required", ())):
                schema.pop("required")
                if wanted:
                    schema["required"] = wanted
        if forgiven:
            self._note(remarks.READ_ONLY, operation.place, names=", ".join(sorted(forgiven))[:200])

    def _answers(
        self, operation: _Operation, given: Mapping[str, Any], file: str
    ) -> tuple[Document | None, Document, Exchange]:
        """The reply, the faults, and whether anybody waits for an answer."""
        reply: Document | None = None
        faults: Document = {}
        names = Names()
        known = {str(key).upper(): each for key, each in _named(given.get("responses")).items()}
        for status in sorted(known):
            try:
                answer, where = self.files.resolved(known[status], file)
            except Missing:
                self._note(remarks.REFERENCE, operation.place, reference=f"response {status}")
                continue
            if status[:1] == "2" and reply is None:
                reply = self._reply(operation, answer, where, status)
            elif re.fullmatch(r"4\d\d", status) and int(status) not in MISCONFIGURED:
                name = names.new(_fault_name(int(status)))
                faults[name] = {"status": int(status), **self._fault(operation, answer, where, status)}
        if reply is not None:
            return reply, faults, "request"
        if operation.method == "get":
            raise _LeftOut(remarks.NO_JSON_ANSWER)
        return None, faults, "document"

    def _reply(self, operation: _Operation, answer: Any, file: str, status: str) -> Document | None:
        found = self._answer_schema(answer, file)
        if found is None:
            return None
        schema, where = found
        if schema is True:
            self._note(remarks.ANY_REPLY, operation.place)
        made = self.schemas.closed(schema, where, f"{operation.place} {status}")
        return json_payload(self._file(operation, "reply", made))

    def _fault(self, operation: _Operation, answer: Any, file: str, status: str) -> Document:
        found = self._answer_schema(answer, file)
        if found is None or found[0] is True:
            return {}
        made = self.schemas.closed(found[0], found[1], f"{operation.place} {status}")
        return {"format": "json", "schema": self._file(operation, status, made)}

    def _answer_schema(self, answer: Any, file: str) -> tuple[Any, str] | None:
        """The schema of a JSON answer and its file; None where there is no JSON."""
        if not isinstance(answer, Mapping):
            return None
        if self.swagger:
            schema = answer.get("schema")
            is_file = isinstance(schema, Mapping) and schema.get("type") == "file"
            return None if schema is None or is_file else (schema, file)
        for media, each in _named(answer.get("content")).items():
            if _is_json(str(media)):
                inner, where = self.files.resolved(each, file)
                return _named(inner).get("schema", True), where
        return None

    def _examples(self, operation: _Operation, request: dict[str, Any]) -> Document:
        """Examples that are right, each in a file; those of operations with parameters lack these, and are left."""
        given = [each for each in operation.examples if isinstance(each, dict | list)][:MOST_EXAMPLES]
        try:
            validator = JsonSchemaValidator(request)
        except SchemaInvalid:  # said with its place when the documents are checked
            return {}
        # Those of operations with parameters lack these.
        written = [] if operation.required else given
        usable = [each for each in written if validator.is_valid(each)]
        paths = []
        for number, example in enumerate((written if usable else [*written, *_sample(validator)]), 1):
            if validator.is_valid(example):
                path = path_of(self.target.folder, f"examples/{operation.name}.{number}.json")
                self.placed[path] = orjson.dumps(example, option=orjson.OPT_INDENT_2) + b"\n"
                paths.append(path)
            else:
                self._note(remarks.EXAMPLE, operation.place)
        return {"valid": paths} if paths else {}

    def _file(self, operation: _Operation, part: str, schema: dict[str, Any]) -> str:
        path = path_of(self.target.folder, f"schemas/{operation.name}.{part}.json")
        self.placed[path] = orjson.dumps(schema, option=orjson.OPT_INDENT_2) + b"\n"
        return path

    def _system(self, endpoint: str) -> Document:
        title = line_of(_text(_named(self.document.get("info")).get("title")))
        return {
            "kind": "System",
            "name": self.target.system,
            **({"title": {"vi": title, "en": title}} if title else {}),
            "agency": self.target.agency,
            "adapter": "rest",
            "endpoint": endpoint,
            **self._auth(),
            "operations": self.operations,
        }

    def _auth(self) -> Document:
        """How the bus shall prove who calls, by the first scheme that it can do; the secret is the administrator's."""
        components = _named(self.document.get("components"))
        schemes = self.document.get("securityDefinitions") if self.swagger else components.get("securitySchemes")
        name = f"{self.target.system.replace('.', '-')}-secret"
        others = []
        for each in _named(schemes).values():
            scheme, _ = self._resolved(each, self.path, "securitySchemes")
            if not isinstance(scheme, Mapping):
                continue
            kind, http = scheme.get("type"), str(scheme.get("scheme", "")).lower()
            auth: Document | None = None
            if kind == "apiKey" and scheme.get("in") == "header":
                auth = {"scheme": "api-key", "header": str(scheme.get("name")), "value": f"secret:{name}"}
            elif kind == "oauth2" or http == "bearer":
                auth = {"scheme": "bearer", "token": f"secret:{name}"}
            elif kind == "basic" or http == "basic":
                auth = {"scheme": "basic", "username": "lgsp", "password": f"secret:{name}"}
            if auth is not None:
                self._note(remarks.SECRET, self.path, scheme=auth["scheme"], agency=self.target.agency, name=name)
                return {"auth": auth}
            others.append(str(kind))
        if others:
            self._note(remarks.AUTH, self.path, scheme=", ".join(others)[:100])
        return {}

    def _note(self, remark: Remark, place: str, **facts: str) -> None:
        note = Note(remark, place, facts)
        if note not in self.notes:
            self.notes.append(note)


def _sample(schema: JsonSchemaValidator) -> list[Any]:
    """One valid message, if one is found."""
    try:
        form: Any = schema.canonical.to_json_schema()
    except SchemaInvalid:
        return []
    made = Samples(form, Random(1)).attempts(ATTEMPTS)  # noqa: S311 - nothing is kept secret by it
    return next(([value] for value in made if schema.is_valid(value)), [])


def _named(value: Any) -> Mapping[str, Any]:
    """An object, or none where something else was written."""
    return value if isinstance(value, Mapping) else {}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _members(body: Any) -> tuple[str, ...]:
    members = body.get("properties") if isinstance(body, Mapping) else None
    return tuple(members) if isinstance(members, Mapping) else ()


def _is_json(media: str) -> bool:
    kind = media.partition(";")[0].strip().lower()
    return kind in {"application/json", "text/json", "json", "*/*"} or kind.endswith("+json")


def _is_ours(header: str) -> bool:
    """Headers that the bus sends by itself with each call."""
    return header.lower() in {"idempotency-key", "traceparent", "user-agent", "host", "content-length"}


def _fault_name(status: int) -> str:
    try:
        return name_of(HTTPStatus(status).phrase)
    except ValueError:
        return f"status-{status}"


def _described(schema: dict[str, Any], text: Any) -> dict[str, Any]:
    said = line_of(text) if isinstance(text, str) else None
    return {**schema, "description": said} if said and "description" not in schema else schema


def _lifted(fields: Mapping[str, dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The schemas of members, and what lies beneath their ``$defs``, which is the same wherever the name is."""
    defs: dict[str, Any] = {}
    plain = {}
    for name, schema in fields.items():
        defs |= schema.get("$defs", {})
        plain[name] = {key: value for key, value in schema.items() if key not in {"$defs", "$schema"}} or True
    return plain, defs


def _object(fields: Mapping[str, dict[str, Any]], required: list[str]) -> dict[str, Any]:
    plain, defs = _lifted(fields)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": plain,
        **({"required": required} if required else {}),
        "additionalProperties": False,
        **({"$defs": defs} if defs else {}),
    }


def _joined(body: dict[str, Any], fields: Mapping[str, dict[str, Any]], operation: _Operation) -> dict[str, Any]:
    """Body and parameters as one object. Raises `_LeftOut` where the body is none, or allows no other members."""
    plain, defs = _lifted(fields)
    all_defs = {**body.get("$defs", {}), **defs}
    inner = _own(body)
    if inner.get("type", "object") != "object":
        raise _LeftOut(remarks.BODY_NOT_OBJECT)
    required = [*dict.fromkeys([*operation.required, *(inner.get("required", []) if operation.body_required else [])])]
    if {"allOf", "anyOf", "oneOf", "$ref", "if"} & set(inner):
        if any(isinstance(each, dict) and each.get("additionalProperties") is False for each in all_defs.values()):
            raise _LeftOut(remarks.BODY_CLOSED)
        kept = {key: value for key, value in inner.items() if key not in {"$schema", "$defs"}}
        made: dict[str, Any] = {"type": "object", "allOf": [kept], "properties": plain}
    else:
        made = {**inner, "type": "object", "properties": {**inner.get("properties", {}), **plain}}
    made |= {"required": required} if required else {}
    made.pop("$defs", None)
    made.pop("$schema", None)
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}
    return schema | ({"$defs": all_defs} if all_defs else {})


def _own(body: dict[str, Any]) -> dict[str, Any]:
    """The body's schema, or the one that it is a mere reference to."""
    reference = body.get("$ref")
    if isinstance(reference, str) and not set(body) - {"$ref", "$defs", "$schema"}:
        found = body.get("$defs", {}).get(reference.rpartition("/")[2])
        if isinstance(found, dict):
            return found
    return body


def _written_examples(media: Mapping[str, Any]) -> list[Any]:
    """The examples of a media type (OpenAPI 3.1, Media Type Object)."""
    found = [media["example"]] if "example" in media else []
    named = media.get("examples")
    if isinstance(named, Mapping):
        found += [each["value"] for each in named.values() if isinstance(each, Mapping) and "value" in each]
    return found
