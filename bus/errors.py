"""Everything the bus refuses or fails at, as one tree that says whose fault it is.

The docstring of an error is its message in English; `bus.languages` holds the Vietnamese. Braces name facts given when
it is raised: a limit, a name from the documents, a place. A fact is never data out of a message, and never the text of
a foreign exception: lxml, zeep, drivers and HTTP clients all quote values. docs/errors.md lists every code.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with a body: where, and which rule it breaks.

    `place` is a JSON Pointer (RFC 6901) or, for XML, an XPath or ``line N``; `rule` the keyword or XSD component;
    `limit` what the rule asks for, out of the schema, never out of the message.
    """

    place: str
    rule: str
    limit: str = ""


class BusError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = ""
    status: ClassVar[int] = 500

    def __init__(
        self, *, findings: Sequence[Finding] = (), retry_after: int | None = None, **facts: str | int | None
    ) -> None:
        self.facts = {name: str(value) for name, value in facts.items() if value is not None}
        self.findings = tuple(findings)
        self.retry_after = retry_after
        self.reference = ""  # the audit event that tells of it, once there is one
        super().__init__(self.text)

    def __copy__(self) -> Self:
        """The same error for another who meets it: one that is raised in two places would keep the traces of both."""
        other = type(self).__new__(type(self), *self.args)
        other.__dict__.update(self.__dict__)
        return other

    def __reduce__(self) -> tuple[object, ...]:
        """As it is, from a child process to its parent."""
        return type(self).__new__, (type(self), *self.args), self.__dict__

    @property
    def text(self) -> str:
        """The message in English."""
        return fill(type(self).__doc__ or "", self.facts)


def fill(template: str, facts: dict[str, str]) -> str:
    """Put facts into a message; a fact that was not given reads as a dash."""

    class Facts(dict[str, str]):
        def __missing__(self, key: str) -> str:
            return "-"

    return " ".join(template.split()).format_map(Facts(facts))


class SenderFault(BusError):
    """The sender must change something before it asks again."""

    status = 400


class ReceiverFault(BusError):
    """The receiving system did not do its part."""

    status = 502


class BusFault(BusError):
    """The bus itself cannot do this now."""

    status = 503


def every_error(root: type[BusError] = BusError) -> Iterator[type[BusError]]:
    """Every error that has a code of its own, in the order of definition."""
    for child in root.__subclasses__():
        if "code" in vars(child):
            yield child
        yield from every_error(child)


# --- who is asking -----------------------------------------------------------------------------------------------


class TokenMissing(SenderFault):
    """This call needs a token: ask for one with POST /token and send it as Authorization: Bearer. Or show a client
    certificate that your system's document names."""

    code = "token-missing"
    status = 401


class TokenInvalid(SenderFault):
    """The token is not one of this bus's, or it was changed on the way."""

    code = "token-invalid"
    status = 401


class TokenExpired(SenderFault):
    """The token has expired: ask for a new one with POST /token."""

    code = "token-expired"
    status = 401


class TokenRevoked(SenderFault):
    """The credential behind this token was revoked: ask your administrator for a new one."""

    code = "token-revoked"
    status = 401


class CertificateUnknown(SenderFault):
    """No system's document names this certificate: its administrator adds it to `certificates`, or to `signedBy` where
    it signs SOAP messages."""

    code = "certificate-unknown"
    status = 401


class CertificateNotValid(SenderFault):
    """This certificate is valid from {begins} until {ends}, and not now: use its successor."""

    code = "certificate-not-valid"
    status = 401


class ProxyUnknown(SenderFault):
    """Only the bus's own proxies may say by Client-Cert which certificate was shown to them, and LGSP_PROXIES does not
    name this address."""

    code = "proxy-unknown"
    status = 401


class GrantMissing(SenderFault):
    """System {system} has no valid grant to send {contract}: ask the contract's owner, {owner}, for one."""

    code = "grant-missing"
    status = 403


