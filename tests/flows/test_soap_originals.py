"""A service that was imported is called as it always was: by its own WSDL, at our address."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from zeep.exceptions import Fault as ZeepFault

from adapters.call import Call, Outcome, Result
from bus.envelope import Body, Format
from documents.importers.run import Order, import_here
from documents.importers.target import Target
from documents.importers.writing import write, written
from tests.flows.conftest import Receiver
from tests.flows.soap_bus import Served, Wired, served
from transforms.apart.pool import Pool

HEAD = (
    'xmlns:w="http://schemas.xmlsoap.org/wsdl/" xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/"'
    ' xmlns:x="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:t" targetNamespace="urn:t"'
)
BOTH = '<w:input><s:body use="literal"/></w:input><w:output><s:body use="literal"/></w:output>'
LITERAL = '<s:body use="literal"/>'
FILES = {
    "register.wsdl": f"""<w:definitions {HEAD}><w:import namespace="urn:t" location="lib/messages.wsdl"/>
<w:portType name="Register">
  <w:operation name="find"><w:input message="t:In"/><w:output message="t:Out"/><w:fault name="no" message="t:No"/>
  </w:operation>
  <w:operation name="ping"><w:input message="t:Nothing"/><w:output message="t:Out"/></w:operation>
  <w:operation name="tell"><w:input message="t:Told"/></w:operation></w:portType>
<w:binding name="B" type="t:Register"><s:binding transport="http://schemas.xmlsoap.org/soap/http"/>
  <w:operation name="find"><s:operation soapAction="urn:find"/>{BOTH}
    <w:fault name="no"><s:fault name="no" use="literal"/></w:fault></w:operation>
  <w:operation name="ping"><s:operation soapAction="urn:ping"/>{BOTH}
  </w:operation>
  <w:operation name="tell"><s:operation soapAction="urn:tell"/><w:input>{LITERAL}</w:input></w:operation></w:binding>
<w:service name="Population"><w:port name="P" binding="t:B"><s:address location="http://old.example.internal/ws"/></w:port>
</w:service></w:definitions>""",
    "lib/messages.wsdl": f"""<w:definitions {HEAD}>
