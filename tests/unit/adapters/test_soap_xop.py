"""XOP: bytes beside an envelope are the base64 in it."""

import base64
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from adapters.parts import PartsInvalid, media_type, read_parts
from adapters.soap.envelope import SoapVersion, enclose
from adapters.soap.multipart import envelope_of, optimized, packaged, related
from adapters.soap.xop import LEAST, LONGEST, NAMESPACE, TooLarge, put_back, take_out

LIMIT = 10_000_000


def include(href: str = "cid:a", inside: str = "", more: str = "") -> bytes:
    return f'<x:Include xmlns:x="{NAMESPACE}" href="{href}"{more}>{inside}</x:Include>'.encode()


def around(inside: bytes) -> bytes:
    return enclose(SoapVersion.V11, b"<a>" + inside + b"</a>")


TEXTS = st.one_of(
    st.binary(max_size=3 * LEAST).map(lambda data: base64.b64encode(data).decode()),
    st.binary(min_size=LEAST, max_size=2 * LEAST).map(lambda data: base64.b64encode(data).decode()[:-1]),
    st.text("AQgw=", max_size=3_000),
    st.text("ab \n=ổ", max_size=20),
    st.binary(min_size=LEAST, max_size=LEAST).map(lambda data: base64.encodebytes(data).decode()),
)


@given(st.lists(TEXTS, max_size=4), st.sampled_from(SoapVersion))
def test_what_is_taken_out_is_put_back(texts: list[str], version: SoapVersion) -> None:
    """Whatever texts a Body has, after MTOM and back it has the same characters: by whatever name it is read."""
    root = etree.Element("{urn:a}a", nsmap={"a": "urn:a"})
    for text in texts:
        etree.SubElement(root, "b").text = text
    envelope = enclose(version, etree.tostring(root))
    kind, data = optimized("text/xml; charset=utf-8", envelope)
    assert kind.startswith("multipart/related") == any(map(is_worth_it, texts))
    _, whole, _ = envelope_of(kind, data, LIMIT)
    written = [etree.tostring(etree.fromstring(each), method="c14n") for each in (whole, envelope)]
    assert written[0] == written[1]


def is_worth_it(text: str) -> bool:
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        return False
    return len(data) >= LEAST and base64.b64encode(data).decode() == text


def test_headers_and_foreign_includes_stay() -> None:
    """A certificate in the header stays where every reader looks for it; an envelope with an Include of its own is no
    XOP, and stays as it is."""
    long = base64.b64encode(b"a" * LEAST)
    header = enclose(SoapVersion.V11, b"<a/>", b"<t>" + long + b"</t>")
    assert take_out(header) == (header, ())
    other = around(b"<b>" + long + b"</b>" + include())
    assert take_out(other) == (other, ())


@pytest.mark.parametrize(
    "inside",
    [
        include("cid:b"),
        include("http://a"),
        include(""),
        include(more=' other="1"'),
        include(inside="<y/>"),
        include(inside="text"),
        b"text" + include(),
        include() + b"text",
        include() + b"<y/>",
        include() + include(),
        include(inside=include().decode()),
    ],
)
def test_an_include_is_as_the_standard_has_it(inside: bytes) -> None:
    """It stands alone, is empty, and refers to a part that is there: else another reader sees something else."""
    with pytest.raises(PartsInvalid):
        put_back(around(inside), {"a": b"1"}, LIMIT)


def test_a_part_referred_to_ten_thousand_times_is_refused_before_it_is_put_back() -> None:
    """What the envelope would become is counted first; 7 MB in 10,000 places would be a hundred gigabytes."""
    envelope = around(b"".join(b"<b>" + include() + b"</b>" for _ in range(10_000)))
    part = bytes(7_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            put_back(envelope, {"a": part}, 64 * 1024 * 1024)
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()


def test_a_part_that_no_xml_may_hold_is_refused() -> None:
    """A text has at most ten million characters."""
    with pytest.raises(PartsInvalid, match=str(LONGEST)):
        put_back(around(include()), {"a": bytes(LONGEST + 1)}, 10**9)
    assert len(put_back(around(include()), {"a": bytes(LONGEST)}, 10**9)[0]) > LONGEST


def test_nobody_knows_the_name_of_the_envelope_before() -> None:
    """An attachment cannot be named so that a receiver takes it for the envelope, or for what that includes."""
    written = [
        packaged("text/xml; charset=utf-8", *take_out(around(base64.b64encode(bytes(2 * LEAST))))) for _ in range(2)
    ]
    names = [{each.name for each in read_parts(media_type(kind)[1]["boundary"], data)} for kind, data in written]
    assert [len(each) for each in names] == [2, 2]
    assert not names[0] & names[1]


def test_mtom_says_what_it_is() -> None:
    """Type, start, start-info and the action (MTOM §3.2, RFC 2387), and of the root which envelope it is."""
    kind, data = packaged('application/soap+xml; charset=utf-8; action="urn:a:b\\"c"', around(b"1"), ())
    name, given = media_type(kind)
    boundary = given["boundary"]
    start = given["start"].strip("<>")
    assert (name, {**given, "boundary": "b"}) == (
        "multipart/related",
        {
            "boundary": "b",
            "type": "application/xop+xml",
            "start": f"<{start}>",
            "start-info": "application/soap+xml",
            "action": 'urn:a:b"c',
        },
    )
    (root,) = read_parts(boundary, data)
    assert media_type(root.content_type) == (
        "application/xop+xml",
        {"charset": "utf-8", "type": "application/soap+xml"},
    )
    said = related(kind)
    assert said is not None
    assert (said.kind, said.is_xop, said.start) == ("application/soap+xml", True, start)