class ReceiverNotGranted(SenderFault):
    """System {system}, which would receive {contract}, has no valid grant to receive it: tell the contract's owner,
    {owner}."""

    code = "receiver-not-granted"
    status = 403


class InboxMissing(SenderFault):
    """System {system} has no inbox: the bus calls it, or it only sends. Its document says so (`adapter: inbox`)."""

    code = "inbox-missing"
    status = 403


class QuotaExceeded(SenderFault):
    """System {system} may not send or ask more than {limit}: wait as long as Retry-After says, then go on."""

    code = "quota-exceeded"
    status = 429


# --- what is asked for -------------------------------------------------------------------------------------------


class PathUnknown(SenderFault):
    """There is nothing at this path."""

    code = "path-unknown"
    status = 404


class MethodNotAllowed(SenderFault):
    """This path does not answer that method."""

    code = "method-not-allowed"
    status = 405


class ContractUnknown(SenderFault):
    """There is no contract of this name."""

    code = "contract-unknown"
    status = 404


class VersionUnknown(SenderFault):
    """Contract {contract} has no active version {version}."""

    code = "version-unknown"
    status = 404


class ContractRetired(SenderFault):
    """Contract {contract} {version} is retired: nothing is accepted under it any more. The version to use instead:
    {instead}."""

    code = "contract-retired"
    status = 410


class MessageUnknown(SenderFault):
    """There is no such message of this system."""

    code = "message-unknown"
    status = 404


class DeliveryUnknown(SenderFault):
    """There is no delivery {delivery}: its id stands in `lgsp dead list` and in the timeline of its message."""

    code = "delivery-unknown"
    status = 404


class LeaseEnded(SenderFault):
    """Attempt {attempt} of this delivery is over: it was answered otherwise, or not in time. Its next attempt has a
    higher number."""

    code = "lease-ended"
    status = 409


class OutOfOrder(SenderFault):
    """A later delivery of the same order is on its way, or has arrived: {delivery} would come out of order. Replay it
    with --out-of-order if the receiver bears that."""

    code = "out-of-order"
    status = 409


class RequestInvalid(SenderFault):
    """This call is not as the description of the API says. See `errors` for what is not."""

    code = "request-invalid"


class BodyWanted(SenderFault):
    """The body of this call is JSON: send it with Content-Type: application/json."""

    code = "body-not-json"
    status = 415


class ElsewhereRefused(SenderFault):
    """A browser was made to send this by another site. Nothing was changed: use the pages of the bus itself."""

    code = "cross-site"
    status = 403


class ResourceUnknown(SenderFault):
    """There is no {kind} {name} here. The list of them says what there is."""

    code = "resource-unknown"
    status = 404


class PreconditionMissing(SenderFault):
    """{name} exists: say with If-Match which state of it you have seen (its ETag), so that you overwrite nobody's
    change."""

    code = "precondition-missing"
    status = 428


class PreconditionFailed(SenderFault):
    """{name} is not as you have seen it: somebody has changed it meanwhile, or it is not there. Nothing was changed:
    read it again."""

    code = "precondition-failed"
    status = 412


class CredentialsEnough(SenderFault):
    """{system} has {count} valid credentials already: revoke the one that it uses no more."""

    code = "credentials-enough"
    status = 409


class SecretDetached(ReceiverFault):
    """The address of {system} was changed to another host, and no secret is sent there before an administrator has
    confirmed it: in the management API, or with `lgsp system confirm`."""

    code = "secret-detached"


class RegistryChanged(SenderFault):
    """Somebody else has changed the registry meanwhile, at revision {revision}. Nothing was written: look at what
    there is now, and try again."""

    code = "registry-changed"
    status = 409


class ChangeForbidden(SenderFault):
    """{name} is {state}: {change} is not possible."""

    code = "change-forbidden"
    status = 409


