"""What the doctor sees, and what it says of it."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bus.settings import read_settings
from running.apply import apply_folder
from running.doctor.examination import examine
from running.doctor.finding import Finding, Level
from running.home import Home
from tests.certificates import Own

MODEL = Path(__file__).parents[4] / "provinces" / "model"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(read_settings({}, data=tmp_path / "data"), "user:tester")
    home.prepare()
    yield home
    home.close()


def seen(home: Home, what: str) -> list[Finding]:
    return [finding for finding in examine(home) if finding.what == what]


def test_a_new_bus_fails_at_nothing(home: Home) -> None:
    """Where the bus has just been made, no look ends in a failure, and each that is not well says how to mend it."""
    found = list(examine(home))
    assert {finding.what for finding in found} >= {"data folder", "master key", "disk", "journal", "tables", "keys"}
    assert not [finding for finding in found if finding.level is Level.FAILURE]
    assert all(bool(finding.mend) is (finding.level is not Level.OK) for finding in found)


def test_it_makes_no_journal(tmp_path: Path) -> None:
    """Where there is no bus yet, the doctor says so and leaves nothing behind."""
    home = Home(read_settings({}, data=tmp_path / "nothing"), "user:tester")
    (journal,) = seen(home, "journal")
    assert journal.level is Level.FAILURE
    assert "lgsp up" in journal.seen
    assert not (tmp_path / "nothing").exists()


def test_a_folder_that_others_may_read(home: Home) -> None:
    """A data folder that others may read is a failure, with the command that mends it."""
    home.settings.data.chmod(0o755)
    (folder, *_) = seen(home, "data folder")
    assert (folder.level, folder.mend) == (Level.FAILURE, f"chmod 700 {home.settings.data}")


@pytest.mark.parametrize(("ends", "level"), [(40, Level.OK), (30, Level.WARNING), (-1, Level.FAILURE)])
def test_certificate_of_the_bus_itself(home: Home, tmp_path: Path, ends: int, level: Level) -> None:
    """Where the gateway ends TLS, the day on which its certificate ends is told, a month before as a warning; without
    one, nothing is."""
    assert seen(home, "TLS") == []
    own = Own.made("bus", begins=-50, ends=ends)
    settings = home.settings.model_copy(update={"tls_certificate": own.written(tmp_path)})
    (found,) = seen(replace(home, settings=settings), "TLS")
    assert (found.level, f"{own.certificate.not_valid_after_utc:%Y-%m-%d}" in found.seen) == (level, True)


def test_certificate_that_cannot_be_served_by(home: Home, tmp_path: Path) -> None:
    """A certificate without its key is a failure, which names the setting."""
    (tmp_path / "bus.pem").write_bytes(Own.made("bus").pem)
    settings = home.settings.model_copy(update={"tls_certificate": tmp_path / "bus.pem"})
    (found,) = seen(replace(home, settings=settings), "TLS")
    assert (found.level, "tls_certificate" in found.seen) == (Level.FAILURE, True)


def test_another_master_key(home: Home) -> None:
    """Keys that do not open under this master key are a failure: a backup came without its own."""
    home.settings.master_key_file.unlink()
    other = Home(read_settings({}, data=home.settings.data.parent / "other"), "user:tester")
    other.prepare()
    other.close()
    os.link(other.settings.master_key_file, home.settings.master_key_file)
    assert [finding.level for finding in seen(home, "journal")].count(Level.FAILURE) == 1


def test_secrets_that_are_missing(home: Home) -> None:
    """A document that names a secret which nobody has set is told with the command that sets it."""
    apply_folder(home, MODEL)
    texts = [finding.seen for finding in seen(home, "documents")]
    assert any("lgsp secret set" in text for text in texts)


def test_nodes_that_do_not_answer(home: Home) -> None:
    """Each node of the broker that does not answer is told by its own address, never with the password."""
    settings = read_settings({}, data=home.settings.data, broker="amqp://bus:hidden@127.0.0.1:1,127.0.0.1:2")
    found = seen(Home(settings, "user:tester"), "broker")
    assert [finding.level for finding in found] == [Level.FAILURE, Level.FAILURE, Level.WARNING]
    assert "127.0.0.1:2" in found[1].seen
    assert not any("hidden" in finding.seen + finding.mend for finding in found)


def test_a_node_that_answers(home: Home, rabbitmq_server: str) -> None:
    """A node that lets the bus in is told with its version."""
    settings = read_settings({}, data=home.settings.data, broker=rabbitmq_server)
    found = seen(Home(settings, "user:tester"), "broker")
    assert found[0].level is Level.OK
    assert "RabbitMQ 3." in found[0].seen or "RabbitMQ 4." in found[0].seen


def test_a_journal_in_postgresql(tmp_path: Path, postgresql_database: str) -> None:
    """A journal in PostgreSQL is looked at for its tables, its durability and its clock."""
    home = Home(read_settings({}, data=tmp_path, database_url=postgresql_database), "user:tester")
    home.prepare()
    levels = {finding.what: finding.level for finding in examine(home)}
    home.close()
    assert {levels[what] for what in ("journal", "tables", "durability", "clock", "keys")} == {Level.OK}
