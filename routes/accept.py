"""Accepting a message: who asks, under which contract, is the body right, where does it go; then one commit.

Both front doors come here. Nothing is answered before the commit; everything refused after the sender is known is an
audit event with its reason and a keyed hash of the body, never the body.
"""

import hashlib
import re
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final
from uuid import UUID

from bus.clock import Clock
from bus.envelope import Attachment, Body, Envelope, Exchange, Format
from bus.errors import (
    AttachmentsRefused,
    BodyInvalid,
    BodyTooLarge,
    BusError,
    ContractRetired,
    ContractUnknown,
    GrantMissing,
    IdempotencyKeyReused,
    MediaTypeUnsupported,
    QuotaExceeded,
    RouteMissing,
    SecurityReplayed,
    SenderFault,
    VersionUnknown,
)
from bus.errors import Backlog as BacklogFull
from bus.states import State
from contracts.model import Contract, attachments_refusal
from identity.grants import May, civil_date
from identity.keyring import keyed_hash
from journal.attachments import fact
from journal.commands import Accept, Accepted, Event, NewDelivery, Once, Record
from journal.committer import Committer
from routes import router
from routes.backlog import Backlog
from routes.broker import LARGEST_CARRIED, Carried
from routes.model import Quota, Snapshot
from routes.offload import off_the_loop
from routes.quotas import Quotas
from routes.refusals import Refusals
from routes.ringer import Ringer

IDEMPOTENCY_LIFE: Final = 24 * 3600 * 1000
"""Milliseconds for which an Idempotency-Key is remembered, at least; a longer-lived message keeps its key as long."""

TRACEPARENT: Final = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
"""W3C Trace Context §3.2; what does not match is ignored and a new trace begins, as §4.3 wants."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a front door knows of a message before it has read the body. `read` reads at most so many bytes, or raises;
    `format` is None where the sender did not say. `event_key` makes an event once-only where there is no
    Idempotency-Key: its source and its id. `unwrap`: the body holds more than the message; it gives the arrival that
    the body tells of, and the message's own bytes. `nonce` is what a sender proved itself by, once. `attachments` have
    salts."""

    sender: str
    contract: str
    version: str | None
    format: Format | None
    read: Callable[[int], Awaitable[bytes]]
    idempotency_key: str | None = None
    traceparent: str | None = None
    event_key: str | None = None
    nonce: Once | None = None
    attachments: tuple[Attachment, ...] = ()
    unwrap: Callable[["Arrival", bytes], tuple["Arrival", bytes]] | None = None


@dataclass(frozen=True, slots=True)
class Acceptance:
    """`repeated`: an earlier message of the same Idempotency-Key; its deliveries are the journal's to tell."""

    envelope: Envelope
    contract: Contract
    deliveries: tuple[NewDelivery, ...]
    repeated: bool = False