class OwnProposal(SenderFault):
    """Who has proposed {name} does not approve it: somebody else must."""

    code = "own-proposal"
    status = 403


class SunsetAhead(SenderFault):
    """{name} is promised until {sunset}: retire it on that day or later, or give it another date by deprecating it
    again."""

    code = "sunset-ahead"
    status = 409


class GrantUnknown(SenderFault):
    """There is no grant {name}."""

    code = "grant-unknown"
    status = 404


class ReplyMissing(SenderFault):
    """This message has no reply: its contract is of the kind {exchange}."""

    code = "reply-missing"
    status = 404


class RequestMalformed(SenderFault):
    """This is not a request in HTTP/1.1 (RFC 9112)."""

    code = "request-malformed"


class HeadTooLarge(SenderFault):
    """The request line and headers are larger than {limit} bytes, or too many."""

    code = "head-too-large"
    status = 431


class HeadTimeout(SenderFault):
    """The request line and headers did not arrive within {limit} seconds."""

    code = "head-timeout"
    status = 408


class QueryInvalid(SenderFault):
    """The parameter {name} is not valid: {hint}."""

    code = "query-invalid"


class HeaderInvalid(SenderFault):
    """The header {name} is not valid: {hint}."""

    code = "header-invalid"


class EventInvalid(SenderFault):
    """This is no CloudEvent of version 1.0, by its {name}: {hint}."""

    code = "event-invalid"


class ReplyGone(SenderFault):
    """The reply was kept for as long as the contract says, and is gone."""

    code = "reply-gone"
    status = 410


class IdempotencyKeyReused(SenderFault):
    """This Idempotency-Key, or an event's source and id, was used for another body: message {message}. Use a new one
    for a new message."""

    code = "idempotency-key-reused"
    status = 409


# --- the body ----------------------------------------------------------------------------------------------------


class BodyTooLarge(SenderFault):
    """The body is larger than the {limit} bytes that are allowed here."""

    code = "body-too-large"
    status = 413


class BodyTimeout(SenderFault):
    """The body did not arrive within {limit} seconds."""

    code = "body-timeout"
    status = 408


class BodyCut(SenderFault):
    """The connection ended before the body did."""

    code = "body-cut"


class MediaTypeUnsupported(SenderFault):
    """This contract takes {expected}; say so in Content-Type."""

    code = "media-type-unsupported"
    status = 415


class CharsetUnsupported(SenderFault):
    """The body is not in UTF-8, or is declared to be in another character set: send UTF-8."""

    code = "charset-unsupported"
    status = 415


class EncodingUnsupported(SenderFault):
    """Compressed bodies are not taken: send the body without Content-Encoding."""

    code = "encoding-unsupported"
    status = 415


class JsonMalformed(SenderFault):
    """The body is not JSON (RFC 8259): see line {line}, column {column}."""

    code = "json-malformed"


class JsonForbidden(SenderFault):
    """The JSON cannot be passed on safely: {hint}."""

    code = "json-forbidden"


class XmlMalformed(SenderFault):
    """The body is not well-formed XML: see line {line}."""

    code = "xml-malformed"


class XmlForbidden(SenderFault):
    """The XML cannot be passed on safely: {hint}."""

    code = "xml-forbidden"


class BodyInvalid(SenderFault):
    """The body breaks contract {contract} in {count} place(s)."""

    code = "body-invalid"


# --- SOAP --------------------------------------------------------------------------------------------------------


class AuthenticationMissing(SenderFault):
    """This call must say who sends it: by Basic or Bearer in Authorization, by a client certificate, or over SOAP by
    WS-Security."""

    code = "authentication-missing"
    status = 401


class EnvelopeInvalid(SenderFault):
    """This is no SOAP envelope that can be taken: {hint}."""

    code = "envelope-invalid"


class MultipartInvalid(SenderFault):
    """The body is not in the parts that it says, or not in such as can be taken: {hint}."""

    code = "multipart-invalid"


