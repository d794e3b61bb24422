"""The kinds of documents and the texts they are made of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from adapters.soap.addressing import Edition
from adapters.soap.manner import Manner, Spelling
from documents.kinds import KINDS, Contract, System
from documents.kinds.values import Duration, Element, Endpoint, FilePath, Name, Reference, Secret, Value, Version
from documents.snapshot import quota, soap_manner
from routes.model import Quota


def accepted(kind: type[Value], text: str) -> bool:
    try:
        TypeAdapter(kind).validate_python(text)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        (Name, ["a", "health.patient-referral", "a1.b-2"], ["", "A", "a..b", "-a", "a-", "a_b", "a\n", "x" * 101, "đ"]),
        (Reference, ["a@1", "a.b@0", "a@12"], ["a", "a@", "a@01", "a@1.0", "a@1\n", "@1"]),
        (Version, ["1.0.0", "0.12.3"], ["1.0", "01.0.0", "1.0.0-rc1", "v1.0.0", "1.0.0\n"]),
        (FilePath, ["a.json", "a/b c/đ.xsd"], ["", "/a", "a/", "../a", "a/../b", "a/..", "./a", "a//b", "a\\b", "c:a"]),
        (Secret, ["secret:a", "secret:his-password_2"], ["a", "secret:", "secret:../x", "secret:A", "secret:a b"]),
        (
            Endpoint,
            ["http://a", "https://a.b:8443/c?d"],
            ["a", "http://", "http://u@a", "http://a#b", "http://a:x", "http://[", "ftp://a"],
        ),
        (Element, ["A", "{urn:a}B", "{http://a/b#}Ê"], ["", "{}A", "{a b}C", "a:b", "{a}", "{a}b c"]),
        (
            Duration,
            ["PT30S", "P7D", "P10Y", "P1Y2M3W4DT5H6M7S"],
            ["", "P", "PT", "30S", "PT0S", "P0D", "PT1.5S", "P1S", "PT30S\n"],
        ),
    ],
)
def test_texts_have_a_form(kind: type[Value], right: list[str], wrong: list[str]) -> None:
    """What is right is taken, what is nearly right is refused."""
    assert [text for text in right if not accepted(kind, text)] == []
    assert [text for text in wrong if accepted(kind, text)] == []


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT30S", 30),
        ("PT15M", 900),
        ("P1D", 86_400),
        ("P2W", 1_209_600),
        ("P1M", 2_592_000),
        ("P1Y", 31_536_000),
        ("P1DT1H", 90_000),
    ],
)
def test_lengths_of_time_are_seconds(text: str, seconds: int) -> None:
    """M is months before the T and minutes after it."""
    assert Duration(text).seconds == seconds


@given(st.text(max_size=30))
def test_no_text_of_any_form_is_a_path_out_of_the_folder(text: str) -> None:
    """What is taken as a file has no step up and no root."""
    if accepted(FilePath, text):
        assert not text.startswith("/")
        assert not {"..", ".", ""} & set(text.split("/"))


@pytest.mark.parametrize("kind", KINDS.values(), ids=str)
def test_every_field_says_what_it_is(kind: type[BaseModel]) -> None:
    """Each field of each kind, and of the parts of each, has a description that ends like a sentence."""
    definitions = kind.model_json_schema(by_alias=True)
    for part in (definitions, *definitions.get("$defs", {}).values()):
        for name, field in part["properties"].items():
            described = field if "description" in field else definitions["$defs"][field["$ref"].split("/")[-1]]
            assert described["description"], name
            assert name in {"kind", "format"} or described["description"].endswith("."), name


def test_content_leaves_defaults_out() -> None:
    """What was not written is not stored, so that a default may be mended later."""
    contract = Contract.model_validate(
        {
            "kind": "Contract",
            "name": "a",
            "version": "1.0.0",
            "title": {"vi": "A"},
            "owner": "H98",
            "exchange": "event",
            "request": {"format": "json", "schema": "a.json"},
        }
    )
    assert b"limits" not in contract.content
    assert contract.limits.time_to_live.seconds == 7 * 86_400


@pytest.mark.parametrize(
    ("attachments", "right"),
    [
        ({"mediaTypes": ["application/pdf"]}, True),
        ({"mediaTypes": ["application/pdf"], "maxBytes": 63 * 1_048_576}, True),
        ({"mediaTypes": ["application/pdf"], "maxBytes": 63 * 1_048_576 + 1}, False),
        ({"mediaTypes": ["application/pdf"], "max": 21}, False),
        ({"mediaTypes": ["image/*"]}, False),
        ({"mediaTypes": ["text/plain; charset=utf-8"]}, False),
        ({"mediaTypes": []}, False),
        ({}, False),
    ],
)
def test_attachments_are_bounded(attachments: dict[str, object], right: bool) -> None:
    """In number, in media types, and with the body in bytes: 64 MiB together."""
    contract = {
        "kind": "Contract",
        "name": "a",
        "version": "1.0.0",
        "title": {"vi": "A"},
        "owner": "H98",
        "exchange": "document",
        "request": {"format": "json", "schema": "a.json", "attachments": attachments},
    }
    try:
        Contract.model_validate(contract)
    except ValidationError:
        assert not right
    else:
        assert right


@pytest.mark.parametrize(("most", "right"), [(16 * 1_048_576 - 1, True), (16 * 1_048_576, False)])
def test_an_answer_has_its_bounds_with_its_attachments(most: int, right: bool) -> None:
    """No contract promises attachments of an answer that would be cut off."""
    contract = {
        "kind": "Contract",
        "name": "a",
        "version": "1.0.0",
        "title": {"vi": "A"},
        "owner": "H98",
        "exchange": "request",
        "request": {"format": "json", "schema": "a.json"},
        "reply": {
            "format": "json",
            "schema": "a.json",
            "attachments": {"mediaTypes": ["application/pdf"], "maxBytes": most},
        },
    }
    if right:
        Contract.model_validate(contract)
    else:
        with pytest.raises(ValidationError, match="16777216 bytes at most"):
            Contract.model_validate(contract)


def test_quota_is_what_senders_are_held_to() -> None:
    """A system's quota is read whole or in part, and a burst without a rate is a mistake."""
    system = {"kind": "System", "name": "one-stop", "agency": "H57", "adapter": "rest"}
    quoted = System.model_validate(system | {"quota": {"perSecond": 50, "burst": 100, "perDay": 200_000}})
    assert quota(quoted.quota) == Quota(50.0, 100, 200_000)
    assert quota(System.model_validate(system).quota) is None
    with pytest.raises(ValidationError, match="perSecond"):
        System.model_validate(system | {"quota": {"burst": 100}})


