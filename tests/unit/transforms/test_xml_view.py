from collections.abc import Callable
from decimal import Decimal
from typing import Any
from xml.etree.ElementTree import canonicalize
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.envelope import Body, Format
from bus.errors import SchemaInvalid, TransformFailed
from contracts.xml_body import parse_xml
from contracts.xsd import XsdDocuments, XsdValidator
from transforms.xml_view import XmlView

XS = 'xmlns:xs="http://www.w3.org/2001/XMLSchema"'
XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


def documents(content: str, attributes: str = 'elementFormDefault="qualified"') -> XsdDocuments:
    """A schema of the namespace urn:t that holds `content`."""
    schema = f'<xs:schema {XS} targetNamespace="urn:t" xmlns:t="urn:t" {attributes}>{content}</xs:schema>'
    return XsdDocuments({"t.xsd": schema.encode()}, ["t.xsd"])


def of_type(definition: str) -> XmlView:
    """The view of an element t:r whose type is written out."""
    return XmlView(documents(f'<xs:element name="r">{definition}</xs:element>'), "{urn:t}r")


def of_content(particles: str) -> XmlView:
    return of_type(f"<xs:complexType>{particles}</xs:complexType>")


def element(name: str, content: object = "", attributes: str = "") -> str:
    """An element of urn:t as it is written."""
    return f"<t:{name}{attributes}>{content}</t:{name}>"


def root(content: str, attributes: str = "") -> bytes:
    return element("r", content, f' xmlns:t="urn:t" {XSI}{attributes}').encode()


def failure(view: XmlView, value: object) -> tuple[str, str]:
    """Rule and place of what keeps `value` from being written."""
    with pytest.raises(TransformFailed) as caught:
        view.encode(value)
    return caught.value.facts["rule"], caught.value.facts["place"]


def unreadable(view: XmlView, document: bytes) -> tuple[str, str]:
    """Rule and place of what keeps `document` from being read."""
    with pytest.raises(TransformFailed) as caught:
        view.decode(document)
    return caught.value.facts["rule"], caught.value.facts["place"]


# --- there and back ------------------------------------------------------------------------------------------------

PEOPLE = documents("""
  <xs:import namespace="http://www.w3.org/XML/1998/namespace"/>
  <xs:complexType name="Base"><xs:sequence><xs:element name="id" type="xs:long"/></xs:sequence>
    <xs:attribute name="kind" type="xs:token" use="required"/></xs:complexType>
  <xs:complexType name="Person"><xs:complexContent><xs:extension base="t:Base"><xs:sequence>
    <xs:element name="name" type="xs:string"/><xs:element name="adult" type="xs:boolean" minOccurs="0"/>
    <xs:choice><xs:element name="born" type="xs:date"/><xs:sequence><xs:element name="year" type="xs:int"/>
      <xs:element name="month" type="xs:int" minOccurs="0"/></xs:sequence></xs:choice>
    <xs:element name="weight" nillable="true"><xs:complexType><xs:simpleContent><xs:extension base="xs:decimal">
      <xs:attribute name="unit" type="xs:string"/></xs:extension></xs:simpleContent></xs:complexType></xs:element>
    <xs:element name="codes" minOccurs="0"><xs:simpleType><xs:list itemType="xs:int"/></xs:simpleType></xs:element>
    <xs:element name="phone" type="xs:string" minOccurs="0" maxOccurs="3"/>
    <xs:element name="child" type="t:Person" minOccurs="0" maxOccurs="unbounded"/>
  </xs:sequence><xs:attribute ref="xml:lang"/></xs:extension></xs:complexContent></xs:complexType>
  <xs:element name="r" type="t:Person"/>""")
PEOPLE_VIEW = XmlView(PEOPLE, "{urn:t}r")
PEOPLE_VALIDATOR = XsdValidator(PEOPLE, "{urn:t}r")

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=12).map(
    escape
)
INT = st.integers(-(2**31), 2**31 - 1)
DECIMAL = st.decimals(-1000, 1000, places=2).map(lambda value: format(value.normalize(), "f").replace("-0", "0"))
OPTIONAL = st.sampled_from([0, 1])


