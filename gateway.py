"""The front door: builds the ASGI applications out of their parts, nothing else."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.rest.front import RestFront
from adapters.rest.inbound import FrontDoor, failed, no_such_path
from adapters.rest.inbox import InboxDoor
from adapters.soap.inbound import SoapDoor
from management.guard import Guard

MESSAGES = "/messages/"


def data_plane(rest: FrontDoor, soap: SoapDoor, inbox: InboxDoor, front: RestFront) -> ASGIApp:
    """The path of messages. What sends one is nearly all that comes, and is known without a look at every route."""
    told = {HTTPException: no_such_path, Exception: failed}
    app = Starlette(routes=[*rest.paths(), *soap.paths(), *inbox.paths(), *front.paths()], exception_handlers=told)
    app.router.redirect_slashes = False  # it would send callers to whatever Host they were made to name
    send_message = rest.answering(rest.send)

    async def plane(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        contract = path[len(MESSAGES) :] if path.startswith(MESSAGES) and scope.get("method") == "POST" else ""
        if not contract or "/" in contract:
            await app(scope, receive, send)
            return
        scope["path_params"] = {"contract": contract}
        answer = await send_message(Request(scope, receive, send))
        await answer(scope, receive, send)

    return plane


def management_plane(api: ASGIApp, body_timeout: float) -> ASGIApp:
    """The path of people. Nothing reaches the API that is too large, too slow, or sent by another site's page."""
    return Guard(api, body_timeout)
