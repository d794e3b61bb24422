"""The front door: builds the ASGI applications out of their parts, nothing else."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.entrance import Endpoint
from adapters.rest.front import METHODS, RestFront
from adapters.rest.inbound import FrontDoor, failed, no_such_path
from adapters.rest.inbox import InboxDoor
from adapters.soap.inbound import SoapDoor
from adapters.soap.inbox import PATH, SoapInboxDoor
from management.guard import Guard

INBOX = PATH.removeprefix("/")


def data_plane(
    rest: FrontDoor, soap: SoapDoor, inbox: InboxDoor, soap_inbox: SoapInboxDoor, front: RestFront
) -> ASGIApp:
    """The path of messages. What sends one is nearly all that comes, and is known without a look at every route."""
    told = {HTTPException: no_such_path, Exception: failed}
    paths = [*rest.paths(), *soap_inbox.paths(), *soap.paths(), *inbox.paths(), *front.paths()]
    app = Starlette(routes=paths, exception_handlers=told)
    app.router.redirect_slashes = False  # it would send callers to whatever Host they were made to name
    sends = {"messages": ("contract", rest.answering(rest.send)), "soap": ("service", soap.calling())}
    call = front.calling()

    def known(scope: Scope) -> Endpoint | None:
        """Where a message comes in, if that shows at once."""
        root, _, path = scope.get("path", "").partition("/")
        door, _, name = path.partition("/")
        if root or not name or path == INBOX:
            return None
        if door == "rest" and scope.get("method") in METHODS:
            return call
        if door not in sends or "/" in name or scope.get("method") != "POST":
            return None
        parameter, endpoint = sends[door]
        scope["path_params"] = {parameter: name}
        return endpoint

    async def plane(scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = known(scope)
        if endpoint is None:
            await app(scope, receive, send)
            return
        answer = await endpoint(Request(scope, receive, send))
        await answer(scope, receive, send)

    return plane


def management_plane(api: ASGIApp, body_timeout: float) -> ASGIApp:
    """The path of people. Nothing reaches the API that is too large, too slow, or sent by another site's page."""
    return Guard(api, body_timeout)
