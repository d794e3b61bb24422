"""The civil-status system of justice: JSON outside, XML inside its field ``data``, every error inside HTTP 200.

Its error codes: 0 done, 100 unreadable, 101 not our unit, 106 papers missing, 302 no such dossier, 500 busy.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from provinces.model.applications import locks
from provinces.model.applications.stand_in import Clock, Memory, now, odd_dates, stand_in
from provinces.model.applications.xml_documents import Element, Schema, Unreadable, maker, parse, text, write

NAMESPACE = "urn:h99:ho-tich"
UNIT = 9910
BIRTH_CERTIFICATE = "GCS"


class Application(BaseModel):
    """The body of dangKyHoTich; ``data`` is an XML document."""

    model_config = ConfigDict(extra="forbid", strict=True)

    maDonVi: int  # noqa: N815 - their names
    module: str
    maHoSo: str  # noqa: N815
    ngayTiepNhan: str  # noqa: N815
    data: str


class Refused(Exception):
    """An answer with an error code."""

    def __init__(self, code: str, reason: str, **more: Any) -> None:
        super().__init__(code)
        self.answer = {"errorCode": code, "errorDesc": reason, **more}


@dataclass
class Dossier:
    """`state`: 1 received, 2 incomplete, 3 registered."""

    state: int
    changed: datetime


class Register:
    """The register of births. It knows no duplicates: an application that comes twice makes two entries."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.schema = Schema("justice/schemas/ho-tich.xsd")
        self.make = maker(NAMESPACE)
        self.entries = 0
        self.dossiers: dict[str, Dossier] = {}

    async def register(self, request: Request) -> Response:
        """POST /apiHoTichTuPhap/dangKyHoTich."""
        try:
            application = read(await request.body())
            self.check(application, self.birth(application))
        except Refused as refused:
            return JSONResponse(refused.answer)
        self.entries += 1
        self.dossiers[application.maHoSo] = Dossier(3, self.clock())
        entry = write(self.entry(odd_dates(request))).decode()
        return JSONResponse({"errorCode": "0", "errorDesc": "Thành công", "maHoSo": application.maHoSo, "data": entry})

    def birth(self, application: Application) -> Element:
        """The XML inside the JSON. Raises `Refused`."""
        try:
            birth = parse(application.data.encode())
        except Unreadable:
            raise Refused("100", "Không đọc được XML trong data", maHoSo=application.maHoSo) from None
        if complaint := self.schema.complaint(birth):
            raise Refused("100", complaint, maHoSo=application.maHoSo)
        return birth

    def check(self, application: Application, birth: Element) -> None:
        """A birth needs the certificate of the place where it happened. Raises `Refused`."""
        if application.maDonVi != UNIT or application.module != "KS":
            raise Refused("101", "Không thuộc đơn vị này", maHoSo=application.maHoSo)
        papers = {text(paper, "loaiGiayTo") for paper in birth.iterfind(f"{{{NAMESPACE}}}giayTo")}
        if BIRTH_CERTIFICATE not in papers:
            self.dossiers[application.maHoSo] = Dossier(2, self.clock())
            missing = [BIRTH_CERTIFICATE]
            raise Refused("106", "Hồ sơ thiếu giấy tờ", maHoSo=application.maHoSo, giayToThieu=missing)

    def entry(self, odd: bool) -> Element:
        """The newest entry, two to a page, and the number given to the child."""
        moment, make = self.clock(), self.make
        return make(
            "ketQua",
            make("soDangKy", f"{moment:%Y}/KS/{self.entries:04}"),
            make("quyenSo", "1"),
            make("trangSo", str((self.entries + 1) // 2)),
            make("ngayDangKy", f"{moment:%Y%m%d}" if odd else f"{moment:%d/%m/%Y}"),
            make("soDinhDanh", f"0001{moment:%y}{self.entries:06}"),
        )

    async def look_up(self, request: Request) -> Response:
        """GET /hoTich/{maHoSo}."""
        number = request.path_params["number"]
        dossier = self.dossiers.get(number)
        if dossier is None:
            return JSONResponse({"errorCode": "302", "errorDesc": "Không có hồ sơ", "maHoSo": number})
        changed = f"{dossier.changed:%d/%m/%Y}" if odd_dates(request) else f"{dossier.changed:%Y%m%d}"
        found = {"maHoSo": number, "trangThai": dossier.state, "ngayCapNhat": changed}
        return JSONResponse({"errorCode": "0", "errorDesc": "Thành công", **found})


def read(body: bytes) -> Application:
    """The JSON around the XML. Raises `Refused`."""
    try:
        application = Application.model_validate_json(body)
        datetime.strptime(application.ngayTiepNhan, "%d/%m/%Y")  # noqa: DTZ007 - only whether it is in the calendar
    except ValidationError as error:
        fields = sorted({".".join(map(str, item["loc"])) for item in error.errors()})
        raise Refused("100", "Sai cấu trúc: " + ", ".join(fields)) from None
    except ValueError:
        raise Refused("100", "Ngày tiếp nhận không có trong lịch") from None
    return application


def build(token: str, clock: Clock = now) -> Starlette:
    """The civil-status system; `token` is the bearer token that it asks for."""
    register = Register(clock)
    routes = [
        Route("/api/apiHoTichTuPhap/dangKyHoTich", register.register, methods=["POST"]),
        Route("/api/hoTich/{number}", register.look_up, methods=["GET"]),
    ]
    busy = Refused("500", "Hệ thống bận").answer
    return stand_in(routes, Memory(clock), lock=locks.bearer(token), rude_fault=lambda: JSONResponse(busy))
