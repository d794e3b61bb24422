"""A toolkit that knows the inbox by its WSDL alone."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from lxml import etree
from zeep.exceptions import Fault
from zeep.wsse.username import UsernameToken

from journal.fetching import Fetch
from routes.inbox import NACKS
from tests.flows.soap_bus import Served, province, served
from tests.flows.soap_province import contract
from transforms.apart.pool import Pool

LOOK_UP = "{urn:lgsp:contract:health.look-up:1}"
OWN = contract("inbox", "document", "request: {format: json, schema: schemas/note.json}").removeprefix("---\n")


@pytest.fixture
async def bus(tmp_path: Path, database: str) -> AsyncIterator[Served]:
    """`his` fetches; there is a contract that is called `inbox` as well."""
    with Pool() as pool:
        wired = province(tmp_path / "province", pool, {"own.yaml": OWN})
        wired.fetching["his"] = 60.0
        async with served(wired, database) as each:
            yield each


async def his(bus: Served, use: Callable[[Any], Any], wsdl: str = "wsdl", secret: str = "") -> Any:
    """What zeep makes of a call of `his`."""
    secret = secret or bus.wired.credential("his")[1]

    def as_his(client: Any) -> Any:
        client.transport.session.auth = ("his", secret)
        return use(client)

    return await bus.call("inbox", as_his, wsdl)


def sender(bus: Served) -> dict[str, str]:
    return {"Authorization": f"Bearer {bus.wired.token()}"}


async def sent(bus: Served, name: str, body: dict[str, Any] | bytes, *, wait: bool = False) -> httpx.Response:
    kind = "application/xml" if isinstance(body, bytes) else "application/json"
    headers = {"Content-Type": kind, **sender(bus)}
    headers |= {} if wait else {"Prefer": "respond-async"}
    given: Any = {"content": body} if isinstance(body, bytes) else {"json": body}
    return await bus.http.post(f"/messages/{name}", headers=headers, **given)


async def fetched(bus: Served, **more: Any) -> Any:
    (item,) = await his(bus, lambda client: client.service.fetch(wait=5, **more))
    return item


@pytest.mark.parametrize("wsdl", ["wsdl", "wsdl12"])
async def test_json_stands_as_its_view(bus: Served, wsdl: str) -> None:
    """JSON is fetched as the element that a SOAP sender writes for it, and answered so, in SOAP 1.1 and 1.2."""
    asking = asyncio.create_task(sent(bus, "health.look-up", {"number": "7", "fields": ["a"]}, wait=True))
    (item,) = await his(bus, lambda client: client.service.fetch(wait=5, max=1), wsdl)
    view = item.body._value_1
    assert (item.contract, item.format, item.attempt, view.tag) == ("health.look-up", "json", 1, f"{LOOK_UP}request")
    assert {etree.QName(each).localname: each.text for each in view} == {"number": "7", "fields": "a"}
    reply = etree.fromstring(
        f'<r:reply xmlns:r="{LOOK_UP[1:-1]}"><r:name>Bình</r:name><r:alive>true</r:alive></r:reply>'
    )
    body = {"_value_1": reply}
    await his(bus, lambda client: client.service.ack(delivery=item.id, attempt=item.attempt, body=body), wsdl)
    answer = (await asking).json()
    assert (answer["name"], answer["alive"]) == ("Bình", True)


async def test_declared_fault_as_its_view(bus: Served) -> None:
    """A fault that the contract declares is told by its name and by the element that stands for it; an element that
    breaks its schema is refused, and the message stays."""
    asking = asyncio.create_task(sent(bus, "health.look-up", {"number": "7"}, wait=True))
    item = await fetched(bus)

    def ack(inside: str) -> Callable[[Any], Any]:
        element = etree.fromstring(f'<r:fault-not-found xmlns:r="{LOOK_UP[1:-1]}">{inside}</r:fault-not-found>')
        body = {"_value_1": element}
        return lambda client: client.service.ack(delivery=item.id, attempt=1, fault="not-found", body=body)

    with pytest.raises(Fault) as refused:
        await his(bus, ack("<r:other/>"))
    assert refused.value.detail.findtext(".//{urn:lgsp:error}code") == "body-invalid"
    await his(bus, ack("<r:reason>gone</r:reason>"))
    answer = await asking
    assert (answer.status_code, answer.json()["body"]) == (422, {"reason": "gone"})


async def test_what_no_view_says_is_a_text(bus: Served) -> None:
    """JSON with members that its element has no place for is fetched as it was sent; nothing of it is left out."""
    await sent(bus, "health.note", {"text": "a", "besides": [1, None]})
    item = await fetched(bus)
    assert (item.body, item.format, item.text) == (None, "json", '{"text":"a","besides":[1,null]}')


async def test_xml_stands_as_it_is(bus: Served) -> None:
    """XML is fetched with the bytes that were sent, and answered as it is."""
    body = b'<?xml version="1.0"?><a:Store xmlns:a="urn:archive" code="A1"><a:Title>H\xe1\xbb\x93</a:Title></a:Store>'
    asking = asyncio.create_task(sent(bus, "archive.file", body, wait=True))
    item = await fetched(bus)
    expected = etree.tostring(etree.fromstring(body), method="c14n", exclusive=True)
    assert etree.tostring(item.body._value_1, method="c14n", exclusive=True) == expected
    stored = {"_value_1": etree.fromstring('<a:Stored xmlns:a="urn:archive"><a:Number>3</a:Number></a:Stored>')}
    await his(bus, lambda client: client.service.ack(delivery=item.id, attempt=1, body=stored))
    assert b"Number>3<" in (await asking).content


async def test_given_back_by_a_word_of_the_wsdl(bus: Served) -> None:
    """The reasons that a toolkit finds in the WSDL are those of the bus."""
    await sent(bus, "health.note", {"text": "a"})
    item = await fetched(bus, asText=True)
    assert item.text == '{"text":"a"}'
    await his(bus, lambda client: client.service.nack(delivery=item.id, attempt=1, reason="busy", retry=False))
    message = (await bus.http.get(f"/messages/{item.message}", headers=sender(bus))).json()
    assert message["deliveries"][0]["state"] == "dead"
    wsdl = await bus.http.get("/soap/inbox?wsdl")
    words = etree.fromstring(wsdl.content).findall(".//{*}simpleType[@name='Reason']//{*}enumeration")
    assert [each.get("value") for each in words] == list(NACKS)


@pytest.mark.parametrize("by", ["basic", "digest"])
async def test_revoked_while_it_waits(bus: Served, by: str) -> None:
    """Whose credential is revoked while the call waits gets nothing, and the message stays for the system."""
    if by == "basic":
        credential, secret = bus.wired.credential("his")
        call = his(bus, lambda client: client.service.fetch(wait=60), secret=secret)
    else:
        secret = bus.wired.readable("his")
        credential = list(bus.wired.credentials.values())[-1]
        untyped: Any = UsernameToken
        proof = untyped("his", secret, use_digest=True, zulu_timestamp=True)

        def fetch(client: Any) -> Any:
            client.transport.session.auth = None
            return client.service.fetch(wait=60)

        call = bus.call("inbox", fetch, wsse=proof)
    written, looked = bus.node.committer.write, asyncio.Event()

    async def write(command: Any) -> Any:
        result = await written(command)
        if isinstance(command, Fetch):
            looked.set()
        return result

    bus.node.committer.write = write  # type: ignore[method-assign]
    waiting = asyncio.create_task(call)
    await looked.wait()
    del bus.wired.credentials[credential.id]
    await sent(bus, "health.note", {"text": "a"})
    with pytest.raises(Fault) as refused:
        await waiting
    assert refused.value.detail.findtext(".//{urn:lgsp:error}code") == "credential-invalid"
    assert (await fetched(bus)).contract == "health.note"


async def test_contract_of_that_name(bus: Served) -> None:
    """The path is the inbox's own: a contract that is called so too is called with its major."""
    element = '<request xmlns="urn:lgsp:contract:inbox:1"><text>a</text></request>'
    with_major, without = await bus.post("inbox@1", element), await bus.post("inbox", element)
    assert (with_major.status_code, without.status_code) == (202, 500)
    assert b"soap-operation-unknown" in without.content
    assert (await bus.http.get("/soap/inbox?xsd=0")).status_code == 404
    assert (await bus.http.get("/soap/inbox?wsdl", headers={"Authorization": ""})).status_code == 401
