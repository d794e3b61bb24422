"""JSONata and XSLT: what they make, what is taken from them, and what they say when they fail."""

from contextlib import suppress
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.apart.jsonata_program import IMPURE, compile_jsonata
from transforms.apart.program import Failed, Program, Unusable
from transforms.apart.xslt_program import compile_xslt

LISTS = {"gender": {"male": "1", "female": "2"}, "states": {"a": "1", "b": "1"}}
HEAD = (
    '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:b="urn:lgsp:transform"'
    ' exclude-result-prefixes="b">'
)


def jsonata(text: str, data: object) -> object:
    program = Program("t", "jsonata", "t", {"t": text.encode()}, LISTS)
    return orjson.loads(compile_jsonata(program)(orjson.dumps(data)).data)


def sheet(inner: str, **others: str) -> Program:
    texts = {"main": f"{HEAD}{inner}</xsl:stylesheet>", **others}
    files = {f"xsl/{name}.xsl": text.encode() for name, text in texts.items()}
    return Program("t", "xslt", "xsl/main.xsl", files, LISTS)


def xslt(inner: str, data: str, **files: str) -> tuple[str, str]:
    made = compile_xslt(sheet(inner, **files))(data.encode())
    return made.data.decode(), made.root


# --- JSONata ---------------------------------------------------------------------------------------------------------


def test_jsonata_reshapes() -> None:
    """Grouping and aggregation, for which a mapping has no words."""
    text = "{'total': $sum(items.price), 'names': items[price > 1].name, 'gender': $code('gender', sex)}"
    data = {"sex": "male", "items": [{"name": "x", "price": 1}, {"name": "y", "price": 2}, {"name": "z", "price": 3}]}
    assert jsonata(text, data) == {"total": 6, "names": ["y", "z"], "gender": "1"}


def test_jsonata_code_lists() -> None:
    """Codes go both ways; no code becomes nothing; what is not known fails without a word of the document."""
    assert jsonata("{'a': $codeOf('gender', '2'), 'b': $code('gender', none)}", {}) == {"a": "female"}
    for text in ("$code('gender', x)", "$code('others', x)", "$codeOf('states', '1')"):
        with pytest.raises(Failed) as failed:
            jsonata(text, {"x": "secret"})
        assert "secret" not in failed.value.rule


@pytest.mark.parametrize("name", IMPURE)
def test_jsonata_is_pure(name: str) -> None:
    """Clock, chance and evaluation of texts are taken away."""
    with pytest.raises(Failed, match="non-function"):
        jsonata(f"${name}('1')", {})


@pytest.mark.parametrize(
    "text",
    ["$number(x)", "$error(x)", "x + 1", "$assert(false, x)", "$uppercase(y)", "$toMillis(x)", "$formatBase(y, 99)"],
)
def test_jsonata_quotes_nothing(text: str) -> None:
    """Whatever goes wrong, the reason has no word of the document."""
    with pytest.raises(Failed) as failed:
        jsonata(text, {"x": "secret-word", "y": 77777})
    assert "secret-word" not in failed.value.rule
    assert "77777" not in failed.value.rule


@pytest.mark.parametrize(("text", "place"), [("a.", "line 1"), ("{\n 'a': ]}", "line 2"), ('"a', "line 1")])
def test_jsonata_that_is_wrong(text: str, place: str) -> None:
    """A mistake is told with its line."""
    with pytest.raises(Unusable) as unusable:
        jsonata(text, {})
    assert unusable.value.flaws[0][0] == place


PLAIN = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text()
JSON = st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


@settings(max_examples=50)
@given(JSON)
def test_jsonata_carries_any_value(value: object) -> None:
    """A value that is only carried arrives as it was."""
    assert jsonata("{'v': v}", {"v": value}) == {"v": value}


# --- XSLT ------------------------------------------------------------------------------------------------------------

COPY = '<xsl:template match="/"><o><xsl:value-of select="{}"/></o></xsl:template>'


def test_stylesheet_makes_a_document() -> None:
    """UTF-8 without a declaration, whatever the stylesheet asks for, so that it can stand in an envelope."""
    output = '<xsl:output method="xml" encoding="UTF-16" doctype-system="x.dtd" omit-xml-declaration="no"/>'
    assert xslt(output + COPY.format("/a"), "<a>Đà Nẵng</a>") == ("<o>Đà Nẵng</o>", "o")