<w:types>
<x:schema targetNamespace="urn:all"><x:import namespace="urn:t" schemaLocation="types.xsd"/></x:schema></w:types>
<w:message name="In"><w:part name="p" element="t:Find"/></w:message>
<w:message name="Out"><w:part name="p" element="t:Found"/></w:message>
<w:message name="No"><w:part name="p" element="t:NotThere"/></w:message>
<w:message name="Told"><w:part name="p" element="t:Tell"/></w:message>
<w:message name="Nothing"/></w:definitions>""",
    "lib/types.xsd": """<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:t"
  elementFormDefault="qualified" xmlns:t="urn:t">
  <x:include schemaLocation="names.xsd"/>
  <x:import namespace="http://www.w3.org/XML/1998/namespace" schemaLocation="http://www.w3.org/2001/xml.xsd"/>
  <x:element name="Find"><x:complexType><x:sequence><x:element name="number" type="x:string"/>
    <x:element name="since" type="x:date" nillable="true"/></x:sequence></x:complexType></x:element>
  <x:element name="Found"><x:complexType><x:sequence><x:element name="name" type="t:Name" maxOccurs="unbounded"/>
    <x:element name="weight" type="x:decimal" minOccurs="0"/></x:sequence><x:attribute name="at" type="x:dateTime"/>
    </x:complexType></x:element>
  <x:element name="NotThere"><x:complexType><x:sequence><x:element name="why" type="x:string"/></x:sequence>
    </x:complexType></x:element>
  <x:element name="Tell"><x:complexType><x:sequence><x:element name="text" type="x:string"/></x:sequence>
    </x:complexType></x:element></x:schema>""",
    "lib/names.xsd": """<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:t">
  <x:simpleType name="Name"><x:restriction base="x:string"><x:maxLength value="50"/></x:restriction></x:simpleType>
  </x:schema>""",
}
ONE_STOP = b"kind: System\nname: one-stop\nagency: H98\nadapter: soap\n"
FOUND = (
    '<q:Found xmlns:q="urn:t" at="2026-01-31T08:00:00+07:00"><q:name>Bình</q:name><q:weight>51.50</q:weight></q:Found>'
)


def answering(call: Call) -> Outcome:
    """The service itself, which is spoken to in its own XML."""
    if b"<" not in call.body.data or "tell" in str(call.operation):
        return Outcome(Result.ANSWERED, "http-200", 200, Body(Format.XML, FOUND.encode()))
    if etree.fromstring(call.body.data).findtext("{urn:t}number") == "0":
        fault = "<NotThere xmlns='urn:t'><why>không có</why></NotThere>"
        return Outcome(Result.FAULT, "declared-fault", 500, Body(Format.XML, fault.encode()), fault="not-there")
    return Outcome(Result.ANSWERED, "http-200", 200, Body(Format.XML, FOUND.encode()))


def imported(folder: Path, files: dict[str, str], messages: str, pool: Pool) -> Wired:
    """A province that consists of what the import makes, and of nothing else."""
    for path, text in files.items():
        (folder / "given" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "given" / path).write_text(text, encoding="utf-8")
    target = Target("register", "H98", messages=messages, consumers=("one-stop",))
    outcome = import_here(Order("wsdl", folder / "given", target, date(2026, 11, 25)))
    assert not outcome.imported.errors
    write(folder / "province", {**written(outcome.imported, "register/1.0.0"), "one-stop.yaml": ONE_STOP})
    return Wired(folder / "province", pool, {"register": Receiver(answering)})


@asynccontextmanager
async def running(folder: Path, database: str, messages: str, files: dict[str, str] = FILES) -> AsyncIterator[Served]:
    with Pool() as pool:
        async with served(imported(folder, files, messages, pool), database) as bus:
            yield bus


@pytest.mark.parametrize("messages", ["json", "xml"])
async def test_clients_of_the_service_need_only_a_new_endpoint(tmp_path: Path, database: str, messages: str) -> None:
    """The service's own WSDL, from several files, leads to us alone; its operations, faults and one-way calls are as
    they were, whether the contracts are in JSON or in XML."""
    async with running(tmp_path, database, messages) as bus:

        def use(client: Any) -> Any:
            with pytest.raises(ZeepFault) as caught:
                client.service.find(number="0", since=None)
            return client.service.find("001", None), client.service.ping(), client.service.tell("Chào"), caught.value

        found, pinged, told, fault = await bus.call("register", use)
        assert (found.name, float(found.weight), str(found["at"])) == (["Bình"], 51.5, "2026-01-31 08:00:00+07:00")
        assert (pinged.name, told) == (["Bình"], None)
        (detail,) = fault.detail
        assert (detail.tag, detail.findtext("{urn:t}why")) == ("{urn:t}NotThere", "không có")
        while len(bus.receiver("register").calls) < 4:
            await bus.http.get("/health/live")
        operations = [call.operation for call in bus.receiver("register").calls]
        assert sorted(map(str, operations)) == ["find", "find", "ping", "tell"]
        described = [each async for each in documents(bus)]
    assert not [each for each in described if b"old.example" in each]
    assert all(value.startswith(f"{bus.url}/soap/register?") for each in described for value in locations(each))
    assert any(b'targetNamespace="http://www.w3.org/XML/1998/namespace"' in each for each in described)
    assert f'location="{bus.url}/soap/register"'.encode() in described[0]


async def documents(bus: Served) -> AsyncIterator[bytes]:
    """The WSDL, and everything that it leads to, each once."""
    waiting, seen = [f"{bus.url}/soap/register?wsdl"], set()
    while waiting:
        url = waiting.pop()
        if url in seen:
            continue
        seen.add(url)
        answer = await bus.http.get(url)
        assert answer.status_code == 200, url
        yield answer.content
        waiting += [value for value in locations(answer.content) if "?" in value]


def locations(data: bytes) -> Iterator[str]:
    for node in etree.fromstring(data).iter("{*}import", "{*}include"):
        yield from (str(value) for key, value in node.items() if str(key) in {"location", "schemaLocation"})


async def test_what_is_not_offered_is_a_fault(tmp_path: Path, database: str) -> None:
    """A Body that no operation has is refused, as are a system that has no WSDL, and a stranger who asks for it."""
    async with running(tmp_path, database, "json") as bus:
        unknown = await bus.post("register", '<Other xmlns="urn:t"/>')
        nobody = await bus.post("one-stop", "<x/>")
        stranger = {"Authorization": f"Bearer {bus.wired.token('nobody')}"}
        hidden = await bus.http.get("/soap/register?wsdl", headers=stranger)
        beyond = [await bus.http.get(f"/soap/register?{query}") for query in ("wsdl=99", "xsd=-1", "x", "wsdl12")]
    assert b"<e:code>soap-operation-unknown<" in unknown.content
    assert b"<e:code>contract-unknown<" in nobody.content
    assert hidden.json()["code"] == "grant-missing"
    assert {each.json()["code"] for each in beyond} == {"path-unknown"}


ENC = "http://schemas.xmlsoap.org/soap/encoding/"
ENCODED = f"""<w:definitions {HEAD} xmlns:e="{ENC}"><w:types><x:schema targetNamespace="urn:t">
  <x:import namespace="{ENC}"/><x:complexType name="People"><x:complexContent><x:restriction base="e:Array">
  <x:attribute ref="e:arrayType" w:arrayType="x:string[]"/></x:restriction></x:complexContent></x:complexType>
  <x:complexType name="Asked"><x:sequence><x:element name="number" type="x:int"/></x:sequence></x:complexType>
  </x:schema></w:types>
