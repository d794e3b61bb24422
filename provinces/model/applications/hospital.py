"""The provincial hospital's system: SOAP 1.2, admission of referred patients while there are beds."""

from datetime import datetime, timedelta

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from provinces.model.applications.soap import SOAP_1_2, Fault, Service, UsernameToken
from provinces.model.applications.stand_in import Clock, Memory, now, odd_dates, stand_in
from provinces.model.applications.xml_documents import FOLDER, Element, Schema, maker, text

NAMESPACE = "urn:h99:benh-vien"
BEDS = {"NOI": 100_000, "NGOAI": 300, "NHI": 200, "HSCC": 0}


class Admissions:
    """Gives each referral a bed of the ward it asks for. It knows no duplicates: a form that comes twice takes two."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.make = maker(NAMESPACE)
        self.taken = dict.fromkeys(BEDS, 0)

    def admit(self, referral: Element, request: Request) -> Element:
        """TiepNhanChuyenTuyen."""
        check_dates(referral)
        ward = text(referral, "KhoaDeNghi")
        make = self.make
        if self.taken[ward] >= BEDS[ward]:
            tomorrow = make("DuKienCoGiuong", self.stamp(timedelta(days=1), request))
            raise Fault("Hết giường", sender=False, detail=make("HetGiuong", make("Khoa", ward), tomorrow))
        self.taken[ward] += 1
        return make(
            "TiepNhanChuyenTuyenResponse",
            make("SoPhieu", text(referral, "SoPhieu")),
            make("MaTiepNhan", f"TN-{sum(self.taken.values()):06}"),
            make("Khoa", ward),
            make("Giuong", str(self.taken[ward])),
            make("ThoiDiemHen", self.stamp(timedelta(hours=2), request)),
        )

    def stamp(self, ahead: timedelta, request: Request) -> str:
        moment = self.clock() + ahead
        return f"{moment:%d/%m/%Y %H:%M}" if odd_dates(request) else f"{moment:%Y%m%d%H%M%S}"


def check_dates(referral: Element) -> None:
    """The XSD knows how a date is written; whether it exists is for us to say. Raises `Fault`."""
    for path, form in (("NgayGioChuyen", "%Y%m%d%H%M%S"), ("NguoiBenh/NgaySinh", "%d/%m/%Y")):
        try:
            datetime.strptime(text(referral, path), form)  # noqa: DTZ007 - only whether it is in the calendar
        except ValueError:
            raise Fault(f"{path} không có trong lịch") from None


def build(password: str, clock: Clock = now) -> Starlette:
    """The hospital's system; `password` is that of the user truc-lien-thong, sent as a digest."""
    service = Service(
        version=SOAP_1_2,
        schema=Schema("health/schemas/benh-vien.xsd"),
        door=UsernameToken("truc-lien-thong", password, clock, digest=True),
        operations={"TiepNhanChuyenTuyenRequest": Admissions(clock).admit},
        wsdl=(FOLDER / "health/benh-vien.wsdl").read_bytes(),
    )
    route = Route("/tiep-nhan", service.__call__, methods=["GET", "POST"])
    return stand_in([route], Memory(clock), rude_fault=service.rude_fault)
