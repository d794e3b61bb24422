"""zeep, in a process of its own: address, name, secret, and a text."""

import datetime as dt
import json
import sys
import warnings
from base64 import b64encode
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import requests
from zeep import Client, xsd
from zeep.exceptions import Fault
from zeep.helpers import serialize_object
from zeep.transports import Transport
from zeep.wsa import WsAddressingPlugin

BASE, NAME, SECRET, TEXT = sys.argv[1:]
AT = dt.datetime(2026, 2, 28, 23, 59, 59, tzinfo=dt.timezone(dt.timedelta(hours=7)))
DAY = dt.date(2026, 2, 28)


def client(path: str, *plugins: Any) -> Any:
    session = requests.Session()
    session.auth = (NAME, SECRET)
    made: Any = Client
    carrying: Any = Transport
    return made(f"{BASE}/{path}", transport=carrying(session=session), plugins=plugins)


def entry(kind: str) -> dict[str, Any]:
    return {
        "text": TEXT,
        "kind": kind,
        "whole": -42,
        "amount": Decimal("12345678901.25"),
        "right": True,
        "day": DAY,
        "at": AT,
        "octets": b"\x00\xff\x10",
        "note": xsd.Nil,
        "blank": "",
        "tag": ["một", "", "ba"],
        "part": [{"name": "một mình", "count": 2}],
        "left": [],
    }


def recorded(path: str, *plugins: Any) -> dict[str, Any]:
    answer = client(path, *plugins).service.Record(entry=entry("keep"))
    kept: dict[str, Any] = serialize_object(answer.kept, dict)  # type: ignore[no-untyped-call]
    blank = kept["blank"] or ""
    return kept | {
        "number": answer.number,
        "amount": str(kept["amount"]),
        "day": kept["day"].isoformat(),
        "at": kept["at"].astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "octets": b64encode(kept["octets"]).decode(),
        "blank": blank,
        "tag": [each or "" for each in kept["tag"]],
    }


def refused(path: str, *plugins: Any) -> dict[str, Any]:
    try:
        client(path, *plugins).service.Record(entry=entry("refuse"))
    except Fault as fault:
        detail: Any = fault.detail
        return {name: detail.findtext(f".//{{urn:interop}}{name}") for name in ("reason", "field")}
    return {"error": "no fault"}


def view() -> dict[str, Any]:
    answer = client("stand-in.view?wsdl").service.request(
        text=TEXT, amount=51.5, day=DAY, note=xsd.Nil, tags=["một", ""], parts=[{"name": "một mình", "count": 2}]
    )
    found: dict[str, Any] = serialize_object(answer, dict)  # type: ignore[no-untyped-call]
    tags = [each or "" for each in found["tags"]]
    return found | {"day": found["day"].isoformat(), "amount": float(found["amount"]), "tags": tags}


def inbox() -> dict[str, Any]:
    service = client("inbox?wsdl").service
    (item,) = service.fetch(wait=20, max=1)
    note = item.body._value_1
    service.ack(delivery=item.id, attempt=item.attempt, body={"_value_1": note})
    text = note.findtext("{urn:interop}text")
    return {"contract": item.contract, "attempt": item.attempt, "text": text}


def note() -> None:
    client("stand-in.note?wsdl").service.Note(text=TEXT)


def said(step: Callable[[], Any]) -> Any:
    try:
        return step()
    except Exception as error:  # noqa: BLE001 - what a toolkit does wrong is what is told
        return {"error": repr(error)}


def main() -> None:
    warnings.simplefilter("ignore")
    addressing: Any = WsAddressingPlugin
    steps: dict[str, Callable[[], Any]] = {
        "record": lambda: recorded("stand-in.record?wsdl"),
        "fault": lambda: refused("stand-in.record?wsdl"),
        "note": note,
        "view": view,
        "record12": lambda: recorded("stand-in.record?wsdl12"),
        "fault12": lambda: refused("stand-in.record?wsdl12"),
        "addressed": lambda: recorded("stand-in.record?wsdl", addressing()),
        "addressedFault": lambda: refused("stand-in.record?wsdl", addressing()),
        "inbox": inbox,
    }
    sys.stdout.write(json.dumps({name: said(step) for name, step in steps.items()}))


if __name__ == "__main__":
    main()
