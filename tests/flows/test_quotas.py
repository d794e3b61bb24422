"""What a sender sees of its quota, over HTTP."""

from dataclasses import replace

import pytest

from adapters import entrance
from routes.model import Quota, Snapshot, System
from tests.flows.conftest import Bus, Province


async def test_storm_is_answered_with_429(bus: Bus, province: Province) -> None:
    """Past its quota a sender gets 429 with Retry-After and the reason in its language; its other calls go on, and
    nothing of the storm reaches the receiver."""
    snapshot = province.snapshot

    def bounded(revision: int = 0) -> Snapshot:
        whole = snapshot(revision)
        sender = System("one-stop", "H99", quota=Quota(per_day=3))
        return replace(whole, systems={**whole.systems, "one-stop": sender})

    province.snapshot = bounded  # type: ignore[method-assign]
    async with bus() as (_, client):
        answers = [
            await client.post("/messages/tell", json={}, headers={"Prefer": "wait=5", "Accept-Language": "vi"})
            for _ in range(20)
        ]
        listed = await client.get("/messages")
    assert [each.status_code for each in answers] == [200] * 3 + [429] * 17
    refused = answers[-1]
    assert 0 < int(refused.headers["retry-after"]) <= 24 * 3600
    assert refused.json()["code"] == "quota-exceeded"
    assert "3/d" in refused.json()["detail"]
    assert "reference" in answers[3].json()
    assert len(listed.json()["messages"]) == 3
    assert len(province.receivers["his"].calls) == 3


async def test_questions_without_a_pause_are_refused(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks in a loop gets 429 past the quota of questions; its messages are taken all the same."""
    monkeypatch.setattr(entrance, "READS", Quota(per_second=0.001, burst=5))
    async with bus() as (_, client):
        statuses = [(await client.get("/messages")).status_code for _ in range(7)]
        sent = await client.post("/messages/tell", json={})
    assert (statuses, sent.status_code) == ([200] * 5 + [429] * 2, 202)
