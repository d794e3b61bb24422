"""Bodies in several parts: the same parts however they come, and nothing that two readers could take for different."""

import tracemalloc
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.parts import LONGEST_HEAD, MOST_PARTS, Part, PartReader, PartsInvalid, media_type, read_parts, write_parts

CONTENTS = st.lists(
    st.binary(max_size=80) | st.sampled_from([b"\r\n", b"\r\n--", b"--b", b"\r\n\r\n", b"\r", b"-", b"\r\n--b"[:-1]]),
    min_size=1,
    max_size=6,
)


def body(*parts: tuple[str, bytes], boundary: str = "b", preamble: bytes = b"", epilogue: bytes = b"\r\n") -> bytes:
    """Each with its header lines."""
    written = [f"--{boundary}\r\n{head}\r\n".encode("latin-1") + content + b"\r\n" for head, content in parts]
    return preamble + b"".join(written) + f"--{boundary}--".encode() + epilogue


@given(CONTENTS)
def test_what_is_written_is_read_again(contents: list[bytes]) -> None:
    """Whatever bytes a part holds, they come back, with its name and type."""
    headers = [{"Content-Type": "a/b", "Content-ID": f"<{number}@x>"} for number in range(len(contents))]
    boundary, data = write_parts(list(zip(headers, contents, strict=True)))
    assert read_parts(boundary, data) == tuple(Part(f"{at}@x", "a/b", each) for at, each in enumerate(contents))


@given(
    st.data(),
    st.lists(
        st.sampled_from(
            [b"--b", b"--b--", b"--b \t", b"--bb", b"\r\n", b"\r", b"\n", b"a: b", b"a", b" c", b":", b"-", b"\r\n\r\n"]
        ),
        max_size=25,
    ),
)
def test_the_parts_do_not_depend_on_how_they_come(given_data: Any, tokens: list[bytes]) -> None:
    """Cut anywhere, a body has the same parts, or is refused for the same reason."""
    data = b"".join(tokens)
    cuts = sorted(given_data.draw(st.sets(st.integers(0, len(data)), max_size=12)))

    def outcome(pieces: list[bytes]) -> object:
        try:
            reader = PartReader("b")
            for piece in pieces:
                reader.feed(piece)
            return reader.parts()
        except PartsInvalid as error:
            return error.hint

    pieces = [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    assert outcome(pieces) == outcome([data]) == outcome([bytes([each]) for each in data])


def test_what_old_writers_write_is_read() -> None:
    """A preamble and an epilogue, folded headers, spaces after a boundary, parts without headers or content, and the
    transfer encodings of mail."""
    head = 'Content-Type: text/plain;\r\n\tname="a.txt"\r\nContent-ID: <a@x>\r\n'
    data = body(
        (head, b"1"),
        ("", b"2"),
        (
            "Content-Transfer-Encoding: BASE64\r\n",
            b64encode(b"\x00\xff" * 60)[:76] + b"\r\n" + b64encode(b"\x00\xff" * 60)[76:],
        ),
        ("content-transfer-encoding: quoted-printable\r\n", b"S=E1=BB=95 =\r\nx"),
        ("a: b\r\n", b""),
        preamble=b"This is a multi-part message in MIME format.\r\n\r\n",
        epilogue=b"  \r\nand so on --b",
    )
    parts = read_parts("b", data.replace(b"--b\r\n", b"--b \t\r\n", 1))
    assert parts[0] == Part("a@x", 'text/plain; name="a.txt"', b"1")
    assert [each.data for each in parts[1:]] == [b"2", b"\x00\xff" * 60, "Sổ x".encode(), b""]
    assert read_parts("b", b"--b\r\na: b\r\n\r\n--b--")[0].data == b""


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"--b--",
        b"--b\r\n\r\n1",
        b"--b\r\n\r\n1\r\n--b",
        b"--b\n\n1\n--b--",
        b"x" * 5_000 + body(("", b"1")),
        body(("", b"1\r\n--bb\r\n\r\n2")),
        body(("", b"1\r\n--b x\r\n\r\n2")),
        body(("no header\r\n", b"1")),
        body(("a : b\r\n", b"1")),
        body(("a: \x00\r\n", b"1")),
        body(("a: b\rc: d\r\n", b"1")),
        body(("Content-ID: <a>\r\nContent-Id: <b>\r\n", b"1")),
        body(("Content-ID: <a>\r\n", b"1"), ("Content-ID: <a>\r\n", b"2")),
        body(("Content-ID: <\xe9>\r\n", b"1")),
        body((f"Content-ID: <{'a' * 300}>\r\n", b"1")),
        body(("Content-Type: Multipart/mixed; boundary=c\r\n", b"--c\r\n\r\n1\r\n--c--")),
        body(("Content-Transfer-Encoding: base64\r\n", b"####")),
        body(("Content-Transfer-Encoding: base64\r\n", b"QQ==QQ==")),
        body(("Content-Transfer-Encoding: x-gzip\r\n", b"1")),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(data: bytes) -> None:
    """Each is one that some reader takes for other parts than another does, or for parts that are not all there."""
    with pytest.raises(PartsInvalid):
        read_parts("b", data)


@pytest.mark.parametrize("boundary", ["", "b ", "b\r\n", "b" * 300, "\xe9"])
def test_a_boundary_is_what_the_standard_allows(boundary: str) -> None:
    """RFC 2046 §5.1.1, somewhat longer ones taken too."""
    with pytest.raises(PartsInvalid):
        PartReader(boundary)


def fed(reader: PartReader, piece: bytes) -> None:
    for _ in range(1_000):
        reader.feed(piece)


@pytest.mark.parametrize("piece", [b"x" * 65_536, b"--b\r\n" + b"a" * 65_531, b"--b\r\n\r\n\r\n" * 6_000])
def test_endless_ones_are_refused_before_they_are_kept(piece: bytes) -> None:
    """A preamble, headers or parts without an end cost no more than one piece of them."""
    reader = PartReader("b")
    tracemalloc.start()
    try:
        with pytest.raises(PartsInvalid):
            fed(reader, piece)
        assert tracemalloc.get_traced_memory()[1] < 4 * len(piece) + MOST_PARTS * 1_000 + LONGEST_HEAD
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("text", "kind", "given"),
    [
        ("text/XML", "text/xml", {}),
        ('Multipart/Related;Boundary="a;b";start=<x>; ; type="a/b; c=\\"d\\""', "multipart/related",
         {"boundary": "a;b", "start": "<x>", "type": 'a/b; c="d"'}),
        ("a/b; c=1; C=2", "", {}),
        ("a/b; c", "", {}),
        ('a/b; c="', "", {}),
        ("a", "", {}),
        ("a/b;" * 1_000, "", {}),
    ],
)  # fmt: skip
def test_a_media_type_has_parameters(text: str, kind: str, given: dict[str, str]) -> None:
    """Quoted or not; nothing is read of one that is malformed or says one thing twice."""
    assert media_type(text) == (kind, given)


@given(st.text(max_size=100))
def test_reading_a_media_type_is_total(text: str) -> None:
    """Whatever somebody writes there."""
    assert isinstance(media_type(f"multipart/related{text}")[0], str)