@pytest.mark.parametrize("field", [{"cloudEvents": "binary"}, {"sign": True}])
def test_only_rest_systems_take_events_and_signatures(field: dict[str, object]) -> None:
    """A document that asks SOAP or an inbox for what only calls over REST have is refused, not ignored."""
    system = {"kind": "System", "name": "one-stop", "agency": "H57"}
    assert System.model_validate(system | {"adapter": "rest"} | field)
    for adapter in ("soap", "inbox"):
        with pytest.raises(ValidationError, match="adapter: rest"):
            System.model_validate(system | {"adapter": adapter} | field)


SOAP = {"kind": "System", "name": "his", "agency": "H57", "adapter": "soap", "wsdl": "his.wsdl"}


def test_a_servers_manner_is_read_whole() -> None:
    """Every setting of `soap` reaches the adapter, and a system that says nothing is called as most are."""
    said = {
        "action": "bare",
        "addressing": "2004",
        "mustUnderstand": True,
        "to": "http://inside/",
        "charset": "windows-1258",
        "requestCharset": "us-ascii",
        "envelope": "soapenv",
        "prefixes": {"his": "urn:his", "": "urn:other"},
        "emptyAnswer": True,
        "mtom": True,
    }
    document = System.model_validate(SOAP | {"soap": said})
    prefixes = {"urn:his": "his", "urn:other": ""}
    assert soap_manner(document.soap) == Manner(
        Spelling.BARE,
        Edition.SUBMISSION,
        True,
        "http://inside/",
        "windows-1258",
        "us-ascii",
        "soapenv",
        prefixes,
        empty_answer=True,
        mtom=True,
    )
    assert soap_manner(System.model_validate(SOAP).soap) == Manner()


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ({"mustUnderstand": True}, "addressing"),
        ({"to": "http://inside/"}, "addressing"),
        ({"action": "odd"}, "quoted"),
        ({"charset": "punycode"}, "windows-1258"),
        ({"requestCharset": "nonsense"}, "windows-1258"),
        ({"envelope": "xmlsoap"}, "prefix"),
        ({"prefixes": {"1": "urn:a"}}, "prefix"),
        ({"prefixes": {"a": "urn:a", "b": "urn:a"}}, "one prefix"),
        ({"prefixes": {"a": "http://www.w3.org/XML/1998/namespace"}}, "namespace"),
    ],
)
def test_a_manner_that_does_nothing_is_refused(field: dict[str, object], words: str) -> None:
    """A setting without the one that it depends on is a mistake, and so is one of a system that has no WSDL."""
    with pytest.raises(ValidationError, match=words):
        System.model_validate(SOAP | {"soap": field})
    with pytest.raises(ValidationError, match="wsdl"):
        System.model_validate({**SOAP, "adapter": "rest", "wsdl": None, "soap": {"action": "bare"}})


def test_a_signature_is_declared_whole() -> None:
    """A UsernameToken beside a signature has name and password, signed answers a certificate, and REST neither."""
    signature = {"scheme": "wsse-x509", "certificate": "secret:key"}
    token = {"username": "bus", "password": "secret:password"}
    system = System.model_validate(SOAP | {"auth": {**signature, **token}})
    assert [secret.name for _, secret in system.secrets()] == ["key", "password"]
    for wrong in ({"username": "bus"}, {"password": "secret:password"}, {"digest": True}):
        with pytest.raises(ValidationError, match="belong together"):
            System.model_validate(SOAP | {"auth": {**signature, **wrong}})
    with pytest.raises(ValidationError, match="wsse-x509"):
        System.model_validate({**SOAP, "adapter": "rest", "wsdl": None, "auth": signature})
    with pytest.raises(ValidationError, match="signedBy"):
        System.model_validate(SOAP | {"soap": {"signedAnswers": True}})
