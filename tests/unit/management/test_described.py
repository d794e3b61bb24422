"""The API against its own description: whatever anybody sends, it answers as it says."""

import shutil
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS, load_all_checks
from starlette.types import ASGIApp, Receive, Scope, Send

from bus.clock import SystemClock
from bus.settings import read_settings
from gateway import management_plane
from identity.people import Person
from identity.roles import Role
from identity.sign_in import SignIn
from management.app import DESCRIPTION, api
from management.plane import Plane
from running.home import Home
from running.people import change_people, read_people
from tests.unit.management.conftest import CHEAP, PASSWORD, refusals

load_all_checks()

BEYOND: list[Any] = [CHECKS.get_one(name) for name in ("positive_data_acceptance", "ensure_resource_availability")]
"""A document that the description permits may still name what is not there, or fit nothing: it is refused with 422."""


served: list[ASGIApp] = []


async def as_served(scope: Scope, receive: Receive, send: Send) -> None:
    await served[-1](scope, receive, send)


schema = schemathesis.openapi.from_path(DESCRIPTION)
schema.app = as_served


@schema.auth()
class SignedIn:
    """Somebody who may do everything that one person can."""

    def get(self, case: schemathesis.Case[Any], context: schemathesis.AuthContext) -> str:
        return "Basic " + b64encode(f"all:{PASSWORD}".encode()).decode()

    def set(self, case: schemathesis.Case[Any], data: str, context: schemathesis.AuthContext) -> None:
        case.headers["Authorization"] = data


@pytest.fixture(scope="module", autouse=True)
def serve(applied: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    data = shutil.copytree(applied, tmp_path_factory.mktemp("described") / "data")
    home = Home(read_settings(data=data), "user:test")
    now = home.clock.now()
    roles = frozenset(Role) - {Role.AUDITOR}
    person = Person("all", "", roles, None, CHEAP.hash(PASSWORD), now, now)
    change_people(home, lambda people: people.add(person, home.actor))
    sign_in = SignIn(lambda: read_people(home.queries), SystemClock(), CHEAP)
    served.append(management_plane(api(Plane(home, CHEAP), sign_in, refusals(home)), 5.0))
    yield
    served.clear()
    sign_in.close()
    home.close()


@schema.exclude(operation_id="me.set_password").parametrize()
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
def test_it_answers_as_it_says(case: schemathesis.Case[Any]) -> None:
    """Every answer is as described, whatever was sent; what is not as described is refused."""
    case.call_and_validate(excluded_checks=BEYOND)
