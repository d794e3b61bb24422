"""The departments that send do so over HTTP alone, in the shape that the contracts want."""

import json
from collections.abc import AsyncIterator
from datetime import datetime
from random import Random

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from provinces.model.applications import air_stations, one_stop
from provinces.model.applications.sender import Sender
from provinces.model.applications.stand_in import VIET_NAM
from provinces.model.flows import FOLDER

FORM = FOLDER / "one-stop/forms/bien-nhan.json"


class Bus:
    """As much of a bus as a sender sees: it gives tokens and remembers what came."""

    def __init__(self) -> None:
        self.tokens = 0
        self.messages: list[tuple[str, str, str, bytes]] = []

    def application(self) -> web.Application:
        application = web.Application()
        application.add_routes([web.post("/token", self.token), web.post("/messages/{contract}", self.message)])
        return application

    async def token(self, request: web.Request) -> web.Response:
        if request.headers["Authorization"] != "Basic YS5iOnM=":
            return web.Response(status=401)
        self.tokens += 1
        return web.json_response({"access_token": f"t{self.tokens}", "expires_in": 1800})

    async def message(self, request: web.Request) -> web.Response:
        headers = request.headers
        contract = request.match_info["contract"]
        self.messages.append((contract, headers["Authorization"], headers["Idempotency-Key"], await request.read()))
        return web.Response(status=202, headers={"Location": "/messages/1"}, body=b"{}")


@pytest.fixture
async def bus() -> AsyncIterator[tuple[Bus, str]]:
    bus = Bus()
    async with TestServer(bus.application()) as server:
        yield bus, f"http://127.0.0.1:{server.port}"


async def test_token_is_kept_until_it_ends(bus: tuple[Bus, str]) -> None:
    """One token serves many messages, and a new one is asked for a minute before it ends."""
    seen, url = bus
    time = 0.0
    async with aiohttp.ClientSession() as session:
        sender = Sender(session, url, "a.b", "s", clock=lambda: time)
        for time in (0.0, 1739.0, 1741.0):
            answer = await sender.send("c.d", b"{}", f"key-{time}")
            assert (answer.status, answer.message) == (202, "/messages/1")
    assert seen.messages == [
        ("c.d", "Bearer t1", "key-0.0", b"{}"),
        ("c.d", "Bearer t1", "key-1739.0", b"{}"),
        ("c.d", "Bearer t2", "key-1741.0", b"{}"),
    ]


async def test_wrong_secret_sends_nothing(bus: tuple[Bus, str]) -> None:
    """Without a token there is no message."""
    seen, url = bus
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientResponseError):
            await Sender(session, url, "a.b", "other").send("c.d", b"{}", "k")
    assert seen.messages == []


@given(st.randoms(use_true_random=False), st.sampled_from(air_stations.STATIONS))
def test_readings_are_by_the_contract(random: Random, station: air_stations.Station) -> None:
    """Whatever the weather, a reading is one that the contract accepts."""
    schema = json.loads((FOLDER / "environment/schemas/air-quality.json").read_bytes())
    moment = datetime(2026, 11, 20, 8, 0, tzinfo=VIET_NAM)
    Draft202012Validator(schema).validate(air_stations.reading(station, moment, random))


def test_form_becomes_a_question() -> None:
    """A form in Vietnamese becomes the question that the contract's own example asks."""
    question = dict(one_stop.verification(one_stop.Form.model_validate_json(FORM.read_bytes())))
    example = json.loads((FOLDER / "population/examples/verify-citizen.json").read_bytes())
    assert question | {"requestNumber": ""} == example | {"requestNumber": ""}


def test_names_of_two_words() -> None:
    """Who has no middle name sends none; one word is no name."""
    assert one_stop.Applicant(soDinhDanh="0", hoTen="Lê Giả", ngaySinh="").name == {"family": "Lê", "given": "Giả"}
    with pytest.raises(ValidationError):
        one_stop.Applicant(soDinhDanh="0", hoTen="Lê", ngaySinh="")
