"""The management API: Connexion, after `openapi.yaml`, with the bus's own ways of signing in and of refusing."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from functools import cache, partial
from pathlib import Path
from typing import Any, Final, cast

import orjson
import structlog
from connexion.apps.asynchronous import AsyncApp
from connexion.context import scope as present
from connexion.exceptions import ProblemException
from connexion.lifecycle import ConnexionRequest, ConnexionResponse
from connexion.middleware.abstract import ROUTING_CONTEXT
from connexion.options import SwaggerUIOptions
from connexion.resolver import Resolver
from connexion.security import AbstractSecurityHandler
from ruamel.yaml import YAML
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import compile_path
from starlette.types import ASGIApp, Scope

from adapters.peers import Peers
from adapters.problem import MEDIA_TYPE, problem
from bus.errors import (
    BodyWanted,
    BusError,
    DocumentInvalid,
    InternalError,
    MethodNotAllowed,
    PathUnknown,
    RequestInvalid,
    SenderFault,
)
from bus.languages import negotiate
from identity.people import Person
from identity.roles import Action, require
from identity.sign_in import CHALLENGE, SignIn
from management.changing import told_problem
from management.handlers import HANDLERS
from management.plane import Answer, Call, Plane
from management.reading import Body, Parameters, findings
from routes.refusals import Refusals

DESCRIPTION: Final = Path(__file__).parent / "openapi.yaml"

AT_ONCE: Final = 8
"""Calls that are worked on at a time; the others wait."""

log = structlog.get_logger("management")

Endpoint = Callable[..., Awaitable[ConnexionResponse]]


def api(plane: Plane, sign_in: SignIn, refusals: Refusals, *, hold_answers: bool = False) -> ASGIApp:
    """The API below ``/v1``, described at ``/v1/openapi.json`` and, for people, below ``/v1/ui/``. `hold_answers`
    against the description as well, for tests."""
    for name in ("connexion", "httpx"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # their lines quote what was sent
    operations = actions()
    threads = ThreadPoolExecutor(AT_ONCE, "manage")

    def resolved(name: str) -> Endpoint:
        return _endpoint(plane, threads, HANDLERS[name])

    app = AsyncApp(
        "management",
        specification_dir=str(DESCRIPTION.parent),
        swagger_ui_options=SwaggerUIOptions(swagger_ui_config={"validatorUrl": None}),
        strict_validation=True,
        validate_responses=hold_answers,
        pythonic_params=True,
        validator_map={"body": {"application/json": Body}, "parameter": Parameters},
        security_map={"basic": _signing_in(sign_in, refusals, Peers(plane.settings.proxies), operations)},
        resolver=Resolver(resolved),
    )
    app.add_error_handler(BusError, _refused)
    app.add_error_handler(ProblemException, _not_as_described)
    app.add_error_handler(HTTPException, _not_as_described)
    app.add_error_handler(Exception, _failed)
    app.add_api(deepcopy(dict(described())))
    built: ASGIApp = app
    return built


@cache
def described() -> Mapping[str, Any]:
    """The description as it was written."""
    read: Mapping[str, Any] = YAML(typ="safe").load(DESCRIPTION)
    return read


def actions() -> dict[str, Action | None]:
    """What each operation of the description is, by the table of roles; None: open to whoever has signed in."""
    paths = described()["paths"]
    operations = (each for path in paths.values() for each in path.values() if isinstance(each, dict))
    return {each["operationId"]: Action(each["x-action"]) if "x-action" in each else None for each in operations}


def _allowed(path: str) -> str:
    """The methods of a path (RFC 9110 §10.2.1): each operation is a route of its own, which knows no other."""
    here = path.removeprefix("/v1")
    for template, operations in described()["paths"].items():
        if compile_path(template)[0].fullmatch(here):
            return ", ".join(method.upper() for method in operations if method != "parameters")
    return "GET"


def _signing_in(
    sign_in: SignIn, refusals: Refusals, peers: Peers, operations: Mapping[str, Action | None]
) -> type[AbstractSecurityHandler]:
    class SigningIn(AbstractSecurityHandler):
        """HTTP Basic (RFC 7617), by people, and what their roles permit: before anything else is looked at. Who names
        nobody has not tried: browsers ask without a name first."""

        def get_fn(self, _scheme: object, _scopes: object) -> Callable[[ConnexionRequest], Awaitable[dict[str, Any]]]:
            async def verify(request: ConnexionRequest) -> dict[str, Any]:
                source, sent = peers.source(Request(request.scope)), request.headers.get("authorization")
                try:
                    person = await sign_in.verify(sent, source)
                except SenderFault as refused:
                    if sent:
                        await refusals.refused(source, refused)
                    raise
                action = operations[request.scope["extensions"][ROUTING_CONTEXT]["operation_id"]]
                if action is not None:
                    require(person.roles, action)
                return {"sub": person.name, "person": person}

            return verify

    return SigningIn


def _endpoint(plane: Plane, threads: ThreadPoolExecutor, run: Callable[..., Answer]) -> Endpoint:
    async def endpoint(**given: Any) -> ConnexionResponse:
        person: Person = given.pop("token_info")["person"]
        del given["user"]
        fields = Headers(scope=cast("Scope", present))
        call = Call(plane, person, fields.get("if-match"), fields.get("if-none-match"))
        answer = await asyncio.get_running_loop().run_in_executor(threads, partial(run, call, **given))
        return _response(answer)

    return endpoint


def _response(answer: Answer) -> ConnexionResponse:
    if answer.body is None:
        return ConnexionResponse(204 if answer.status == 200 else answer.status, headers=dict(answer.headers))
    body = answer.body if isinstance(answer.body, bytes) else orjson.dumps(answer.body)
    return ConnexionResponse(answer.status, content_type=answer.media_type, body=body, headers=dict(answer.headers))


def _refused(request: ConnexionRequest, refused: Exception) -> ConnexionResponse:
    error = refused if isinstance(refused, BusError) else InternalError()
    fields = {"WWW-Authenticate": CHALLENGE} if error.status == 401 else {}
    if error.retry_after is not None:
        fields["Retry-After"] = str(error.retry_after)
    if isinstance(error, MethodNotAllowed):
        fields["Allow"] = error.facts.get("allow", "")
    told = problem(error, negotiate(request.headers.get("accept-language")))
    if isinstance(error, DocumentInvalid):
        told["problems"] = [told_problem(each) for each in error.problems]
    body = orjson.dumps(told)
    return ConnexionResponse(error.status, content_type=MEDIA_TYPE, body=body, headers=fields)


def _not_as_described(request: ConnexionRequest, refused: Exception) -> ConnexionResponse:
    """What Connexion refuses. Its own words quote what was sent."""
    status = refused.status_code if isinstance(refused, HTTPException) else 500
    error: BusError
    match status:
        case 404:
            error = PathUnknown()
        case 405:
            error = MethodNotAllowed(allow=_allowed(request.scope["path"]))
        case 415:
            error = BodyWanted()
        case 400 | 422:
            error = RequestInvalid(findings=findings(refused))
        case _:
            error = InternalError()
    return _refused(request, error)


def _failed(request: ConnexionRequest, unforeseen: Exception) -> ConnexionResponse:
    """What nobody foresaw becomes a problem document that says nothing."""
    log.error("request-failed", kind=type(unforeseen).__name__)
    return _refused(request, InternalError())
