"""Nothing from outside appears in what the bus keeps or logs of a call."""

import logging
import ssl
from typing import Any

import aiohttp
import pytest

from adapters.auth import Bearer, Tls
from adapters.call import Call
from adapters.rest.outbound import RestAdapter, RestOperation, RestSettings
from bus.envelope import Body, Format

MARKER = "marker-7f3a"


@pytest.mark.parametrize(
    "raw",
    [
        f"HTTP/1.1 500 {MARKER}\r\nX-{MARKER}: {MARKER}\r\nContent-Length: 11\r\n\r\n{MARKER}",
        f"HTTP/1.1 200 {MARKER}\r\nContent-Encoding: {MARKER}\r\nContent-Length: 11\r\n\r\n{MARKER}",
        f"HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset={MARKER}\r\nContent-Length: 11\r\n\r\n{MARKER}",
        f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 11\r\n\r\n{MARKER}",
        f"HTTP/1.1 503 Busy\r\nRetry-After: {MARKER}\r\nContent-Length: 11\r\n\r\n{MARKER}",
        f"HTTP/1.1 302 Found\r\nLocation: http://{MARKER}/\r\nSet-Cookie: {MARKER}=1\r\n\r\n",
        f"HTTP/1.1 {MARKER}\r\n\r\n",
        f"{MARKER}\r\n\r\n",
        f"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{MARKER}",
        "",
    ],
)
async def test_answers_and_values_leave_no_trace(
    stand_in: Any,
    session: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    raw: str,
) -> None:
    """Whatever a system answers, and whatever the message and the settings hold, none of it is in code, repr or log."""
    caplog.set_level(logging.DEBUG)
    stand_in.says(raw.encode(), reset=True)
    operation = RestOperation(path="/{id}", headers={"X-Static": MARKER})
    adapter = RestAdapter(RestSettings(stand_in.url, {"do": operation}, auth=Bearer(MARKER)), session)
    call = Call("do", Body(Format.JSON, f'{{"id":"{MARKER}"}}'.encode()), {"ce-id": MARKER})
    outcome = await adapter.call(call)
    printed = capsys.readouterr()
    assert MARKER not in f"{outcome!r}{outcome.code}{printed.out}{printed.err}"
    assert MARKER not in "".join(f"{record.getMessage()}{record.exc_text}" for record in caplog.records)


def test_a_bad_certificate_is_not_quoted() -> None:
    """A private key that cannot be read is not shown."""
    from adapters.auth import tls_context
    from bus.errors import SettingInvalid

    for tls in (Tls(certificate=MARKER.encode()), Tls(ca=MARKER.encode())):
        with pytest.raises(SettingInvalid) as raised:
            tls_context(tls)
        assert MARKER not in f"{raised.value!r}{raised.value.facts}"
        assert raised.value.__cause__ is None


def test_a_context_verifies_by_default() -> None:
    """A system's TLS settings can name authorities; they cannot turn verification off."""
    from adapters.auth import tls_context

    assert tls_context(None) is None
    context = tls_context(Tls())
    assert context is not None
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