<w:message name="In"><w:part name="asked" type="t:Asked"/></w:message>
<w:message name="Out"><w:part name="found" type="t:People"/></w:message>
<w:portType name="P"><w:operation name="find"><w:input message="t:In"/><w:output message="t:Out"/></w:operation>
</w:portType><w:binding name="B" type="t:P"><s:binding style="rpc" transport="http://schemas.xmlsoap.org/soap/http"/>
<w:operation name="find"><s:operation soapAction=""/><w:input><s:body use="encoded" namespace="urn:r"
  encodingStyle="{ENC}"/></w:input><w:output><s:body use="encoded" namespace="urn:r" encodingStyle="{ENC}"/></w:output>
</w:operation></w:binding><w:service name="S"><w:port name="P" binding="t:B"><s:address location="http://h/"/></w:port>
</w:service></w:definitions>"""


async def test_encoded_services_are_called_as_they_were(tmp_path: Path, database: str) -> None:
    """A client of a service in rpc/encoded, whose values stand once and are referred to, gets typed values back."""
    async with running(tmp_path, database, "json", {"s.wsdl": ENCODED}) as bus:
        answer = '<r:findResponse xmlns:r="urn:r"><found><item>An</item><item>Bình</item></found></r:findResponse>'
        bus.receiver("register").answer = lambda _: Outcome(
            Result.ANSWERED, "http-200", 200, Body(Format.XML, answer.encode())
        )
        asked = (
            f'<r:find xmlns:r="urn:r" s:encodingStyle="{ENC}"><asked href="#id0"/></r:find>'
            '<multiRef id="id0" xmlns:i="http://www.w3.org/2001/XMLSchema-instance"'
            ' xmlns:x="http://www.w3.org/2001/XMLSchema"><number i:type="x:int">7</number></multiRef>'
        )
        found = await bus.post("register", asked, headers={"SOAPAction": '""'})
        lost = await bus.post("register", asked.replace('"#id0"', '"#id1"'))
        (call,) = bus.receiver("register").calls
        twice = await bus.post("register", asked)
        stored = await bus.http.get(found.headers["location"], headers={"Authorization": f"Bearer {bus.wired.token()}"})
    assert etree.fromstring(call.body.data).findtext("asked/number") == "7"
    (array,) = etree.fromstring(found.content).iter("found")
    assert [each.text for each in array] == ["An", "Bình"]
    assert array.get(f"{{{ENC}}}arrayType", "").endswith(":string[2]")
    assert b"<e:code>envelope-invalid<" in lost.content
    assert (twice.status_code, stored.json()["state"]) == (200, "done")