class Acceptor:
    """Accepts for one process; `process` is its name, under which waiting callers are signalled. `came` hears of each
    system for which something was accepted that is not rung."""

    def __init__(
        self,
        committer: Committer,
        ringer: Ringer,
        backlog: Backlog,
        quotas: Quotas,
        refusals: Refusals,
        clock: Clock,
        process: str,
        came: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._committer = committer
        self._ringer = ringer
        self._backlog = backlog
        self._quotas = quotas
        self._refusals = refusals
        self._clock = clock
        self._process = process
        self._came = came

    async def accept(self, snapshot: Snapshot, arrival: Arrival, *, waits: bool | None = None) -> Acceptance:
        """Accept durably, then ring.

        `waits` says whether the caller waits for the reply (None: as the exchange does by default). A caller that
        begins to listen before it awaits anything else misses no signal: ringing only queues. Raises `SenderFault` for
        what the sender must change, `BusFault` for what it may try again.
        """
        data = b""
        try:
            today = civil_date(self._clock.now())
            contract = permitted(snapshot, arrival, today)
            self._quotas.take(arrival.sender, quota(snapshot, arrival.sender))
            most, beside = contract.limits.max_bytes, contract.request.attachments
            data = await arrival.read(most + (beside.max_bytes if beside and arrival.unwrap else 0))
            if arrival.unwrap:
                arrival, data = await off_the_loop(len(data), arrival.unwrap, arrival, data)
                if len(data) > most:
                    raise BodyTooLarge(limit=most)
            if refusal := attachments_refusal(contract.request, arrival.attachments):
                raise AttachmentsRefused(hint=refusal)
            body = Body(body_format(arrival, contract), data)
            parsed = await check(contract, body)
            routes = router.choose(snapshot, contract, parsed)
            deliveries = tuple(router.deliveries(snapshot, contract, routes, parsed, self._backlog, self._clock, today))
            envelope = self._envelope(arrival, contract, waits=waits)
            life = envelope.expires_at - envelope.accepted_at
            files = sum(len(each.data) for each in arrival.attachments)
            command = await off_the_loop(
                files,
                acceptance,
                envelope,
                contract,
                body.data,
                deliveries,
                subject(snapshot, contract, parsed),
                await off_the_loop(files, once, snapshot, arrival, contract, body, life),
                arrival.attachments,
            )
            if arrival.nonce:
                command = replace(command, nonce=arrival.nonce)
            accepted = await self._committer.write(command)
            if accepted.replayed:
                raise SecurityReplayed
            if accepted.message != envelope.message:
                return repeated(accepted, command, contract)
        except QuotaExceeded as refused:
            # Counted, not told one by one: a storm must cost nothing.
            await self._refusals.refused(arrival.sender, refused)
            raise
        except (SenderFault, RouteMissing, BacklogFull) as refused:
            await self.refuse(snapshot, arrival.sender, arrival.contract, refused, data)
            raise
        self._ring(envelope, body, [each for each in deliveries if each.id not in accepted.held])
        return Acceptance(envelope, contract, deliveries)

    def _envelope(self, arrival: Arrival, contract: Contract, *, waits: bool | None) -> Envelope:
        now, message = self._clock.now(), self._clock.new_id()
        waiting = contract.exchange is Exchange.REQUEST if waits is None else waits
        return Envelope(
            message,
            contract.name,
            contract.version,
            contract.exchange,
            arrival.sender,
            now,
            now + round(contract.life * 1000),
            trace(arrival.traceparent, message),
            contract.request.format,
            self._process if waiting else "",
        )

    def _ring(self, envelope: Envelope, body: Body, deliveries: Sequence[NewDelivery]) -> None:
        carried = body.data if len(body.data) <= LARGEST_CARRIED else None
        self._ringer.ring(
            Carried(each.id, each.system, envelope, carried) for each in deliveries if each.state is State.QUEUED
        )
        for each in deliveries:
            if each.state is State.PENDING:
                self._came(each.system)

    async def refuse(
        self, snapshot: Snapshot, sender: str, contract: str, refused: BusError, data: bytes = b""
    ) -> None:
        """Record why; the reference goes with the answer so that the sender can name it."""
        facts: dict[str, str | int] = {"code": refused.code, "contract": known(snapshot, contract)}
        if data:
            facts |= {"keyedHash": keyed_hash(snapshot.keys, data), "size": len(data)}
        reference = await self._committer.write(Record(Event("message.refused", sender, facts=facts)))
        refused.reference = str(reference)


def acceptance(
    envelope: Envelope,
    contract: Contract,
    body: bytes,
    deliveries: tuple[NewDelivery, ...],
    subject: str = "",
    once: Once | None = None,
    attachments: tuple[Attachment, ...] = (),
) -> Accept:
    """What is written of a message that may go its ways."""
    salt = secrets.token_bytes(16)
    digest = hashlib.sha256(salt + body).hexdigest()
    facts: dict[str, str | int] = {
        "contract": contract.name,
        "digest": digest,
        "size": len(body),
        "systems": " ".join(sorted(each.system for each in deliveries)),
        "version": contract.version,
    }
    if attachments:
        facts["attachments"] = fact(attachments)
    event = Event("message.accepted", envelope.sender, envelope.message, facts)
    life, body_life = envelope.expires_at - envelope.accepted_at, round(contract.retention.body * 1000)
    return Accept(
        envelope, body, salt, digest, life, body_life, deliveries, event, subject, once, attachments=attachments
    )


def repeated(accepted: Accepted, command: Accept, contract: Contract) -> Acceptance:
    """The earlier message of the same Idempotency-Key; raises `IdempotencyKeyReused` where its body was another."""
    if command.once is None or accepted.digest != command.once.digest:
        raise IdempotencyKeyReused(message=str(accepted.message))
    earlier = replace(
        command.envelope,
        message=accepted.message,
        accepted_at=accepted.accepted_at,
        expires_at=accepted.expires_at,
    )
    return Acceptance(earlier, contract, (), repeated=True)


def permitted(snapshot: Snapshot, arrival: Arrival, today: date) -> Contract:
    """The contract version that is meant, if the sender holds a grant for its major.

    A version is named as ``1.2.0``, ``1.2`` or ``1``; who names none gets the newest of the highest major it may send;
    a deprecated one only where no other fits. Raises `ContractRetired` where all that fit are.
    """
    versions = snapshot.contracts.get(arrival.contract, ())
    if not versions:
        raise ContractUnknown
    named = [each for each in versions if means(arrival.version, each.version)]
    if not named:
        raise VersionUnknown(contract=arrival.contract, version=safe_version(arrival.version))
    for contract in named:
        if snapshot.grants.allows(arrival.sender, contract.reference, May.SEND, today):
            if contract.retired:
                raise ContractRetired(
                    contract=contract.name, version=contract.version, instead=contract.instead or None
                )
            return contract
    raise GrantMissing(system=arrival.sender, contract=named[0].reference, owner=named[0].owner)


def quota(snapshot: Snapshot, sender: str) -> Quota | None:
    """How much a sender may send; None: as much as it likes."""
    system = snapshot.systems.get(sender)
    return system.quota if system else None


def means(asked: str | None, version: str) -> bool:
    """Whether a version that was asked for means this one."""
    return asked is None or version == asked or version.startswith(f"{asked}.")


def known(snapshot: Snapshot, contract: str) -> str:
    """A contract's name as it may be repeated: nothing from outside that is not a name of ours."""
    return contract if contract in snapshot.contracts else "-"


def safe_version(version: str | None) -> str:
    return version if version and re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6}){0,2}", version) else "-"