@st.composite
def person(draw: st.DrawFn, depth: int = 2) -> str:
    """What stands between and in the tags of a person: attributes and content, by a bar."""

    def several(name: str, contents: st.SearchStrategy[Any], most: int = 1, least: int = 0) -> str:
        return "".join(element(name, each) for each in draw(st.lists(contents, min_size=least, max_size=most)))

    lang = draw(st.sampled_from(["", ' xml:lang="vi"']))
    unit = draw(st.sampled_from(["", ' unit="kg"', ' unit="&lt;&#10;"']))
    born = draw(
        st.dates().map(lambda date: element("born", date.isoformat()))
        | st.tuples(INT, st.just("") | INT.map(lambda month: element("month", month))).map(
            lambda both: element("year", both[0]) + both[1]
        )
    )
    weight = draw(DECIMAL.map(lambda text: element("weight", text, unit)) | st.just('<t:weight xsi:nil="true"/>'))
    content = (
        element("id", draw(INT))
        + several("name", TEXT, least=1)
        + several("adult", st.sampled_from(["true", "false"]))
        + born
        + weight
        + several("codes", st.lists(INT.map(str), max_size=3).map(" ".join))
        + several("phone", TEXT, most=3)
    )
    if depth:
        for attributes, inner in draw(st.lists(person(depth - 1).map(lambda text: text.split("|", 1)), max_size=2)):
            content += element("child", inner, attributes)
    return f" kind={quoteattr(draw(st.sampled_from(['a', 'a b'])))}{lang}|{content}"


@given(person())
def test_a_document_comes_back_the_same(text: str) -> None:
    """XML to JSON to XML is valid by the schema and canonically equal (C14N 2.0)."""
    attributes, content = text.split("|", 1)
    document = root(content, attributes)
    assert PEOPLE_VALIDATOR.check(Body(Format.XML, document))[1] == []
    written = PEOPLE_VIEW.encode(PEOPLE_VIEW.decode(document))
    assert PEOPLE_VALIDATOR.check(Body(Format.XML, written))[1] == []
    assert canonicalize(written.decode(), rewrite_prefixes=True) == canonicalize(
        document.decode(), rewrite_prefixes=True
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "name", "@kind", "born", "weight", "$", "@unit", "child", "MARK"]), inner
        )
    ),
    max_leaves=12,
)


def told(act: Callable[[], object]) -> str:
    """All that a failing transform says."""
    try:
        act()
    except TransformFailed as failed:
        return f"{failed} {failed.findings}"
    return ""


@given(JSON)
def test_writing_is_total_and_quotes_nothing(value: object) -> None:
    """Whatever it is given, it writes a document that it reads again, or fails naming only what the schema names."""
    said = told(lambda: PEOPLE_VIEW.encode(value))
    assert "MARK" not in said
    assert said or isinstance(PEOPLE_VIEW.decode(PEOPLE_VIEW.encode(value)), dict)


TAGS = st.sampled_from(["id", "name", "born", "weight", "child", "MARK"])
TREES = st.recursive(
    st.sampled_from(["", "MARK", "1"]),
    lambda inner: st.builds(
        lambda tag, attribute, children: element(tag, "".join(children), f' {attribute}="MARK"'),
        TAGS,
        st.sampled_from(["kind", "MARK", "xsi:type"]),
        st.lists(inner, max_size=3),
    ),
    max_leaves=8,
)


@given(TREES)
def test_reading_is_total_and_quotes_nothing(content: str) -> None:
    """Whatever document it is given, it reads or fails as a transform fails, naming nothing but the schema's names."""
    assert "MARK" not in told(lambda: PEOPLE_VIEW.decode(root(content)))


# --- structure -----------------------------------------------------------------------------------------------------


def test_an_element_that_may_repeat_is_always_an_array() -> None:
    """None, one or many: the view of a repeatable element is an array."""
    view = of_content('<xs:sequence><xs:element name="a" type="xs:int" minOccurs="0" maxOccurs="2"/></xs:sequence>')
    assert view.decode(root("")) == {"a": []}
    assert view.decode(root("<t:a>1</t:a>")) == {"a": [1]}
    assert view.decode(root("<t:a>1</t:a><t:a>2</t:a>")) == {"a": [1, 2]}
    assert failure(view, {"a": 1}) == ("array", "/r/a")
    assert failure(view, {"a": [1, 2, 3]}) == ("content", "/r/a")
    assert failure(view, {"a": [1, "x"]}) == ("type", "/r/a/1")


