"""The proxy before the gateways, as docker/ configures it: what it says of callers, and what it takes away."""

import asyncio
import os
import re
import shutil
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_network
from pathlib import Path

import httpx2 as httpx
import pytest

from tests.certificates import Own, trusting
from tests.flows.soap_bus import Served, province, served
from tests.flows.test_certificates import code, told
from tests.services.ports import free_port
from transforms.apart.pool import Pool

CONFIGURED = Path(__file__).resolve().parents[2] / "docker/haproxy/haproxy.cfg"
BUS, OURS, OTHER = Own.made("bus"), Own.made("one-stop"), Own.made("other")


def configuration(folder: Path, plain: int, tls: int, gateway: int) -> Path:
    """The file of docker/ with its line for TLS in force, for these ports of this machine."""
    text = CONFIGURED.read_text(encoding="utf-8").replace("/usr/local/etc/haproxy/bus.pem", str(BUS.written(folder)))
    changes = {
        r"maxconn 20000": "maxconn 100",
        r"bind :8080": f"bind 127.0.0.1:{plain}",
        r"# bind :8443": f"bind 127.0.0.1:{tls}",
        r" resolvers docker init-addr [a-z,]+": "",
        r"server gateway-1 gateway-1:8080": f"server gateway-1 127.0.0.1:{gateway}",
        r" +server gateway-2 .*\n": "",
    }
    for old, new in changes.items():
        text, count = re.subn(old, new, text)
        assert count == 1, old
    path = folder / "haproxy.cfg"
    path.write_text(text, encoding="utf-8")
    return path


@asynccontextmanager
async def proxied(bus: Served, folder: Path) -> AsyncIterator[tuple[str, str]]:
    """HAProxy before the bus; where it answers, without TLS and with it."""
    binary = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
    if binary is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("no HAProxy: Debian's package haproxy")
    plain, tls = free_port(), free_port()
    file = configuration(folder, plain, tls, int(bus.url.rpartition(":")[2]))
    process = await asyncio.create_subprocess_exec(binary, "-db", "-f", file, stdout=asyncio.subprocess.DEVNULL)
    try:
        while process.returncode is None:
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", tls)
                writer.close()
                break
            await asyncio.sleep(0.02)
        yield f"http://127.0.0.1:{plain}", f"https://localhost:{tls}"
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def get(url: str, context: ssl.SSLContext, headers: dict[str, str] | None = None) -> httpx.Response:
    async with httpx.AsyncClient(base_url=url, verify=context) as http:
        return await http.get("/messages", headers=headers)


async def test_proxy_passes_on_what_it_has_seen_itself(tmp_path: Path, database: str) -> None:
    """The certificate that was shown to HAProxy opens the bus, whoever issued it; a header of the caller's own does
    not, with TLS or without, nor does it say where the call came from."""
    lie = {"Client-Cert": f":{b64encode(OURS.der).decode()}:", "X-Forwarded-For": "203.0.113.9"}
    with Pool() as pool:
        made = province(tmp_path / "province", pool)
        made.clients = OURS.of("one-stop")
        async with (
            served(made, database, proxies=[ip_network("127.0.0.1/32")]) as bus,
            proxied(bus, tmp_path) as (plain, tls),
        ):
            shown = await get(tls, OURS.context(tmp_path, BUS))
            other = await get(tls, OTHER.context(tmp_path, BUS), lie)
            lies = [await get(url, trusting(BUS), lie) for url in (tls, plain)]
            assert shown.status_code == 200
            assert [code(each) for each in (other, *lies)] == ["certificate-unknown", *["token-missing"] * 2]
            assert {source for source, _ in told(bus)} == {"127.0.0.1"}
