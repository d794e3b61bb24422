"""A system to call: on 127.0.0.1, as honest or as rude as a test wants it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from adapters.egress import Egress
from adapters.http import open_session

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
LOOPBACK = Egress([ip_network("127.0.0.0/8")])


@dataclass
class Received:
    """One request as it came over the wire."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class StandIn:
    """A server that records each request and then does as it is told."""

    port: int = 0
    scheme: str = "http"
    received: list[Received] = field(default_factory=list)
    behaviour: Behaviour | None = None
    at_once: Behaviour | None = None  # instead of reading a request
    over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def answers(
        self, body: bytes = b"", content_type: str = "", status: str = "200 OK", headers: Sequence[str] = ()
    ) -> None:
        """Answer every request so."""
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
        lines += [f"Content-Type: {content_type}"] if content_type else []
        self.says("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def says(self, raw: bytes, *, reset: bool = False) -> None:
        """Send these very bytes; then wait for the next request, or break off."""

        async def behaviour(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(raw)
            await writer.drain()
            if reset:
                writer.transport.abort()

        self.behaviour = behaviour

    def hangs(self, raw: bytes = b"") -> None:
        """Send these bytes and nothing more, keeping the connection open until the test is over."""

        async def behaviour(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(raw)
            await self.over.wait()

        self.behaviour = behaviour

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self.at_once:
                await self.at_once(reader, writer)
            while not writer.is_closing():
                self.received.append(await _request(reader))
                assert self.behaviour is not None
                await self.behaviour(reader, writer)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            pass
        finally:
            writer.close()


async def _request(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    line, *rest = head.strip().split("\r\n")
    headers = {name.strip(): value.strip() for name, _, value in (one.partition(":") for one in rest)}
    length = int({name.lower(): value for name, value in headers.items()}.get("content-length", "0"))
    return Received(line, headers, await reader.readexactly(length))


async def _serving(stand_in: StandIn, context: ssl.SSLContext | None) -> AsyncIterator[StandIn]:
    server = await asyncio.start_server(stand_in.serve, "127.0.0.1", 0, ssl=context)
    stand_in.port = server.sockets[0].getsockname()[1]
    stand_in.answers()
    async with server:
        yield stand_in
        stand_in.over.set()


@pytest.fixture
async def stand_in() -> AsyncIterator[StandIn]:
    async for one in _serving(StandIn(), None):
        yield one


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session(LOOPBACK) as session:
        yield session


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key, and both in PEM."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def pem_with_key(self) -> bytes:
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        return self.pem + self.key.private_bytes(encoding, form, serialization.NoEncryption())


def _issue(name: str, issuer: Certificate | None = None) -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(issuer.key if issuer else key, hashes.SHA256())
    )
    return Certificate(certificate, key)


@pytest.fixture(scope="session")
def authority() -> Certificate:
    return _issue("authority")


@pytest.fixture(scope="session")
def stranger() -> Certificate:
    """An authority that nobody trusts."""
    return _issue("stranger")


@pytest.fixture(scope="session")
def client_certificate(authority: Certificate) -> Certificate:
    return _issue("bus", authority)


@pytest.fixture(scope="session")
def server_context(authority: Certificate, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], ssl.SSLContext]:
    """Makes contexts for a server that the authority vouches for."""
    path: Path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(_issue("server", authority).pem_with_key)

    def make() -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        context.load_verify_locations(cadata=authority.pem.decode())
        return context

    return make


@pytest.fixture
async def tls_stand_in(server_context: Callable[[], ssl.SSLContext]) -> AsyncIterator[StandIn]:
    async for one in _serving(StandIn(scheme="https"), server_context()):
        yield one


@pytest.fixture
async def strict_stand_in(server_context: Callable[[], ssl.SSLContext]) -> AsyncIterator[StandIn]:
    """A server that asks for a client certificate of its own authority."""
    context = server_context()
    context.verify_mode = ssl.CERT_REQUIRED
    async for one in _serving(StandIn(scheme="https"), context):
        yield one