def test_groups_repeat_as_a_whole() -> None:
    """A repeated sequence takes one of each at a time; a group that is referred to counts like one written out."""
    view = XmlView(
        documents("""<xs:group name="g"><xs:sequence><xs:element name="k" type="xs:string"/>
          <xs:element name="v" type="xs:int"/></xs:sequence></xs:group>
          <xs:element name="r"><xs:complexType><xs:group ref="t:g" maxOccurs="unbounded"/></xs:complexType>
          </xs:element>"""),
        "{urn:t}r",
    )
    document = root("<t:k>a</t:k><t:v>1</t:v><t:k>b</t:k><t:v>2</t:v>")
    assert view.problems == ()
    assert view.decode(document) == {"k": ["a", "b"], "v": [1, 2]}
    assert parse_xml(view.encode(view.decode(document)))[2].text == "b"
    assert failure(view, {"k": ["a", "b"], "v": [1]}) == ("required", "/r/v")


def test_a_choice_takes_the_branch_that_fits() -> None:
    """Of branches that begin alike, the one that holds what is given; never two at once."""
    view = of_content("""<xs:choice>
      <xs:sequence><xs:element name="a" type="xs:int"/><xs:element name="b" type="xs:int"/></xs:sequence>
      <xs:element name="c" type="xs:int"/></xs:choice>""")
    assert b"<t:a>1</t:a><t:b>2</t:b>" in view.encode({"b": 2, "a": 1})
    assert b"<t:c>3</t:c>" in view.encode({"c": 3})
    assert failure(view, {}) == ("choice", "/r")
    assert failure(view, {"a": 1}) == ("required", "/r/b")
    assert failure(view, {"a": 1, "b": 2, "c": 3}) == ("content", "/r/c")


def test_a_repeated_choice_loses_its_order_and_says_so() -> None:
    """Elements that may come in any order come in the schema's, and the problems tell."""
    view = of_content("""<xs:choice maxOccurs="unbounded"><xs:element name="a" type="xs:int"/>
      <xs:element name="b" type="xs:int"/></xs:choice>""")
    assert view.problems == ("/r: repeated elements of several names are put in the order of the schema",)
    assert b"<t:a>1</t:a><t:a>3</t:a><t:b>2</t:b>" in view.encode(
        view.decode(root("<t:a>1</t:a><t:b>2</t:b><t:a>3</t:a>"))
    )


def test_members_of_all_may_come_in_any_order() -> None:
    """xs:all is read in any order and written in the schema's."""
    view = of_content('<xs:all><xs:element name="a" type="xs:int"/><xs:element name="b" type="xs:int"/></xs:all>')
    assert b"<t:a>1</t:a><t:b>2</t:b>" in view.encode(view.decode(root("<t:b>2</t:b><t:a>1</t:a>")))


def test_a_type_may_contain_itself() -> None:
    """Recursive types are compiled once and go as deep as the document."""
    view = of_content('<xs:sequence><xs:element ref="t:r" minOccurs="0"/></xs:sequence>')
    document = b'<t:r xmlns:t="urn:t">' + b"<t:r>" * 98 + b"<t:r/>" + b"</t:r>" * 98 + b"</t:r>"
    assert canonicalize(view.encode(view.decode(document)).decode()) == canonicalize(document.decode())


def test_substitutes_stand_for_their_head() -> None:
    """A member of a substitution group has its own key; an abstract head has none."""
    view = XmlView(
        documents("""<xs:element name="head" type="xs:string" abstract="true"/>
          <xs:element name="one" type="xs:string" substitutionGroup="t:head"/>
          <xs:element name="two" type="xs:string" substitutionGroup="t:head"/>
          <xs:element name="r"><xs:complexType><xs:sequence><xs:element ref="t:head"/></xs:sequence></xs:complexType>
          </xs:element>"""),
        "{urn:t}r",
    )
    assert view.decode(view.encode({"two": "x"})) == {"two": "x"}
    assert failure(view, {"head": "x"}) == ("unknown-key", "/r")


