"""What docker/ holds: valid, complete, without secrets, and about the bus as it is."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from bus.measures import METRICS
from bus.settings import PREFIX, Settings

ROOT = Path(__file__).resolve().parent.parent
DOCKER = ROOT / "docker"
COMPOSE = YAML(typ="safe").load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
LGSP = Path(sys.executable).parent / "lgsp"


def test_compose_is_valid() -> None:
    """compose.yaml is valid against the schema of the Compose specification."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml"]
    done = subprocess.run(command, check=False, cwd=DOCKER, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout


def test_every_part_is_there() -> None:
    """Two gateways behind a proxy, two workers, what people run the bus by, three nodes of RabbitMQ, PostgreSQL,
    Prometheus and Grafana."""
    wanted = {"manage", "proxy", "postgresql", "prometheus", "grafana"}
    wanted |= {
        f"{name}-{number}"
        for name, most in (("gateway", 2), ("worker", 2), ("rabbitmq", 3))
        for number in range(1, most + 1)
    }
    assert set(SERVICES) == wanted


def test_settings_exist() -> None:
    """Every LGSP_ variable that the image or a service sets is a setting of the bus."""
    text = "".join((DOCKER / name).read_text(encoding="utf-8") for name in ("Dockerfile", "compose.yaml"))
    named = set(re.findall(r"\b(LGSP_[A-Z_]+)\b(?=[:=])(?!:-)", text))
    assert named
    assert named <= {PREFIX + name.upper() for name in Settings.model_fields}


def test_commands_exist() -> None:
    """Every service of the bus runs a command that `lgsp` has, with options that it takes."""
    for name in ("gateway-1", "gateway-2", "worker-1", "worker-2", "manage"):
        command, *options = SERVICES[name]["command"]
        shown = subprocess.run([LGSP, command, "--help"], check=False, capture_output=True, text=True, timeout=60)
        assert shown.returncode == 0
        assert all(option in shown.stdout for option in options if option.startswith("--"))


def test_no_password_is_written_down() -> None:
    """Passwords come from docker/.env, which `docker/prepare` makes and git does not keep."""
    text = (DOCKER / "compose.yaml").read_text(encoding="utf-8")
    prepared = set(re.findall(r"^([A-Z_]+)=", (DOCKER / "prepare").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"\$\{([A-Z_]+(?:PASSWORD|COOKIE)):\?", text)) == prepared
    assert not re.search(r"(?:PASSWORD|PASS|COOKIE): (?!\$\{)", text)
    assert "/docker/.env" in (ROOT / ".gitignore").read_text(encoding="utf-8").split()


def test_passwords_are_made_once(tmp_path: Path) -> None:
    """`docker/prepare` makes passwords that nobody else may read, and leaves those alone that are there."""
    prepare = tmp_path / "prepare"
    prepare.write_bytes((DOCKER / "prepare").read_bytes())
    subprocess.run(["sh", str(prepare)], check=True, capture_output=True, timeout=60)
    made = tmp_path / ".env"
    before = made.read_text(encoding="utf-8")
    values = [line.partition("=")[2] for line in before.splitlines()]
    assert len(set(values)) == len(values) == 4
    assert all(re.fullmatch(r"[0-9a-f]{48}", value) for value in values)
    assert made.stat().st_mode & 0o777 == 0o600
    subprocess.run(["sh", str(prepare)], check=True, capture_output=True, timeout=60)
    assert made.read_text(encoding="utf-8") == before


def test_what_is_shared_and_what_is_not() -> None:
    """Keys and secrets lie in the one volume of all processes; the data folder, with what each tells of itself, does
    not."""
    volume = SERVICES["gateway-1"]["volumes"][0].partition(":")[2]
    environment = SERVICES["gateway-1"]["environment"]
    assert environment["LGSP_MASTER_KEY"].startswith(f"{volume}/")
    assert environment["LGSP_SECRETS_DIR"].startswith(f"{volume}/")
    assert environment["LGSP_DATA"].startswith(SERVICES["gateway-1"]["tmpfs"][0])


@pytest.mark.parametrize("name", ["gateway-1", "worker-1"])
def test_a_process_of_the_bus_may_do_little(name: str) -> None:
    """The bus runs without capabilities, on a file system that it cannot write, and has time to drain."""
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["stop_grace_period"] == "90s"


def used(text: str) -> set[str]:
    """The metrics that a query language's text names, as they are exported."""
    return {re.sub(r"_(?:bucket|sum|count)$", "", name) for name in re.findall(r"\blgsp_[a-z_]+\b", text)}


@pytest.mark.parametrize("name", ["prometheus/alerts.yml", "grafana/dashboards/lgsp.json"])
def test_metrics_exist(name: str) -> None:
    """Dashboard and alerts ask for nothing but metrics that the bus exports."""
    asked = used((DOCKER / name).read_text(encoding="utf-8"))
    assert len(asked) > 8
    assert asked <= {metric.exported for metric in METRICS}


def test_dashboard_is_up_to_date() -> None:
    """The dashboard is what `scripts/dashboard.py` makes."""
    made = subprocess.run(
        [sys.executable, ROOT / "scripts" / "dashboard.py"], check=True, capture_output=True, text=True, timeout=60
    )
    assert (DOCKER / "grafana/dashboards/lgsp.json").read_text(encoding="utf-8") == made.stdout


def test_every_alert_is_explained() -> None:
    """docs/operations.md says of every alert what it means and what to do."""
    rules = YAML(typ="safe").load((DOCKER / "prometheus/alerts.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]
    page = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    explained = re.findall(r"^\| `([A-Za-z]+)` \| [^|]{10,} \| [^|]{10,} \|$", page, re.MULTILINE)
    assert [rule["alert"] for rule in rules] == explained
