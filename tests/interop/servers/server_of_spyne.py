"""spyne as a server: it answers what it read, and keeps notes in a file. Port. SOAP 1.2 is spoken at /12."""

# mypy: disallow-subclassing-any=False, disallow-untyped-decorators=False

import os
import sys
from pathlib import Path
from typing import Any, ClassVar
from wsgiref.simple_server import WSGIRequestHandler, make_server

from spyne import (  # type: ignore[import-not-found]
    Application,
    Boolean,
    ByteArray,
    ComplexModel,
    Date,
    DateTime,
    Decimal,
    Fault,
    Integer32,
    ServiceBase,
    Unicode,
    rpc,
)
from spyne.protocol.soap import Soap11, Soap12  # type: ignore[import-not-found]
from spyne.server.wsgi import WsgiApplication  # type: ignore[import-not-found]

NS = "urn:interop"
WANTED = {"min_occurs": 1, "nillable": False}
ANY = {"min_occurs": 0, "max_occurs": "unbounded"}
BARE = {"_body_style": "bare"}
TEXT = Unicode(**WANTED)


class Model(ComplexModel):
    __namespace__ = NS


class Part(Model):
    _type_info: ClassVar = [("name", TEXT), ("count", Integer32(min_occurs=0))]


class Entry(Model):
    _type_info: ClassVar = [
        ("text", TEXT),
        ("kind", Unicode(values=["keep", "refuse"], type_name="Kind", **WANTED)),
        ("whole", Integer32(**WANTED)),
        ("amount", Decimal(**WANTED)),
        ("right", Boolean(**WANTED)),
        ("day", Date(**WANTED)),
        ("at", DateTime(timezone=None, **WANTED)),
        ("octets", ByteArray(**WANTED)),
        ("note", Unicode(min_occurs=1, nillable=True)),
        ("blank", TEXT),
        ("tag", Unicode(**ANY)),
        ("part", Part.customize(**ANY)),
        ("left", Unicode(**ANY)),
    ]


class Record(Model):
    _type_info: ClassVar = [("entry", Entry.customize(**WANTED))]


class Recorded(Model):
    _type_info: ClassVar = [("number", Integer32(**WANTED)), ("kept", Entry.customize(**WANTED))]


class Note(Model):
    _type_info: ClassVar = [("text", TEXT)]


class Records(ServiceBase):
    @rpc(Record, _returns=Recorded, _operation_name="Record", _out_message_name="Recorded", **BARE)
    def record(self: Any, asked: Any) -> Any:
        if asked.entry.kind == "refuse":
            refused = {f"{{{NS}}}reason": [os.environ["REASON"]], f"{{{NS}}}field": ["kind"]}
            raise Fault("Server", "refused", detail={f"{{{NS}}}Refused": [refused]})
        return Recorded(number=7, kept=asked.entry)

    @rpc(Note, _operation_name="Note", **BARE)
    def note(self: Any, told: Any) -> None:
        Path("note.txt").write_text(told.text, encoding="utf-8")


class Quiet(WSGIRequestHandler):
    def log_message(self, *said: Any) -> None:
        pass


def application(protocol: Any) -> Any:
    spoken = {"in_protocol": protocol(validator="lxml"), "out_protocol": protocol()}
    return WsgiApplication(Application([Records], NS, name="Records", **spoken))


def main() -> None:
    by_path = {"/": application(Soap11), "/12": application(Soap12)}

    def serve(environ: dict[str, Any], start: Any) -> Any:
        return by_path[environ["PATH_INFO"]](environ, start)

    make_server("127.0.0.1", int(sys.argv[1]), serve, handler_class=Quiet).serve_forever()


if __name__ == "__main__":
    main()
