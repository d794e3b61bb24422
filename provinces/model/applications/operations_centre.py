"""The operations centre: takes every air-quality reading, and what the bus tells of failed deliveries, as JSON."""

import json

from jsonschema import Draft202012Validator, FormatChecker
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from provinces.model.applications import locks
from provinces.model.applications.stand_in import Clock, Memory, now, stand_in
from provinces.model.applications.xml_documents import FOLDER


class Readings:
    """The last reading of each station, and how many came."""

    def __init__(self) -> None:
        schema = json.loads((FOLDER / "environment/schemas/air-quality.json").read_bytes())
        self.validator = Draft202012Validator(schema, format_checker=FormatChecker())
        self.count = 0
        self.latest: dict[str, object] = {}
        self.notices: list[object] = []

    async def take(self, request: Request) -> Response:
        """POST /readings."""
        try:
            reading = json.loads(await request.body())
        except ValueError:
            return JSONResponse({"status": "error", "problems": ["not JSON"]}, status_code=400)
        problems = [error.message for error in self.validator.iter_errors(reading)]
        if problems:
            return JSONResponse({"status": "error", "problems": problems}, status_code=422)
        self.count += 1
        self.latest[reading["station"]["code"]] = reading
        return JSONResponse({"status": "ok", "number": self.count}, status_code=201)

    async def take_notice(self, request: Request) -> Response:
        """POST /notices."""
        self.notices.append(json.loads(await request.body()))
        return Response(status_code=204)

    async def show_notices(self, _request: Request) -> Response:
        """GET /notices."""
        return JSONResponse(self.notices)

    async def show(self, _request: Request) -> Response:
        """GET /stations."""
        return JSONResponse(self.latest)


def build(key: str, clock: Clock = now) -> Starlette:
    """The operations centre; `key` is what it asks for in X-API-Key."""
    readings = Readings()
    routes = [
        Route("/api/v1/readings", readings.take, methods=["POST"]),
        Route("/api/v1/notices", readings.take_notice, methods=["POST"]),
        Route("/api/v1/notices", readings.show_notices, methods=["GET"]),
        Route("/api/v1/stations", readings.show, methods=["GET"]),
    ]
    return stand_in(
        routes,
        Memory(clock),
        lock=locks.header("X-API-Key", key),
        rude_fault=lambda: JSONResponse({"status": "error", "problems": ["unknown"]}),
    )
