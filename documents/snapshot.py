"""The snapshot: documents, credentials and keys of one revision, made into what the hot path decides by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import aiohttp
import structlog
from cryptography import x509

from adapters import auth
from adapters.call import Adapter
from adapters.rest.cloud_events import EventForm
from adapters.rest.outbound import Failure, RestAdapter, RestOperation, RestSettings
from adapters.signing import Signer
from adapters.soap.addressing import Edition
from adapters.soap.envelope import PREFIX
from adapters.soap.manner import Manner, Spelling
from adapters.soap.offers import Offer
from adapters.soap.outbound import SoapAdapter, SoapSettings
from adapters.soap.wsdl import Service
from bus.clock import Clock
from bus.errors import BusError, SecretDetached, SettingInvalid
from documents import kinds
from documents.certificates import clients, signers
from documents.compile import Compiled, compile_documents
from documents.header_blocks import header_blocks
from documents.kinds import auth as proofs
from documents.kinds import system as written
from documents.kinds.soap import Soap
from documents.model import Documents, Key
from documents.of_the_bus import with_own
from documents.originals import original
from documents.shapes import Kept
from documents.standing import State
from documents.store import read
from documents.subjects import subject
from identity.certificates import UNREADABLE, Holder
from identity.credentials import Credential
from identity.keyring import KeyRing, Purpose
from identity.secrets import Secrets
from journal.queries import Queries
from routes.model import VISIBILITY, Quota, Snapshot, System
from transforms.apart.pool import Pool
from transforms.condition import compile_condition, compile_select

log = structlog.get_logger("snapshot")


@dataclass(slots=True)
class Builder:
    """Builds snapshots for one process.

    `endpoints` override those of systems, by name; `url` is where the bus itself answers, if that is known. What cannot
    be compiled or has no secret is left out and logged: one department's mistake must not stop another's messages.
    Documents are compiled again only when they changed, and of those only what changed.
    """

    queries: Queries
    keys: Callable[[], KeyRing]
    credentials: Callable[[], Mapping[str, Credential]]
    secrets: Secrets
    session: aiohttp.ClientSession
    clock: Clock
    pool: Pool
    endpoints: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
    _documents: Documents = field(default_factory=Documents)
    _compiled: Compiled = field(default_factory=Compiled)
    _kept: Kept = field(default_factory=Kept)
    _keys: KeyRing = field(default_factory=KeyRing)
    _original: Callable[[str], Offer | None] | None = None
    _clients: Mapping[bytes, Holder] = field(default_factory=dict)
    _signers: Mapping[bytes, Holder] = field(default_factory=dict)

    def load(self) -> Snapshot:
        """The newest revision; blocks. Raises `JournalUnavailable`, `KeyUnreadable`."""
        revision = self.queries.revision()
        documents = read(self.queries)
        if documents != self._documents:
            self._compiled, problems = compile_documents(documents, self.pool, self._kept)
            self._documents = documents
            self._original = partial(original, documents.in_force(), self._compiled)
            self._clients, self._signers = clients(documents, _unusable), signers(documents, _unusable)
            for problem in problems:
                log.error("document-unusable", place=f"{problem.file}{problem.path}")
        compiled, self._keys = self._compiled, self.keys()
        systems = {str(document.name): self._system(document) for _, document in documents.of(kinds.System)}
        return Snapshot(
            revision,
            compiled.contracts,
            compiled.routes,
            systems,
            compiled.grants,
            self.credentials(),
            self._keys,
            partial(subject, with_own(documents)),
            self._original,
            compiled.paths,
            self._clients,
            self._signers,
        )

    def _system(self, document: kinds.System) -> System:
        try:
            adapter = self._adapter(document)
        except BusError as missing:
            log.error("system-not-callable", system=document.name, code=missing.code)
            adapter = None
        except Exception as unforeseen:  # noqa: BLE001 - one system's mistake must not keep all from a new snapshot
            log.error("system-not-callable", system=document.name, code="internal", kind=type(unforeseen).__name__)
            adapter = None
        limits = document.limits
        rate = limits.rate_per_second
        return System(
            document.name,
            document.agency,
            adapter,
            document.at_once,
            float(rate) if rate else None,
            limits.backlog,
            fetches=document.adapter == "inbox",
            quota=quota(document.quota),
            visibility=float(document.visibility.seconds) if document.visibility else VISIBILITY,
        )

    def _adapter(self, document: kinds.System) -> Adapter | None:
        """None for a system that is never called. Raises `SecretMissing`, `SecretDetached`, `SecretInvalid`,
        `SettingInvalid` and `DocumentInvalid`."""
        endpoint = self.endpoints.get(document.name) or document.endpoint
        service = self._compiled.services.get(document.name)
        if document.adapter == "soap" and service is not None:
            return self._soap(document, service, endpoint)
        if document.adapter == "rest" and endpoint is not None:
            return RestAdapter(self.rest_settings(document, endpoint), self.session, self.clock)
        return None

    def rest_settings(self, document: kinds.System, endpoint: str) -> RestSettings:
        """How a REST system is called there, by what was loaded last. Raises as `_adapter` does."""
        operations = {str(name): rest_operation(each) for name, each in document.operations.items()}
        proof = self._auth(document)
        if isinstance(proof, auth.WsseUsername | auth.WsseSignature):
            raise TypeError(document.name)  # the kind's own check refuses it
        events = EventForm(document.cloud_events == "structured", self.url) if document.cloud_events else None
        signer = Signer(self._keys.current(Purpose.DELIVERIES), self.clock) if document.sign else None
        headers, tls = _texts(document.headers), self._tls(document)
        return RestSettings(endpoint, operations, proof, headers, tls, events, signer)

    def _soap(self, document: kinds.System, service: Service, endpoint: str | None) -> SoapAdapter:
        headers, tls, manner = _texts(document.headers), self._tls(document), soap_manner(document.soap)
        signed_by = self._signer_of_answers(document)
        blocks = tuple(header_blocks(document.soap, service, partial(self._secret, document)))
        settings = SoapSettings(endpoint, self._auth(document), headers, tls, manner, signed_by, blocks)
        return SoapAdapter(settings, service, self.session, self.clock)

    def _signer_of_answers(self, document: kinds.System) -> x509.Certificate | None:
        """Whose answers alone are taken, where that is asked. Raises `SettingInvalid`."""
        if document.soap is None or not document.soap.signed_answers or document.signed_by is None:
            return None
        try:
            return x509.load_pem_x509_certificate(self._documents.files[document.signed_by])
        except (KeyError, *UNREADABLE):
            raise SettingInvalid(name="signedBy", hint="it must hold a certificate in PEM") from None

    def _auth(self, document: kinds.System) -> auth.Auth:
        match document.auth:
            case proofs.Basic() as basic:
                return auth.Basic(basic.username, self._secret(document, basic.password))
            case proofs.Bearer() as bearer:
                return auth.Bearer(self._secret(document, bearer.token))
            case proofs.ApiKey() as key:
                return auth.ApiKey(key.header, self._secret(document, key.value))
            case proofs.WsseUsername() as wsse:
                password = self._secret(document, wsse.password)
                return auth.WsseUsername(wsse.username, password, wsse.digest, wsse.timestamp)
            case proofs.WsseSignature() as signature:
                token = None
                if signature.username is not None and signature.password is not None:
                    password = self._secret(document, signature.password)
                    token = auth.WsseUsername(signature.username, password, signature.digest)
                pem = self._secret(document, signature.certificate).encode()
                return auth.WsseSignature(pem, signature.reference, token)
            case _:
                return auth.NoAuth()

    def _tls(self, document: kinds.System) -> auth.Tls | None:
        if document.tls is None:
            return None
        ca = self._documents.files.get(document.tls.ca) if document.tls.ca else None
        if document.tls.ca and ca is None:
            raise SettingInvalid(name="tls.ca", hint="the file is not among the documents")
        certificate = self._secret(document, document.tls.certificate).encode() if document.tls.certificate else None
        return auth.Tls(ca, certificate)

    def _secret(self, document: kinds.System, name: str) -> str:
        """Raises `SecretDetached`, `SecretMissing`, `SecretInvalid`."""
        standing = self._documents.standing(Key("System", document.name))
        if standing and standing.state is State.DETACHED:
            raise SecretDetached(system=document.name)
        return self.secrets.resolve(name, document.agency)


def quota(document: written.Quota | None) -> Quota | None:
    """A system's quota as senders are held to it."""
    if document is None:
        return None
    rate = document.per_second
    return Quota(float(rate) if rate else None, document.burst, document.per_day)


def soap_manner(document: Soap | None) -> Manner:
    """How a server wants SOAP written."""
    if document is None:
        return Manner()
    return Manner(
        Spelling(document.action),
        Edition(document.addressing) if document.addressing else None,
        document.must_understand,
        document.to,
        document.charset or "",
        document.request_charset or "",
        document.envelope or PREFIX,
        {str(namespace): str(prefix) for prefix, namespace in document.prefixes.items()},
        document.empty_answer,
        mtom=document.mtom,
    )


def rest_operation(document: written.Operation) -> RestOperation:
    """An operation of a REST system, its conditions compiled."""
    failure = document.failure
    return RestOperation(
        document.method,
        document.path,
        _texts(document.headers),
        dict(document.query),
        None
        if failure is None
        else Failure(
            compile_condition(failure.when),
            compile_select(failure.code) if failure.code else None,
            {code: str(name) for code, name in failure.fault.items()},
            frozenset(failure.retry),
        ),
    )


def _texts(mapping: Mapping[str, str]) -> dict[str, str]:
    return {str(name): str(text) for name, text in mapping.items()}


def _unusable(system: str) -> None:
    log.error("certificate-unusable", system=system)