def body_format(arrival: Arrival, contract: Contract) -> Format:
    """The contract's own format; raises `MediaTypeUnsupported` where the sender declares another or none."""
    expected = contract.request.format
    if arrival.format is not expected:
        raise MediaTypeUnsupported(expected=expected.media_type)
    return expected


async def check(contract: Contract, body: Body) -> object:
    """The parsed body; raises `BodyInvalid` with every finding, or the fault of bytes that cannot be parsed."""
    parsed, findings = await off_the_loop(len(body.data), contract.request.validator.check, body)
    if findings:
        raise BodyInvalid(contract=f"{contract.name}@{contract.version}", count=len(findings), findings=findings)
    return parsed


def subject(snapshot: Snapshot, contract: Contract, parsed: object) -> str:
    """A keyed hash of whom the message is about, or empty."""
    if contract.request.subject is None:
        return ""
    found = contract.request.subject(parsed)
    return keyed_hash(snapshot.keys, found.encode()) if found else ""


def once(snapshot: Snapshot, arrival: Arrival, contract: Contract, body: Body, life: int) -> Once | None:
    """The Idempotency-Key, or what an event goes by, as a once-only key of its sender; only hashes of key and body are
    kept."""
    scope, given = "idempotency", arrival.idempotency_key
    if given is None:
        scope, given = "event", arrival.event_key
    if given is None:
        return None
    key = hashlib.sha256(given.encode()).digest()
    beside = b"".join(hashlib.sha256(each.data).digest() for each in arrival.attachments)
    digest = keyed_hash(snapshot.keys, contract.name.encode() + b"\n" + body.data + beside)
    return Once(f"{scope}:{arrival.sender}", key, digest, max(life, IDEMPOTENCY_LIFE))


def trace(sent: str | None, message: UUID) -> str:
    """The sender's own trace, or a new one, which bears the message's identifier."""
    if sent and TRACEPARENT.fullmatch(sent):
        return sent
    return f"00-{message.hex}-{message.hex[16:]}-01"