def test_siblings_of_one_name_get_the_prefixes_of_the_schema() -> None:
    """Two elements or attributes that differ in their namespace alone are told apart by prefix."""
    files = {
        "t.xsd": f"""<xs:schema {XS} targetNamespace="urn:t" xmlns:o="urn:o" elementFormDefault="qualified">
          <xs:import namespace="urn:o"/><xs:element name="r"><xs:complexType><xs:sequence>
          <xs:element name="a" type="xs:int" form="unqualified"/><xs:element ref="o:a"/><xs:element ref="o:b"/>
          </xs:sequence><xs:attribute name="x" type="xs:int"/><xs:attribute ref="o:x"/></xs:complexType></xs:element>
          </xs:schema>""",
        "o.xsd": f"""<xs:schema {XS} targetNamespace="urn:o"><xs:element name="a" type="xs:int"/>
          <xs:element name="b" type="xs:int"/><xs:attribute name="x" type="xs:int"/></xs:schema>""",
    }
    view = XmlView(XsdDocuments({name: text.encode() for name, text in files.items()}, ["t.xsd"]), "{urn:t}r")
    given = {"@x": 1, "@o:x": 2, "a": 3, "o:a": 4, "b": 5}
    assert view.decode(view.encode(given)) == given


def test_a_schema_without_a_namespace_is_written_without_one() -> None:
    """No prefix is invented where there is no namespace."""
    schema = f'<xs:schema {XS}><xs:element name="r" type="xs:int"/></xs:schema>'
    assert XmlView(XsdDocuments({"t.xsd": schema.encode()}, ["t.xsd"]), "r").encode(5) == b"<r>5</r>"


def test_nil_is_null_and_null_without_nil_is_absent() -> None:
    """Null writes xsi:nil where the schema allows it, else nothing; attributes of a nil element stay."""
    view = of_content("""<xs:sequence><xs:element name="n" nillable="true"><xs:complexType><xs:sequence>
      <xs:element name="o" type="xs:int" minOccurs="0"/></xs:sequence><xs:attribute name="why" type="xs:string"/>
      </xs:complexType></xs:element><xs:element name="p" type="xs:int" minOccurs="0"/></xs:sequence>""")
    assert view.decode(root('<t:n xsi:nil="true"/>')) == {"n": None}
    assert view.decode(root('<t:n xsi:nil="1" why="x"/>')) == {"n": {"@why": "x", "$": None}}
    assert b'<t:n xsi:nil="true"/></t:r>' in view.encode({"n": None, "p": None})
    assert b'<t:n xsi:nil="true" why="x"/>' in view.encode({"n": {"$": None, "@why": "x"}})
    assert failure(view, {"n": {"$": None, "o": 1}}) == ("nil", "/r/n")


def test_attributes_and_text_stand_side_by_side() -> None:
    """An element whose type has attributes is an object with ``$``, whether or not it bears one."""
    view = of_content("""<xs:simpleContent><xs:extension base="xs:decimal">
      <xs:attribute name="unit" type="xs:string" use="required"/></xs:extension></xs:simpleContent>""")
    assert view.decode(root("1.50", ' unit="kg"')) == {"@unit": "kg", "$": 1.5}
    assert failure(view, {"$": 1}) == ("required", "/r/@unit")
    assert failure(view, {"@unit": "kg"}) == ("required", "/r/$")
    assert failure(view, {"@unit": [], "$": 1}) == ("type", "/r/@unit")
    assert failure(view, 1) == ("type", "/r")


def test_defaults_fill_empty_elements() -> None:
    """An empty element has the value that its declaration gives, which is how every validating reader sees it."""
    view = of_content('<xs:sequence><xs:element name="a" type="xs:int" default="7"/></xs:sequence>')
    assert view.decode(root("<t:a/>")) == {"a": 7}


def test_unknown_names_are_refused_and_not_quoted() -> None:
    """What the schema does not name is an error in both directions, told by what may stand there instead."""
    view = of_content("""<xs:sequence><xs:element name="a" type="xs:int" minOccurs="0"/></xs:sequence>
      <xs:attribute name="x"/>""")
    with pytest.raises(TransformFailed) as caught:
        view.encode({"foreign": 1})
    assert [(each.place, each.rule, each.limit) for each in caught.value.findings] == [("/r", "unknown-key", "@x | a")]
    assert unreadable(view, root("<t:foreign/>")) == ("unknown-element", "/r")
    assert unreadable(view, root("<foreign/>")) == ("unknown-element", "/r")
    assert unreadable(view, root("", ' foreign="1"')) == ("unknown-attribute", "/r")
    assert unreadable(view, root("text")) == ("text", "/r")
    assert unreadable(view, root("<t:a>1</t:a><t:a>1</t:a>")) == ("maxOccurs", "/r/a")
    assert unreadable(view, b"<other/>") == ("root", "/r")
    assert unreadable(view, b"<other>") == ("xml-malformed", "line 1")


