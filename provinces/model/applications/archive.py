"""The historical archive: takes case files as XML. It knows a file by its number and gives the same receipt again."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from provinces.model.applications import locks
from provinces.model.applications.stand_in import Clock, Memory, now, odd_dates, stand_in
from provinces.model.applications.xml_documents import Schema, Unreadable, maker, parse, text, write


class Stacks:
    """Case files by their number, with the number and day under which each was shelved."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.schema = Schema("archive/schemas/ho-so.xsd")
        self.shelved: dict[str, tuple[str, str]] = {}

    async def deposit(self, request: Request) -> Response:
        """POST /ho-so: 201 with a receipt, 200 with the same receipt when it came before."""
        try:
            file = parse(await request.body())
        except Unreadable:
            return error("XML không đọc được", 400)
        if file.tag != "HoSo" or (complaint := self.schema.complaint(file)):
            return error(complaint if file.tag == "HoSo" else "không phải HoSo", 422)
        number = text(file, "SoHoSo")
        known = number in self.shelved
        moment = self.clock()
        day = f"{moment:%d/%m/%Y}" if odd_dates(request) else f"{moment:%Y-%m-%d}"
        shelf, day = self.shelved.setdefault(number, (f"LT-{len(self.shelved) + 1:06}", day))
        make = maker()
        receipt = make("BienNhan", make("SoHoSo", number), make("SoLuuTru", shelf), make("NgayNhan", day))
        return Response(write(receipt), 200 if known else 201, media_type="application/xml")


def error(reason: str, status: int) -> Response:
    return Response(write(maker()("Loi", reason)), status, media_type="application/xml")


def build(key: str, clock: Clock = now) -> Starlette:
    """The archive; `key` is what it asks for in Ma-Ket-Noi."""
    route = Route("/ho-so", Stacks(clock).deposit, methods=["POST"])
    lock = locks.header("Ma-Ket-Noi", key)
    return stand_in([route], Memory(clock), lock=lock, rude_fault=lambda: error("lỗi nội bộ", 200))
