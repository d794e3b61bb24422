"""The bus as a province runs it: gateways and workers in processes of their own, PostgreSQL and RabbitMQ."""

import json
import os
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen
from uuid import UUID

import pytest

from bus.settings import read_settings
from bus.states import State
from identity.keyring import Purpose
from provinces.model.applications.runner import applications
from provinces.model.flows import FOLDER
from running.apply import apply_folder
from running.demo import _stand_ins
from running.home import Home
from tests.certificates import Own
from tests.process import LGSP, PATIENCE
from tests.processes import Running, lives, running
from tests.services import postgresql
from tests.services.ports import free_port

CITIZEN = FOLDER / "population/examples/verify-citizen.json"
READING = FOLDER / "environment/examples/reading-below-100.json"
ONE_STOP, STATIONS = "one-stop.province", "stations.air-quality"


@dataclass(frozen=True)
class Province:
    """Where its processes find everything; `lgsp` is each of its commands."""

    folder: Path
    environment: dict[str, str]
    endpoints: dict[str, str]

    @property
    def options(self) -> list[str]:
        return [option for name, at in self.endpoints.items() for option in ("--endpoint", f"{name}={at}")]

    def lgsp(self, *arguments: str) -> str:
        ran = subprocess.run(
            [str(LGSP), *arguments],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            env=os.environ | self.environment,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def home(self) -> Home:
        """Its data folder and its journal, opened in this process."""
        settings = read_settings(
            {}, data=Path(self.environment["LGSP_DATA"]), database_url=self.environment["LGSP_DATABASE_URL"]
        )
        return Home(settings, "tester")

    def behave(self, system: str, **manners: object) -> None:
        """Set the mood of a stand-in."""
        address = "/".join(self.endpoints[system].split("/")[:3])
        headers = {"Content-Type": "application/json"}
        with urlopen(Request(f"{address}/_behave", json.dumps(manners).encode(), headers, method="POST")):
            pass

    def ended(self, message: str) -> dict[str, Any]:
        while (shown := json.loads(self.lgsp("audit", "show", message, "--json")))["state"] != "done":
            time.sleep(0.05)
        return dict(shown)


@pytest.fixture(scope="module")
def province(
    postgresql_server: str, rabbitmq_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Province]:
    """An empty database, the model province's secrets, its stand-ins; not yet its documents."""
    folder = tmp_path_factory.mktemp("processes")
    passwords = {system: f"password-of-{system}" for system in applications()}
    with postgresql.database(postgresql_server) as url, _stand_ins(passwords, folder / "ports.json") as endpoints:
        environment = {
            "LGSP_DATA": str(folder / "data"),
            "LGSP_DATABASE_URL": url,
            "LGSP_BROKER": rabbitmq_server,
            "LGSP_EGRESS": '["127.0.0.0/8"]',
            "LGSP_PORT": "0",
            "LGSP_GRACE": "0",
        }
        yield Province(folder, environment, endpoints)


@pytest.fixture(scope="module")
def gateways(province: Province) -> Iterator[Running]:
    """Two, begun at once on the empty database; then the documents."""
    port = str(free_port())
    with running(province.folder, province.environment, "serve", "--workers", "2", "--metrics-port", port) as serve:
        home = province.home()
        for system, application in applications().items():
            home.set_secret(application.agency, application.secret, f"password-of-{system}")
        for system in (STATIONS, ONE_STOP):
            home.issue_credential(system)
        assert apply_folder(home, FOLDER).done
        home.close()
        yield serve


@pytest.fixture(scope="module")
def workers(province: Province, gateways: Running) -> Iterator[Running]:
    with running(province.folder, province.environment, "work", "--workers", "2", *province.options) as work:
        yield work


def until(holds: Callable[[], bool]) -> None:
    """Wait for it; the time-out of the test is the end of patience."""
    while not holds():
        time.sleep(0.05)


def post(url: str, token: str) -> tuple[int, str]:
    """Ask the population register, and wait for the answer: its status, and where to look."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    address = f"{url}/messages/population.citizen-verification"
    with urlopen(Request(address, CITIZEN.read_bytes(), headers, method="POST")) as answer:
        return answer.status, str(answer.headers["Location"])


@dataclass
class Load:
    """Clients with keep-alive connections, one message after the other."""

    url: str
    token: str
    seen: Counter[str] = field(default_factory=Counter)
    _over: threading.Event = field(default_factory=threading.Event)

    def run(self, clients: int, meanwhile: Callable[[], None]) -> Counter[str]:
        """What was answered, and what failed, from before `meanwhile` until after it."""
        threads = [threading.Thread(target=self._client) for _ in range(clients)]
        for each in threads:
            each.start()
        try:
            until(lambda: self.seen.total() > 20 * clients)
            meanwhile()
            before = self.seen.total()
            until(lambda: self.seen.total() > before + 20 * clients)
        finally:
            self._over.set()
            for each in threads:
                each.join()
        return self.seen

    def _client(self) -> None:
        connection = HTTPConnection(self.url.removeprefix("http://"), timeout=PATIENCE)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        body = READING.read_bytes()
        while not self._over.is_set():
            try:
                connection.request("POST", "/messages/environment.air-quality", body, headers)
                answer = connection.getresponse()
                answer.read()
                self.seen[str(answer.status)] += 1
            except (HTTPException, OSError) as failed:
                self.seen[type(failed).__name__] += 1
                connection.close()
        connection.close()


def test_one_of_many_prepares(province: Province, gateways: Running) -> None:
    """Of gateways that begin together on an empty database one makes the keys: there is one for each purpose."""
    home = province.home()
    purposes = [row.purpose for row in home.queries.key_rows()]
    home.close()
    assert sorted(purposes) == sorted(Purpose)


def test_a_request_is_answered_across_processes(province: Province, gateways: Running, workers: Running) -> None:
    """A caller waits in a gateway; a worker in another process calls the receiver, and the reply comes back."""
    answer = json.loads(
        province.lgsp(
            "send", "population.citizen-verification", str(CITIZEN), "--as", ONE_STOP, "--url", gateways.url, "--json"
        )
    )
    assert answer["status"] == 200
    events = province.ended(answer["location"].rpartition("/")[2])["events"]
    actors = {each["event"]: each["actor"] for each in events}
    assert actors["attempt.ended"].startswith("worker-")


def test_replaced_under_load_without_a_failed_request(province: Province, gateways: Running, workers: Running) -> None:
    """SIGHUP replaces each process by a new one; clients that keep their connections notice nothing."""
    token = province.lgsp("token", STATIONS).strip()
    before = gateways.children

    def replace() -> None:
        gateways.tell(signal.SIGHUP)
        until(lambda: not before & gateways.children and len(gateways.children) == 2)

    assert set(Load(gateways.url, token).run(8, replace)) == {"202"}


def test_gateways_end_tls_themselves(province: Province, gateways: Running, tmp_path: Path) -> None:
    """A gateway sees the certificate that its caller shows; told to, it serves by a new certificate of its own."""
    first, second, caller = (Own.made(name) for name in ("first", "second", "caller"))
    certificate, clients = first.written(tmp_path), tmp_path / "clients.pem"
    clients.write_bytes(caller.pem)
    settings = {"LGSP_TLS_CERTIFICATE": str(certificate), "LGSP_TLS_CLIENTS": str(clients)}

    def answered(server: Own) -> str:
        request = Request(f"https://localhost:{serve.url.rpartition(':')[2]}/messages")
        try:
            urlopen(request, context=caller.context(tmp_path, server))
        except HTTPError as refused:
            with refused:
                return str(json.loads(refused.read())["code"])
        except URLError:
            return "not trusted"
        return "taken"

    with running(tmp_path, province.environment | settings, "serve") as serve:
        assert serve.url.startswith("https://")
        assert (answered(first), answered(second)) == ("certificate-unknown", "not trusted")
        certificate.write_bytes(second.pem + second.key_pem)
        serve.tell(signal.SIGHUP)
        until(lambda: answered(second) == "certificate-unknown")
        assert serve.end() == 0


def test_one_page_of_metrics(province: Province, gateways: Running, workers: Running) -> None:
    """What the gateways count is added up at the port of their parent, also of those that have gone: as many as the
    journal has."""
    port = gateways.process.args[-1]  # type: ignore[index]
    token = province.lgsp("token", STATIONS).strip()

    def accepted() -> int:
        with urlopen(f"http://127.0.0.1:{port!s}/metrics") as page:
            values = dict(line.rsplit(" ", 1) for line in page.read().decode().splitlines() if not line.startswith("#"))
        assert float(values["lgsp_broker_connected"]) == 1
        return round(float(values['lgsp_messages_accepted_total{contract="environment.air-quality"}']))

    Load(gateways.url, token).run(2, lambda: None)
    home = province.home()
    written = home.queries.messages_by_contract()["environment.air-quality", 1]
    home.close()
    until(lambda: accepted() == written)


def test_a_killed_process_is_started_again(gateways: Running, workers: Running) -> None:
    """A gateway and a worker that are killed have successors, and the operator is told why."""
    for command in (gateways, workers):
        victim = min(command.children)
        os.kill(victim, signal.SIGKILL)
        until(lambda command=command, victim=victim: len(command.children - {victim}) == 2)  # type: ignore[misc]
        assert f"{victim} was ended by SIGKILL" in command.complaints.read_text()


def test_told_to_end_nothing_is_lost(province: Province, gateways: Running, workers: Running) -> None:
    """SIGTERM in the middle of a call: the caller is told where to look later, the worker ends the call, every process
    ends with 0, and the receiver was called once."""
    province.behave("population.register", mode="slow", seconds=10, times=1)
    home = province.home()
    token = home.token(ONE_STOP)
    with ThreadPoolExecutor(1) as caller:
        waiting = caller.submit(post, gateways.url, token)
        until(lambda: State.DELIVERING in home.queries.counts().get("population.register", {}))
        children = gateways.children | workers.children
        assert gateways.end() == 0
        status, location = waiting.result()
        assert status == 202
        assert workers.end() == 0
    assert not any(lives(each) for each in children)
    view = home.queries.message(UUID(location.rpartition("/")[2]))
    home.close()
    assert view
    assert [(each.state, each.attempt) for each in view.deliveries] == [(State.DELIVERED, 1)]


def test_nobody_outlives_the_parent(province: Province) -> None:
    """Even a parent that is killed leaves no process behind."""
    with running(province.folder, province.environment, "serve", "--workers", "2") as serve:
        children = serve.children
        serve.process.kill()
        until(lambda: not any(lives(each) for each in children))


@pytest.mark.parametrize(
    ("command", "environment", "wanted"),
    [
        ("serve", {"LGSP_BROKER": "amqp://127.0.0.1"}, "LGSP_DATABASE_URL"),
        ("work", {"LGSP_DATABASE_URL": "postgresql://127.0.0.1/lgsp"}, "LGSP_BROKER"),
    ],
)
def test_what_several_processes_need(tmp_path: Path, command: str, environment: dict[str, str], wanted: str) -> None:
    """Without a journal and a broker that can be shared, both commands say plainly what to set, and end with 2."""
    ran = subprocess.run(
        [str(LGSP), command, "--data", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env=os.environ | environment,
    )
    assert ran.returncode == 2
    assert wanted in ran.stderr