@pytest.mark.parametrize(
    ("content", "problem", "document"),
    [
        ("<xs:sequence><xs:any/></xs:sequence>", "elements that the schema does not name are refused", "<t:x/>"),
        (
            '<xs:complexContent mixed="true"><xs:extension base="t:M"/></xs:complexContent>',
            "text between its elements is refused",
            "text<t:m>1</t:m>",
        ),
        ("<xs:anyAttribute/>", "attributes that the schema does not name are refused", None),
        (
            '<xs:sequence><xs:element name="x"/></xs:sequence>',
            "any content is allowed, of which the view takes text only",
            "<t:x><t:y/></t:x>",
        ),
        (
            '<xs:sequence><xs:element name="x" type="xs:QName"/></xs:sequence>',
            "a qualified name is taken as text: its prefix keeps no meaning",
            None,
        ),
        (
            '<xs:sequence><xs:element name="x" type="t:A"/></xs:sequence>',
            "its type is abstract, and the view does not take xsi:type",
            '<t:x xsi:type="t:B"/>',
        ),
        (
            """<xs:sequence><xs:element name="x" type="xs:int"/><xs:element name="y" type="xs:int"/>
            <xs:element name="x" type="xs:int"/></xs:sequence>""",
            "it stands in several places, which are filled from the first on",
            None,
        ),
    ],
)
def test_what_a_view_cannot_express_is_said_and_refused(content: str, problem: str, document: str | None) -> None:
    """Each such place is named when the view is compiled, and what stands there is refused, never dropped."""
    schema = documents(f"""<xs:complexType name="A" abstract="true"/><xs:complexType name="B"><xs:complexContent>
      <xs:extension base="t:A"/></xs:complexContent></xs:complexType>
      <xs:complexType name="M" mixed="true"><xs:sequence><xs:element name="m" type="xs:int"/></xs:sequence>
      </xs:complexType><xs:element name="r"><xs:complexType>{content}</xs:complexType></xs:element>""")
    view = XmlView(schema, "{urn:t}r")
    assert [each.partition(": ")[2] for each in view.problems] == [problem]
    if document is not None:
        unreadable(view, root(document))


def test_an_element_that_is_not_declared_has_no_view() -> None:
    """A view of an element that the schema does not declare is refused when it is compiled."""
    with pytest.raises(SchemaInvalid):
        XmlView(PEOPLE, "{urn:t}none")


# --- values --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("boolean", " 1 ", True),
        ("boolean", "false", False),
        ("int", "+007", 7),
        ("unsignedLong", "18446744073709551615", 2**64 - 1),
        ("integer", "18446744073709551616", "18446744073709551616"),
        ("integer", "-" + "9" * 5_000, "-" + "9" * 5_000),
        ("decimal", "1.10", 1.1),
        ("decimal", "5", 5),
        ("decimal", "0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"),
        ("decimal", "123456789012345678901234567890", "123456789012345678901234567890"),
        ("double", "1E3", 1000.0),
        ("double", "-INF", "-INF"),
        ("double", "1e999", "1e999"),
        ("float", "NaN", "NaN"),
        ("string", " a\n b ", " a\n b "),
        ("normalizedString", "a\tb ", "a b "),
        ("token", " a \n b ", "a b"),
        ("token", "\u00a0a\u00a0 ", "\u00a0a\u00a0"),
        ("date", " 2024-02-29 ", "2024-02-29"),
        ("base64Binary", "AA ==", "AA =="),
        ("NMTOKENS", " a  b ", ["a", "b"]),
        ("anySimpleType", " a ", " a "),
    ],
)
def test_texts_become_values_by_their_type(kind: str, text: str, value: object) -> None:
    """Numbers and booleans where nothing is lost, else strings with white space as the type says."""
    view = XmlView(documents(f'<xs:element name="r" type="xs:{kind}"/>'), "{urn:t}r")
    read = view.decode(root(text))
    assert read == value
    assert type(read) is type(value)
    assert view.decode(view.encode(value)) == value


