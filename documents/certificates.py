"""The certificates that systems' documents name: whose each is, and what is wrong with them."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

import structlog

from documents import kinds
from documents.bench import Bench
from documents.kinds.values import FilePath
from documents.model import Documents, Written
from identity.certificates import Certificate, Holder, read_certificate
from identity.grants import civil_date

WARNED = timedelta(days=30)
"""For how long before its end a check says so."""

Steps = tuple[str | int, ...]

log = structlog.get_logger("snapshot")


def clients(documents: Documents) -> Mapping[bytes, Holder]:
    """Whose certificate it is that a caller shows in TLS, by its fingerprint."""
    return _holders(documents, "certificates")


def signers(documents: Documents) -> Mapping[bytes, Holder]:
    """Whose certificate it is that a caller signs with, by its fingerprint."""
    return _holders(documents, "signedBy")


def check_certificates(bench: Bench, today: date) -> None:
    """Say which files are not what they should be, which certificate is two systems', and which ends. `today` is a day
    of civil time."""
    first: dict[bytes, str] = {}
    for written, system in bench.documents.of(kinds.System):
        for steps, path in _named(system):
            data = bench.documents.files.get(path)
            if data is None:
                continue  # which was said already
            try:
                found = read_certificate(data)
            except ValueError as wrong:
                bench.say(written, f"{path}: {wrong}", *steps)
                continue
            other = first.setdefault(found.fingerprint, system.name)
            if other != system.name:
                bench.say(written, f"{path} is {other}'s certificate as well: it must say which of them calls.", *steps)
            _days(bench, written, steps, path, found, today)


def _days(bench: Bench, written: Written, steps: Steps, path: str, found: Certificate, today: date) -> None:
    begins, ends = civil_date(found.begins), civil_date(found.ends)
    if ends < today:
        bench.warn(written, f"{path} expired on {ends}: name its successor, and take it away.", *steps)
    elif ends - today <= WARNED:
        bench.warn(written, f"{path} expires on {ends}: have its successor named by then.", *steps)
    elif begins > today:
        bench.warn(written, f"{path} is valid from {begins} on, and not before.", *steps)


def _holders(documents: Documents, what: str) -> Mapping[bytes, Holder]:
    """What cannot be used is left out, and what is several systems' is nobody's."""
    found: dict[bytes, Holder] = {}
    shared: set[bytes] = set()
    for _, system in documents.of(kinds.System):
        for steps, path in _named(system):
            if steps[0] != what:
                continue
            try:
                certificate = read_certificate(documents.files[path])
            except (KeyError, ValueError):
                log.error("certificate-unusable", system=system.name)
                continue
            if found.setdefault(certificate.fingerprint, Holder(system.name, certificate)).system != system.name:
                log.error("certificate-unusable", system=system.name)
                shared.add(certificate.fingerprint)
    return {each: holder for each, holder in found.items() if each not in shared}


def _named(system: kinds.System) -> Iterator[tuple[Steps, FilePath]]:
    for number, path in enumerate(system.certificates):
        yield ("certificates", number), path
    if system.signed_by is not None:
        yield ("signedBy",), system.signed_by
