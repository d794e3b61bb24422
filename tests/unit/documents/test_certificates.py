"""Certificates that documents name: what a check says of them, and whose they are afterwards."""

import datetime as dt
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from documents.certificates import clients, signers
from documents.check import check, check_folder
from documents.load import load
from documents.problems import Severity
from tests.certificates import Own

Build = Callable[..., Path]
NOON = dt.datetime(2026, 11, 22, 5, tzinfo=dt.UTC)
TODAY = date(2026, 11, 22)
SHOP, OTHER = Own.made("shop", now=NOON), Own.made("other", now=NOON)


def a_system(name: str, fields: str) -> str:
    return f"kind: System\nname: {name}\nagency: H98.01\nadapter: soap\n{fields}\n"


def said(folder: Path) -> list[tuple[Severity, str, str]]:
    return [(each.severity, each.path, each.message) for each in check_folder(folder, TODAY).problems]


def test_certificates_say_whose_they_are(province: Build) -> None:
    """A system may have several certificates to show, and one to sign with: each is for what the document says."""
    files = {
        "a.yaml": a_system("a", "certificates: [one.pem, two.pem]\nsignedBy: three.pem"),
        "one.pem": SHOP.pem.decode(),
        "two.pem": OTHER.pem.decode(),
        "three.pem": (third := Own.made("signs", now=NOON)).pem.decode(),
    }
    folder = province(files)
    assert said(folder) == []
    documents = load(folder).documents
    assert clients(documents) == SHOP.of("a") | OTHER.of("a")
    assert signers(documents) == third.of("a")


@pytest.mark.parametrize("field", ["certificates: [a.pem]", "signedBy: a.pem"])
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ((SHOP.pem + SHOP.key_pem).decode(), "a.pem: there is a private key in it"),
        ((SHOP.pem + OTHER.pem).decode(), "a.pem: there is not just one certificate in it"),
        ("secret-marker", "a.pem: it is not in PEM"),
        (None, "there is no file a.pem"),
    ],
)
def test_file_that_is_not_one_certificate_is_an_error(
    province: Build, field: str, text: str | None, words: str
) -> None:
    """What a file has wrong is said at the document that names it, without a word of the file, and it proves nobody."""
    folder = province({"a.yaml": a_system("a", field)} | ({"a.pem": text} if text else {}))
    ((severity, path, message),) = said(folder)
    assert (severity, path.split("/")[1]) == (Severity.ERROR, field.partition(":")[0])
    assert words in message
    assert "secret-marker" not in message
    assert clients(load(folder).documents) == signers(load(folder).documents) == {}
    sent = load(folder).documents  # as the API is sent it: nothing was said yet
    assert [each.path for each in check(sent, TODAY).problems] == [path]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SHOP.pem.decode() + OTHER.pem.decode(), None),
        (SHOP.key_pem.decode(), "a private key"),
        ("secret-marker", "not in PEM"),
        (SHOP.pem.decode().replace("MII", "AAA"), "cannot be read"),
        (None, "there is no file a.pem"),
    ],
)
def test_authorities_of_a_system_are_looked_at(province: Build, text: str | None, words: str | None) -> None:
    """What `tls.ca` names holds certificates, as many as there are; how long they last is their owner's to say."""
    fields = "endpoint: https://a.example.internal/\ntls: {ca: a.pem}"
    system = a_system("a", fields).replace("soap", "rest")
    found = said(province({"a.yaml": system} | ({"a.pem": text} if text else {})))
    assert [(severity, path, str(words) in message) for severity, path, message in found] == (
        [(Severity.ERROR, "/tls/ca", True)] if words else []
    )


def test_certificate_of_two_systems_is_an_error(province: Build) -> None:
    """One certificate names one system, also where one shows it and the other signs with it; applied all the same, it
    names none where both show it."""
    files = {
        "a.yaml": a_system("a", "certificates: [a.pem]\nsignedBy: a.pem"),
        "b.yaml": a_system("b", "certificates: [b/b.pem]"),
        "c.yaml": a_system("c", "signedBy: a.pem"),
        "a.pem": SHOP.pem.decode(),
        "b/b.pem": "-----\n" + SHOP.pem.decode(),
    }
    folder = province(files)
    assert [(severity, path) for severity, path, _ in said(folder)] == [
        (Severity.ERROR, "/certificates/0"),
        (Severity.ERROR, "/signedBy"),
    ]
    assert all("a's certificate as well" in message for _, _, message in said(folder))
    assert clients(load(folder).documents) == signers(load(folder).documents) == {}


@pytest.mark.parametrize(
    ("begins", "ends", "words"),
    [
        (-1, 31, None),
        (-1, 30, "expires on 2026-12-22"),
        (-1, 0, "expires on 2026-11-22"),
        (-9, -1, "expired on 2026-11-21"),
        (1, 300, "is valid from 2026-11-23 on"),
    ],
)
def test_end_of_a_certificate_is_told_a_month_before(
    province: Build, begins: float, ends: float, words: str | None
) -> None:
    """A warning says in time that a successor is needed; a certificate that is not valid forbids nothing, since its
    successor may be in force already."""
    own = Own.made("a", begins, ends, NOON)
    found = said(province({"a.yaml": a_system("a", "certificates: [a.pem]"), "a.pem": own.pem.decode()}))
    assert [(severity, str(words) in message) for severity, _, message in found] == (
        [(Severity.WARNING, True)] if words else []
    )
