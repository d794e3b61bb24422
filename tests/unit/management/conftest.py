"""A management plane over a journal that holds the model province, and the people who run it."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from bus.clock import SystemClock
from bus.settings import read_settings
from documents.bounded import keeping_a_child
from gateway import management_plane
from identity.passwords import Passwords
from identity.people import Person
from identity.roles import Role
from identity.sign_in import SignIn
from journal.commands import Record, Reference
from management.app import api
from management.plane import Plane
from provinces.model.flows import FOLDER
from routes.refusals import Refusals
from running.apply import apply_folder
from running.home import Home
from running.people import change_people, read_people
from tests.services import postgresql

CHEAP = Passwords(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "a password for tests"
PEOPLE = {
    "reg": Role.REGISTRAR,
    "op": Role.OPERATOR,
    "aud": Role.AUDITOR,
    "adm": Role.ADMINISTRATOR,
    "adm2": Role.ADMINISTRATOR,
}


def fill(home: Home) -> None:
    """The model province, and people."""
    home.prepare()
    assert apply_folder(home, FOLDER).done
    now = home.clock.now()
    kept = CHEAP.hash(PASSWORD)
    for name, role in PEOPLE.items():
        person = Person(name, name.title(), frozenset({role}), None, kept, now, now)
        change_people(home, lambda people, person=person: people.add(person, home.actor))  # type: ignore[misc]
    home.close()


@pytest.fixture(scope="session")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the model province and people in it; copied for each test that writes."""
    folder = tmp_path_factory.mktemp("managed") / "data"
    fill(Home(read_settings(data=folder), "user:test"))
    return folder


@pytest.fixture(scope="session")
def applied_there(postgresql_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """As `applied`, with the journal in PostgreSQL."""
    folder = tmp_path_factory.mktemp("managed-there") / "data"
    with postgresql.database(postgresql_server) as url:
        fill(Home(read_settings(data=folder, database_url=url), "user:test"))
        yield folder, url


@pytest.fixture(scope="module", autouse=True)
def _as_served() -> Iterator[None]:
    """What documents mean is found out as by a plane that is served: in one child for all, and for no other test."""
    with keeping_a_child():
        yield


@pytest.fixture
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Home]:
    """Of a bus with SQLite, or with what the test names."""
    data = tmp_path / "data"
    with ExitStack() as stack:
        if getattr(request, "param", "sqlite") == "sqlite":
            shutil.copytree(request.getfixturevalue("applied"), data)
            settings = read_settings(data=data)
        else:
            folder, url = request.getfixturevalue("applied_there")
            shutil.copytree(folder, data)
            server = request.getfixturevalue("postgresql_server")
            settings = read_settings(data=data, database_url=stack.enter_context(postgresql.database(server, url)))
        made = Home(settings, "user:test")
        yield made
        made.close()


def refusals(home: Home) -> Refusals:
    """What tells of refused sign-ins, in the home's journal."""

    async def write(record: Record) -> Reference:
        return await asyncio.to_thread(home.write, record)

    return Refusals(write, home.clock, "manage")


@dataclass(frozen=True)
class Client:
    """Calls the API as one person or another."""

    http: httpx2.AsyncClient

    async def __call__(
        self, person: str | None, method: str, path: str, body: object = None, **headers: str
    ) -> httpx2.Response:
        auth = (person, PASSWORD) if person else None
        given: dict[str, Any] = {} if body is None else {"json": body}
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.request(method, f"/v1{path}", auth=auth, headers=fields, **given)


@asynccontextmanager
async def calling(home: Home) -> AsyncIterator[Client]:
    """The API as it is served, every answer held against its description."""
    sign_in = SignIn(lambda: read_people(home.queries), SystemClock(), CHEAP)
    plane = management_plane(api(Plane(home, CHEAP), sign_in, refusals(home), hold_answers=True), 5.0)
    transport = httpx2.ASGITransport(plane)
    async with httpx2.AsyncClient(transport=transport, base_url="http://manage") as http:
        yield Client(http)
    sign_in.close()


@pytest.fixture
async def call(home: Home) -> AsyncIterator[Client]:
    """The API of this home."""
    async with calling(home) as each:
        yield each
