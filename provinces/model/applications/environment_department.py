"""The environment department: takes readings above the threshold, as XML, checked by its own XSD."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from provinces.model.applications import locks
from provinces.model.applications.stand_in import Clock, Memory, now, stand_in
from provinces.model.applications.xml_documents import Schema, Unreadable, maker, parse, text, write

NAMESPACE = "urn:h99:quan-trac"
THRESHOLD = 100


class Exceedances:
    """Counts what it took; a reading that is not above the threshold was sent by mistake and is refused."""

    def __init__(self) -> None:
        self.schema = Schema("environment/schemas/quan-trac.xsd")
        self.count = 0

    async def take(self, request: Request) -> Response:
        """POST /quan-trac: 200, or 415, 400 and 422 as in RFC 9110, section 15.5."""
        if "xml" not in request.headers.get("content-type", ""):
            return answer("SAI_KIEU", 0, 415)
        try:
            reading = parse(await request.body())
        except Unreadable:
            return answer("KHONG_DOC_DUOC", 0, 400)
        if self.schema.complaint(reading):
            return answer("SAI_CAU_TRUC", 0, 422)
        if int(text(reading, "AQI")) <= THRESHOLD:
            return answer("DUOI_NGUONG", 0, 422)
        self.count += 1
        return answer("00", self.count, 200)


def answer(code: str, number: int, status: int) -> Response:
    make = maker(NAMESPACE)
    result = make("KetQua", make("Ma", code), make("SoTiepNhan", str(number)))
    return Response(write(result), status, media_type="application/xml")


def build(password: str, clock: Clock = now) -> Starlette:
    """The environment department; `password` is that of the user truc-lien-thong."""
    route = Route("/quan-trac", Exceedances().take, methods=["POST"])
    lock = locks.basic("truc-lien-thong", password)
    return stand_in([route], Memory(clock), lock=lock, rude_fault=lambda: answer("LOI", 0, 200))