@given(st.integers() | st.decimals(allow_nan=False, allow_infinity=False).map(lambda value: format(value, "f")))
def test_no_decimal_loses_a_digit(number: object) -> None:
    """A decimal is a number only where writing that number gives the same value."""
    view = XmlView(DECIMALS, "{urn:t}r")
    assert Decimal(parse_xml(view.encode(view.decode(root(str(number))))).text or "") == Decimal(str(number))


DECIMALS = documents('<xs:element name="r" type="xs:decimal"/>')


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("boolean", True, "true"),
        ("boolean", "0", "0"),
        ("boolean", 1, "1"),
        ("int", 5.0, "5"),
        ("int", "5", "5"),
        ("decimal", 1e22, "10000000000000000000000"),
        ("decimal", 1e-7, "0.0000001"),
        ("double", 1e22, "1e+22"),
        ("string", 12, "12"),
        ("string", True, "true"),
        ("string", 1.5, "1.5"),
        ("dateTime", "2024-02-29T00:00:00+07:00", "2024-02-29T00:00:00+07:00"),
    ],
)
def test_values_are_written_where_their_text_fits(kind: str, value: object, text: str) -> None:
    """A value is written as its JSON text where the type takes that."""
    view = XmlView(documents(f'<xs:element name="r" type="xs:{kind}"/>'), "{urn:t}r")
    assert parse_xml(view.encode(value)).text == text


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("boolean", "True"),
        ("boolean", 2),
        ("int", 1.5),
        ("int", True),
        ("int", ""),
        ("integer", 2**64),
        ("decimal", "1e3"),
        ("double", float("inf")),
        ("date", "29/02/2024"),
        ("dateTime", "2024-02-29"),
        ("time", "8:30"),
        ("string", {}),
        ("string", ["a"]),
        ("string", float("nan")),
    ],
)
def test_values_of_another_type_are_refused(kind: str, value: object) -> None:
    """What is not in the lexical space of a type is an error of type, not a guess."""
    view = XmlView(documents(f'<xs:element name="r" type="xs:{kind}"/>'), "{urn:t}r")
    assert failure(view, value) == ("type", "/r")


@pytest.mark.parametrize("character", ["\0", "\x0b", "\x1f", "\ud800", "\ufffe"])
def test_characters_that_xml_does_not_have_are_refused(character: str) -> None:
    """Such a character is told as what it is; XML 1.0 has no way to write it."""
    view = of_content('<xs:attribute name="x" type="xs:string"/>')
    assert failure(view, {"@x": character}) == ("character", "/r/@x")
    assert (
        failure(XmlView(documents('<xs:element name="r" type="xs:string"/>'), "{urn:t}r"), character)[0] == "character"
    )


@given(
    st.text(
        st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff") | st.sampled_from("\t\n\r")
    )
)
def test_every_character_that_xml_has_survives(text: str) -> None:
    """Markup, line ends and tabs are written so that no reader turns them into something else."""
    given = {"@x": text, "$": text}
    assert SURVIVING.decode(SURVIVING.encode(given)) == given


SURVIVING = of_content("""<xs:simpleContent><xs:extension base="xs:string">
  <xs:attribute name="x" type="xs:string"/></xs:extension></xs:simpleContent>""")


def test_lists_and_unions() -> None:
    """A list is an array of its items' type; a union is a string unless its members agree."""
    view = of_type('<xs:simpleType><xs:list itemType="xs:int"/></xs:simpleType>')
    assert view.decode(root(" 1  2 ")) == [1, 2]
    assert view.decode(root("")) == []
    assert failure(view, "1 2") == ("array", "/r")
    assert failure(of_type('<xs:simpleType><xs:list itemType="xs:token"/></xs:simpleType>'), ["a b"]) == ("list", "/r")
    assert of_type('<xs:simpleType><xs:union memberTypes="xs:int xs:long"/></xs:simpleType>').decode(root("1")) == 1
    assert of_type('<xs:simpleType><xs:union memberTypes="xs:int xs:date"/></xs:simpleType>').decode(root("1")) == "1"