class AttachmentsRefused(SenderFault):
    """The attachments cannot be taken: {hint}."""

    code = "attachments-refused"


class AttachmentUnknown(SenderFault):
    """There is no such attachment, or it is not kept any more."""

    code = "attachment-unknown"
    status = 404


class SoapVersionMismatch(SenderFault):
    """The envelope is not of the version that Content-Type names: SOAP 1.1 is text/xml, 1.2 application/soap+xml."""

    code = "soap-version"


class HeaderNotUnderstood(SenderFault):
    """A header block must be understood that the bus does not know: it knows WS-Addressing 1.0 and WS-Security 1.0
    with a UsernameToken."""

    code = "soap-must-understand"


class AddressingInvalid(SenderFault):
    """The WS-Addressing headers cannot be followed: {hint}."""

    code = "addressing-invalid"


class SecurityInvalid(SenderFault):
    """The WS-Security header proves nothing: {hint}."""

    code = "security-invalid"
    status = 401


class SecurityReplayed(SenderFault):
    """The nonce of the UsernameToken was used before: make a new one for each call."""

    code = "security-replayed"
    status = 401


class NotInXml(BusFault):
    """Contract {contract} cannot be called over SOAP, since no XML Schema says what it takes: send JSON by POST
    /messages/{contract}."""

    code = "not-in-xml"
    status = 501


class OperationUnknown(SenderFault):
    """The service has no operation for what stands in the Body: see its WSDL."""

    code = "soap-operation-unknown"
    status = 404


# --- the receiver ------------------------------------------------------------------------------------------------


class DeclaredFault(ReceiverFault):
    """The receiver answered with the fault {fault}, which the contract declares."""

    code = "declared-fault"
    status = 422


class ReceiverRefused(ReceiverFault):
    """The receiver would not take this message; an operator of the bus has been told."""

    code = "receiver-refused"


class ReceiverMisconfigured(ReceiverFault):
    """The bus and the receiver do not agree on credentials or certificates; an operator of the bus has been told."""

    code = "receiver-misconfigured"


class ReplyInvalid(ReceiverFault):
    """The receiver's reply breaks the contract; it is kept, and an operator of the bus has been told."""

    code = "reply-invalid"


class OutcomeUnknown(ReceiverFault):
    """The receiver was called but did not answer: it may or may not have acted. Ask it before you send again."""

    code = "outcome-unknown"
    status = 504


class MessageExpired(ReceiverFault):
    """The message's life ended before the receiver could be reached."""

    code = "message-expired"
    status = 504


# --- the bus -----------------------------------------------------------------------------------------------------


class Backlog(BusFault):
    """System {system} already has as many messages waiting as it is allowed: try again later."""

    code = "backlog"


class RouteMissing(BusFault):
    """No route leads contract {contract} to a system; the contract's owner, {owner}, must have one added."""

    code = "route-missing"


class Overloaded(BusFault):
    """The bus has more to write than it can at this moment: try again shortly."""

    code = "overloaded"


class ReplyPending(BusFault):
    """Message {message} is accepted, and its reply has not come yet: ask again with the same Idempotency-Key or
    wsa:MessageID, or GET /messages/{message}/reply."""

    code = "reply-pending"
    status = 504


class ReplyInexpressible(BusFault):
    """The reply of message {message} cannot be written as XML: fetch it by GET /messages/{message}/reply."""

    code = "reply-inexpressible"
    status = 500


class CommitInDoubt(BusFault):
    """It is not certain that message {message} was written: ask for its state, or send again with the same
    Idempotency-Key."""

    code = "commit-in-doubt"


class JournalUnavailable(BusFault):
    """The bus cannot write to its journal: try again shortly."""

    code = "journal-unavailable"


class DiskLow(BusFault):
    """The bus has too little disk space left to accept anything: try again later."""

    code = "disk-low"