def test_stylesheet_code_lists() -> None:
    """Codes of the province's lists, by a function for either way."""
    assert xslt(COPY.format("b:code('gender', /a/@s)"), '<a s="female"/>')[0] == "<o>2</o>"
    assert xslt(COPY.format("b:code-of('gender', /a)"), "<a>1</a>")[0] == "<o>male</o>"
    for call in ("b:code('gender', /a)", "b:code('others', /a)", "b:code(/a)", "b:code-of('states', '1')"):
        with pytest.raises(Failed) as failed:
            xslt(COPY.format(call), "<a>secret</a>")
        assert "secret" not in failed.value.rule


def test_stylesheets_include_files_of_the_province() -> None:
    """What is included lies beside the stylesheet, and only what the province has is there."""
    names = f'{HEAD}<xsl:template name="n">Tên</xsl:template></xsl:stylesheet>'
    called = '<xsl:template match="/"><o><xsl:call-template name="n"/></o></xsl:template>'
    include = f'<xsl:include href="names.xsl"/>{called}'
    assert xslt(include, "<a/>", names=names)[0] == "<o>Tên</o>"
    for href in ("none.xsl", "file:///etc/passwd", "http://127.0.0.1:9/x.xsl", "../../etc/passwd"):
        with pytest.raises(Unusable, match="there is no file"):
            xslt(f'<xsl:include href="{href}"/>', "<a/>")


@pytest.mark.parametrize(
    "inner",
    [
        "<xsl:template match='/'><o><xsl:copy-of select=\"document('/etc/hostname')\"/></o></xsl:template>",
        "<xsl:template match='/'><o><xsl:copy-of select=\"document('http://127.0.0.1:9/')\"/></o></xsl:template>",
        "<xsl:template match='/'><o><xsl:copy-of select=\"document('main.xsl')\"/></o></xsl:template>",
    ],
)
def test_stylesheet_reaches_nothing(inner: str) -> None:
    """No file and no address is read or written."""
    with pytest.raises(Failed):
        xslt(inner, "<a/>")


def test_stylesheet_writes_nothing(tmp_path: Path) -> None:
    """An extension that writes files writes none."""
    target = tmp_path / "written.xml"
    write = f"<e:document xmlns:e='http://exslt.org/common' href='{target}'><o/></e:document>"
    with suppress(Failed):
        declared = HEAD.replace("exclude-", "xmlns:e='http://exslt.org/common' extension-element-prefixes='e' exclude-")
        text = f"{declared}<xsl:template match='/'><o>{write}</o></xsl:template></xsl:stylesheet>"
        compile_xslt(Program("t", "xslt", "x.xsl", {"x.xsl": text.encode()}))(b"<a/>")
    assert not target.exists()


@pytest.mark.parametrize(
    ("inner", "rule"),
    [
        ('<xsl:template match="/"><xsl:message terminate="yes">secret</xsl:message></xsl:template>', "xsl:message"),
        ('<xsl:template match="/"><xsl:call-template name="none"/></xsl:template>', "template 'none' was not found"),
        (COPY.format("$x"), "Variable 'x' has not been declared"),
        ('<xsl:template match="/">secret</xsl:template>', "makes no element"),
        ('<xsl:template match="/"><xsl:apply-templates select="/"/></xsl:template>', "infinite template recursion"),
    ],
)
def test_stylesheet_that_fails(inner: str, rule: str) -> None:
    """The reason is in words of the stylesheet, never of the document."""
    with pytest.raises(Failed) as failed:
        xslt(inner, "<a>secret</a>")
    assert rule in failed.value.rule
    assert "secret" not in failed.value.rule


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        (f"{HEAD}<xsl:template match='a['/></xsl:stylesheet>", "expected"),
        (HEAD.replace("1.0", "2.0") + "</xsl:stylesheet>", "XSLT 2.0 is not XSLT 1.0"),
        ("<a/>", "stylesheet"),
        ("<a", "XML"),
        (f"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>{HEAD}&x;</xsl:stylesheet>", "DTD"),
    ],
)
def test_stylesheet_that_is_wrong(text: str, flaw: str) -> None:
    """What is no stylesheet of XSLT 1.0, or asks for entities, is refused before it runs."""
    with pytest.raises(Unusable) as unusable:
        compile_xslt(Program("t", "xslt", "x.xsl", {"x.xsl": text.encode()}))
    assert flaw in unusable.value.flaws[0][1]


@pytest.mark.parametrize("data", ["<a", "<!DOCTYPE a><a/>", "\ufeff<?xml version='1.0' encoding='UTF-16'?><a/>"])
def test_stylesheet_reads_only_what_the_bus_accepts(data: str) -> None:
    """What a receiver answers is held to the same rules as what is sent."""
    with pytest.raises(Failed, match="refused"):
        xslt(COPY.format("/a"), data)
