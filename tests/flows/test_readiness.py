"""Whether a process wants messages, and why not."""

import pytest

from tests.flows.conftest import Bus


@pytest.mark.parametrize(
    ("what", "code"), [("draining", "draining"), ("journal_away", "journal-unavailable"), ("disk_low", "disk-low")]
)
async def test_not_ready_says_why(bus: Bus, what: str, code: str) -> None:
    """A process that should get no messages is not ready and says why; it lives all the same."""
    async with bus() as (node, client):
        assert (await client.get("/health/ready")).status_code == 200
        setattr(node.health, what, True)
        refused = await client.get("/health/ready")
        assert (refused.status_code, refused.json()["code"]) == (503, code)
        assert (await client.get("/health/live")).status_code == 200


async def test_nothing_is_accepted_onto_a_full_disk(bus: Bus) -> None:
    """With too little room for it a message is refused before it is read, and accepted once there is room again."""
    async with bus() as (node, client):
        node.health.disk_low = True
        refused = await client.post("/messages/tell", json={})
        assert (refused.status_code, refused.json()["code"]) == (503, "disk-low")
        assert int(refused.headers["retry-after"]) > 0
        node.health.disk_low = False
        assert (await client.post("/messages/tell", json={})).status_code == 202


async def test_a_process_that_drains_still_takes_messages(bus: Bus) -> None:
    """Who has not seen yet that it is not ready is served, not turned away."""
    async with bus() as (node, client):
        node.health.draining = True
        assert (await client.post("/messages/tell", json={})).status_code == 202
