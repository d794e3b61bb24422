"""The certificates that systems' documents name: whose each is, and what is wrong with them."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from typing import TypeVar

from documents import kinds
from documents.bench import Bench
from documents.kinds.values import FilePath
from documents.model import Documents, Written
from identity.certificates import Certificate, Holder, read_authorities, read_certificate
from identity.grants import civil_date

WARNED = timedelta(days=30)
"""For how long before its end a check says so."""

Steps = tuple[str | int, ...]
T = TypeVar("T")


def clients(documents: Documents, unusable: Callable[[str], None] = lambda _: None) -> Mapping[bytes, Holder]:
    """Whose certificate it is that a caller shows in TLS, by its fingerprint. One that cannot be used is left out, and
    one of several systems is nobody's: `unusable` is told of which system it is."""
    return _holders(documents, "certificates", unusable)


def signers(documents: Documents, unusable: Callable[[str], None] = lambda _: None) -> Mapping[bytes, Holder]:
    """As `clients`, of those that a caller signs with."""
    return _holders(documents, "signedBy", unusable)


def proofs(documents: Documents) -> frozenset[tuple[str, str, bytes]]:
    """What proves which system, whatever it is worth: the system's name, the kind of proof, and the file."""
    return frozenset(
        (system.name, str(steps[0]), documents.files.get(path, b""))
        for _, system in documents.of(kinds.System)
        for steps, path in _named(system)
    )


def check_certificates(bench: Bench, today: date) -> None:
    """Say which files are not what they should be, which certificate is two systems', and which ends. `today` is a day
    of civil time."""
    first: dict[bytes, str] = {}
    for written, system in bench.documents.of(kinds.System):
        if system.tls and system.tls.ca:
            _read(bench, written, ("tls", "ca"), system.tls.ca, read_authorities)
        for steps, path in _named(system):
            found = _read(bench, written, steps, path, read_certificate)
            if found is None:
                continue
            other = first.setdefault(found.fingerprint, system.name)
            if other != system.name:
                bench.say(written, f"{path} is {other}'s certificate as well: it must say which of them calls.", *steps)
            _days(bench, written, steps, path, found, today)


def _read(bench: Bench, written: Written, steps: Steps, path: str, read: Callable[[bytes], T]) -> T | None:
    """What `read` makes of a file; None where that, or the file itself, is missing, which is then said."""
    data = bench.attempt(written, steps, lambda: bench.shapes.file(path))
    try:
        return None if data is None else read(data)
    except ValueError as wrong:
        bench.say(written, f"{path}: {wrong}", *steps)
        return None


def _days(bench: Bench, written: Written, steps: Steps, path: str, found: Certificate, today: date) -> None:
    begins, ends = civil_date(found.begins), civil_date(found.ends)
    if ends < today:
        bench.warn(written, f"{path} expired on {ends}: name its successor, and take it away.", *steps)
    elif ends - today <= WARNED:
        bench.warn(written, f"{path} expires on {ends}: have its successor named by then.", *steps)
    elif begins > today:
        bench.warn(written, f"{path} is valid from {begins} on, and not before.", *steps)


def _holders(documents: Documents, what: str, unusable: Callable[[str], None]) -> Mapping[bytes, Holder]:
    found: dict[bytes, Holder] = {}
    shared: set[bytes] = set()
    for _, system in documents.of(kinds.System):
        for steps, path in _named(system):
            if steps[0] != what:
                continue
            try:
                certificate = read_certificate(documents.files[path])
            except (KeyError, ValueError):
                unusable(system.name)
                continue
            if found.setdefault(certificate.fingerprint, Holder(system.name, certificate)).system != system.name:
                unusable(system.name)
                shared.add(certificate.fingerprint)
    return {each: holder for each, holder in found.items() if each not in shared}


def _named(system: kinds.System) -> Iterator[tuple[Steps, FilePath]]:
    for number, path in enumerate(system.certificates):
        yield ("certificates", number), path
    if system.signed_by is not None:
        yield ("signedBy",), system.signed_by
