"""The front door: builds the ASGI applications out of their parts, nothing else."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from adapters.rest.inbound import FrontDoor, failed, no_such_path


def data_plane(rest: FrontDoor) -> Starlette:
    """The path of messages."""
    app = Starlette(routes=rest.paths(), exception_handlers={HTTPException: no_such_path, Exception: failed})
    app.router.redirect_slashes = False  # it would send callers to whatever Host they were made to name
    return app
