"""The validation handshake of CloudEvents' web hooks, as the bus asks and as it answers."""

import aiohttp
import pytest

from adapters.rest.outbound import RestSettings
from adapters.rest.webhook import ORIGIN, Consent, ask
from tests.unit.adapters.conftest import StandIn

ALLOWED = "WebHook-Allowed-Origin: bus.vn"


@pytest.mark.parametrize(
    ("status", "headers", "consent"),
    [
        ("200 OK", ["WebHook-Allowed-Origin: *"], Consent("agreed")),
        ("204 No Content", ["webhook-allowed-origin: BUS.vn", "WebHook-Allowed-Rate: *"], Consent("agreed")),
        ("200 OK", [ALLOWED, "WebHook-Allowed-Rate: 120"], Consent("agreed", 120)),
        ("200 OK", [ALLOWED, "WebHook-Allowed-Rate: many"], Consent("agreed")),
        ("200 OK", ["WebHook-Allowed-Origin: other.vn"], Consent("not-agreed")),
        ("200 OK", ["Allow: POST, OPTIONS"], Consent("not-agreed")),
        ("405 Method Not Allowed", [ALLOWED], Consent("http-405")),
        ("302 Found", [ALLOWED, "Location: /"], Consent("http-302")),
    ],
)
async def test_answer_is_read(
    stand_in: StandIn, session: aiohttp.ClientSession, status: str, headers: list[str], consent: Consent
) -> None:
    """Only a success that names us or everybody is consent."""
    stand_in.answers(status=status, headers=headers)
    assert await ask(session, RestSettings(stand_in.url + "/in"), "/x", "bus.vn", 120) == consent
    (received,) = stand_in.received
    assert received.line == "OPTIONS /in/x HTTP/1.1"
    assert received.headers["WebHook-Request-Origin"] == "bus.vn"


async def test_silence_is_no_consent(stand_in: StandIn, session: aiohttp.ClientSession) -> None:
    """A connection that breaks off is told as attempts tell it, and asks for no rate where none was given."""
    stand_in.says(b"", reset=True)
    assert await ask(session, RestSettings(stand_in.url), "", "bus.vn", None) == Consent("connection-reset")
    assert "WebHook-Request-Rate" not in stand_in.received[0].headers


@pytest.mark.parametrize("origin", ["", "a b", "a,b", "a\r\nb", "é", "a" * 256])
def test_origin_that_is_no_name_is_not_said_again(origin: str) -> None:
    """What the bus repeats in its answer is a name and nothing else."""
    assert ORIGIN.fullmatch(origin) is None
