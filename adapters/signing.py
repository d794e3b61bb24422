"""HTTP Message Signatures (RFC 9421) on what the bus sends, so that a receiver can tell that the bus sent it."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner
from http_message_signatures.algorithms import ED25519
from yarl import URL

from bus.clock import Clock
from identity.keyring import Key

LABEL: Final = "bus"
TAG: Final = "lgsp-delivery"
"""What the signature is for (§2.3): one that the same key made for anything else is not this one."""

COVERED: Final = frozenset({"content-type", "idempotency-key", "bus-sequence"})


@dataclass(slots=True)
class _Message:
    """A request as the library reads it; the digest becomes a header of it."""

    method: str
    url: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)


class Signer:
    """Signs requests with one key. Covered: method, address, digest of the body (RFC 9530), its content type, and every
    header that says which delivery of which event it is."""

    def __init__(self, key: Key, clock: Clock) -> None:
        self._clock = clock
        self._kid = key.kid
        self._private = Ed25519PrivateKey.from_private_bytes(key.material)
        self._signer = HTTPMessageSigner(signature_algorithm=ED25519)

    def signed(self, method: str, url: URL, headers: Mapping[str, str], body: bytes | None) -> dict[str, str]:
        """The headers with Content-Digest, Signature-Input and Signature."""
        message = _Message(method, str(url), dict(headers))
        names = sorted(name.lower() for name in headers)
        covered = [name for name in names if name in COVERED or name.startswith("ce-")]
        prepared = self._signer.prepare(
            message,
            key_id=self._kid,
            created=datetime.fromtimestamp(self._clock.now() / 1000, UTC),
            label=LABEL,
            tag=TAG,
            covered_component_ids=("@method", "@target-uri", *covered),
            body=body,
        )
        signature = b64encode(self._private.sign(prepared.signature_base)).decode()
        # What the library's own `apply` would write; it builds everything a second time, for signers that are slow.
        message.headers["Signature-Input"] = f"{LABEL}={prepared.signature_params}"
        message.headers["Signature"] = f"{LABEL}=:{signature}:"
        return message.headers
