"""The data folder: what is done in it by hand is evidence as well."""

from pathlib import Path

import orjson

from bus.settings import read_settings
from identity.credentials import readable
from journal.searching import EventFilter
from running.home import Home


def test_log_and_journal_are_one_list_of_facts(tmp_path: Path) -> None:
    """Every audit event of a command stands in the log with the fields that were hashed, in the same order."""
    home = Home(read_settings({}, data=tmp_path), "user:somebody")
    home.prepare()
    home.issue_credential("one-stop.province")
    home.set_secret("H99.02", "password", "x")
    stored = [orjson.loads(row.content) for writer in home.queries.writers() for row in home.queries.chain(writer)]
    home.close()
    logged = [orjson.loads(line) for line in (tmp_path / "log" / "lgsp.jsonl").read_bytes().splitlines()]
    assert [
        {name: value for name, value in line.items() if name not in {"level", "logger"}} for line in logged
    ] == stored
    assert {line["event"] for line in logged} >= {"key.made", "credential.issued", "secret.changed"}


def test_readable_secret_is_kept_until_it_is_revoked(database: str, tmp_path: Path) -> None:
    """The secret of a credential for WS-Security is read out of the journal again, and gone once it is revoked."""
    home = Home(read_settings({}, data=tmp_path, database_url=database), "user:an")
    home.prepare()
    issued, secret = home.issue_credential("his", readable=True)
    kept = home.credentials()[issued.id]
    assert not kept.matches(secret)
    assert list(readable([kept], "his", home.keys(), home.clock.now())) == [secret]
    home.revoke_credential(kept)
    assert home.credentials()[issued.id].sealed is None
    home.close()


def test_credentials_are_issued_and_revoked_for_whoever_asked(database: str, tmp_path: Path) -> None:
    """Who issues or revokes a credential is told in its event: who is named, or whose home it is."""
    home = Home(read_settings({}, data=tmp_path, database_url=database), "user:an")
    credential, _ = home.issue_credential("his", actor="person:bình")
    home.revoke_credential(credential, actor="person:bình")
    home.revoke_credential(credential)
    events = [orjson.loads(row.content) for row in home.queries.events(EventFilter(system="his")).items]
    home.close()
    assert [(each["event"], each["actor"]) for each in events] == [
        ("credential.revoked", "user:an"),
        ("credential.revoked", "person:bình"),
        ("credential.issued", "person:bình"),
    ]
