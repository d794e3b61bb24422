"""What a sender is told of its message."""

import orjson
import pytest

from adapters.rest.answers import timeline
from journal.views import AuditRow


@pytest.mark.parametrize(
    ("actor", "told"),
    [
        ("user:an", "operator"),
        ("person:an.nguyen", "operator"),
        ("worker-1", "worker-1"),
        ("his.hospital", "his.hospital"),
    ],
)
def test_people_are_named_by_their_part(actor: str, told: str) -> None:
    """Systems and processes are named as they are; who of the province's people did something is not a sender's
    business."""
    row = AuditRow("writer-1", 1, orjson.dumps({"event": "delivery.replayed", "actor": actor}), b"")
    assert timeline([row]) == [{"event": "delivery.replayed", "actor": told}]
