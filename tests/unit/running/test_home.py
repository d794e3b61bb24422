"""The data folder: what is done in it by hand is evidence as well."""

from pathlib import Path

import orjson

from bus.settings import read_settings
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
