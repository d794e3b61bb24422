"""Errors as people and programs read them: problem documents (RFC 9457), in the reader's language."""

from typing import Any

from bus.errors import BusError
from bus.languages import Language, say, say_finding

MEDIA_TYPE = "application/problem+json"
BEARER = 'Bearer realm="lgsp"'


def problem(error: BusError, language: Language, **members: Any) -> dict[str, Any]:
    """`type` is stable for a code; `reference` names the audit event that tells of the refusal, where there is one.

    Each member of `errors` has the place as ``pointer`` (RFC 6901) or, for XML, as ``place``.
    """
    document: dict[str, Any] = {
        "type": f"urn:lgsp:error:{error.code}",
        "status": error.status,
        "code": error.code,
        "detail": say(error, language),
    }
    if error.reference:
        document["reference"] = error.reference
    if error.findings:
        document["errors"] = [
            {
                "pointer" if finding.place == "" or finding.place.startswith("/") else "place": finding.place,
                "rule": finding.rule,
                "detail": say_finding(finding, language),
            }
            for finding in error.findings[:50]
        ]
    return document | members


def headers(error: BusError) -> dict[str, str]:
    """What goes beside the document: when to try again, how to authenticate (RFC 6750 §3)."""
    found: dict[str, str] = {}
    if error.retry_after is not None:
        found["Retry-After"] = str(error.retry_after)
    if error.status == 401:
        found["WWW-Authenticate"] = BEARER if error.code == "token-missing" else f'{BEARER}, error="invalid_token"'
    return found