class Draining(BusFault):
    """This process is about to end and wants no new callers: others are there."""

    code = "draining"


class SnapshotStale(BusFault):
    """This process has not been able to refresh what it decides by for {seconds} seconds: try again shortly."""

    code = "snapshot-stale"


class InternalError(BusFault):
    """The bus failed at this through a fault of its own; an operator has been told."""

    code = "internal-error"
    status = 500


# --- people at the command line and writers of documents ----------------------------------------------------------


class IllegalTransition(BusFault):
    """A delivery that is {state} cannot {change}."""

    code = "illegal-transition"
    status = 409


class DocumentInvalid(SenderFault):
    """The documents are not right in {count} place(s)."""

    code = "document-invalid"
    status = 422
    problems: Sequence[Any] = ()
    """Each with its place, as `documents.problems` tells them, where more is known than `findings` hold."""


class SchemaInvalid(SenderFault):
    """The schema {schema} cannot be used: {rule} at {place}."""

    code = "schema-invalid"


class SecretMissing(BusFault):
    """Agency {agency} has no secret {name}: set it with `lgsp secret set {agency} {name}`."""

    code = "secret-missing"


class SettingInvalid(BusFault):
    """The setting {name} is not right: {hint}."""

    code = "setting-invalid"


class FolderInUse(BusFault):
    """Another `lgsp up` holds the data folder; stop it first or choose another folder with --data."""

    code = "folder-in-use"


class GatewayUnreachable(BusFault):
    """The bus at {url} does not answer: see whether `lgsp up` is running."""

    code = "gateway-unreachable"


class TransformFailed(BusFault):
    """The transform {transform} cannot make its result: {rule} at {place}."""

    code = "transform-failed"
    status = 502


class TransformTooCostly(TransformFailed):
    """The transform {transform} was stopped: it needs more than {limit}. Make it simpler, or the message smaller."""

    code = "transform-too-costly"


class TransformUnavailable(BusFault):
    """No process is free for the transform {transform} now: it is tried again later."""

    code = "transform-unavailable"


# --- who is who, and the keys --------------------------------------------------------------------------------------


class AgencyCodeInvalid(SenderFault):
    """The agency code is not right: {hint}."""

    code = "agency-code-invalid"


class CredentialInvalid(SenderFault):
    """There is no such client, the secret is not its own, or the credential was revoked."""

    code = "credential-invalid"
    status = 401


class SignInRefused(SenderFault):
    """There is nobody of this name, the password is not theirs, or they have been disabled."""

    code = "sign-in-refused"
    status = 401


class SignInLimited(SenderFault):
    """Too many tries to sign in: wait as long as Retry-After says, then try again."""

    code = "sign-in-limited"
    status = 429


class RoleMissing(SenderFault):
    """This ({action}) is for whoever has one of the roles {roles}."""

    code = "role-missing"
    status = 403


class PersonUnknown(SenderFault):
    """There is nobody named {name}: see `lgsp user list`."""

    code = "person-unknown"
    status = 404


class PersonExists(SenderFault):
    """There is somebody named {name} already."""

    code = "person-exists"
    status = 409


class PersonInvalid(SenderFault):
    """The person is not right: {hint}."""

    code = "person-invalid"


class PasswordUnfit(SenderFault):
    """This password cannot be used: {hint}."""

    code = "password-unfit"


class LastAdministrator(SenderFault):
    """{name} is the last enabled administrator: give the role to somebody else first."""

    code = "last-administrator"
    status = 409


class SecretInvalid(BusFault):
    """A secret cannot be used: {hint}."""

    code = "secret-invalid"


class KeyMissing(BusFault):
    """The key ring has no key for {purpose}: make one with `lgsp key rotate {purpose}`."""

    code = "key-missing"


class KeyUnreadable(BusFault):
    """Key {kid} cannot be opened: this is not the master key that it was sealed under, or its row was changed."""

    code = "key-unreadable"
