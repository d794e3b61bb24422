"""The population service of the provincial police: SOAP 1.1, verification and look-up of citizens.

Its people are invented; identity numbers that begin with 000 belong to nobody.
"""

from dataclasses import dataclass
from datetime import date, datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from provinces.model.applications.soap import SOAP_1_1, Fault, Service, UsernameToken
from provinces.model.applications.stand_in import Clock, Memory, now, odd_dates, stand_in
from provinces.model.applications.xml_documents import FOLDER, Element, Schema, maker, text

NAMESPACE = "urn:h99:dan-cu"
XSI_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


@dataclass(frozen=True)
class Person:
    """A name as the service keeps it. `number` is None for who never got one."""

    number: str | None
    family: str
    middle: str
    given: str

    @property
    def name(self) -> tuple[str, str, str]:
        return self.family, self.middle, self.given


@dataclass(frozen=True)
class Citizen:
    """A record of the service. `gender` is 1 male, 2 female, 9 unknown."""

    person: Person
    born: date
    gender: str
    father: Person | None = None
    mother: Person | None = None


MOTHER = Person("000099000001", "Nguyễn", "Thị", "Mẫu")
CITIZENS = (
    Citizen(MOTHER, date(1990, 2, 15), "2"),
    Citizen(Person("000099000002", "Trần", "Văn", "Thử"), date(1958, 11, 30), "1"),
    Citizen(
        Person("000099000003", "Lê", "Thí", "Dụ"),
        date(2015, 9, 5),
        "1",
        father=Person(None, "Lê", "", "Giả"),
        mother=MOTHER,
    ),
    Citizen(Person("000099000004", "Lê", "Giả", "Định"), date(1988, 7, 1), "1"),
)


class Register:
    """Answers questions about the citizens it knows."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.make = maker(NAMESPACE)
        self.citizens = {citizen.person.number: citizen for citizen in CITIZENS}

    def find(self, question: Element) -> Citizen:
        citizen = self.citizens.get(text(question, "SoDinhDanh"))
        if citizen is None:
            raise Fault(
                "Không tìm thấy",
                detail=self.make(
                    "KhongTimThay",
                    self.make("MaYeuCau", text(question, "MaYeuCau")),
                    self.make("MaLoi", "DC-404"),
                    self.make("MoTa", "Không có công dân mang số định danh này"),
                ),
            )
        return citizen

    def verify(self, question: Element, request: Request) -> Element:
        """XacThucThongTinCongDan: which of the declared facts agree with the record."""
        citizen = self.find(question)
        declared = tuple(text(question, f"HoVaTen/{part}") for part in ("Ho", "ChuDem", "Ten"))
        wrong = []
        if declared != citizen.person.name:
            wrong.append("HO_VA_TEN")
        if born(question) != citizen.born:
            wrong.append("NGAY_SINH")
        make = self.make
        return make(
            "XacThucThongTinCongDanResponse",
            make("MaYeuCau", text(question, "MaYeuCau")),
            make("TonTai", "true"),
            make("Khop", "false" if wrong else "true"),
            *(make("TruongSai", field) for field in wrong),
            make("ThoiDiem", self.stamp(request)),
        )

    def look_up(self, question: Element, request: Request) -> Element:
        """TraCuuCongDan: the record itself."""
        citizen = self.find(question)
        make = self.make
        record = make(
            "CongDan",
            make("SoDinhDanh", str(citizen.person.number)),
            self.name(citizen.person),
            make("NgaySinh", citizen.born.isoformat() if odd_dates(request) else f"{citizen.born:%Y%m%d}"),
            make("GioiTinh", citizen.gender),
            make("DanToc", "01"),
            make("QuocTich", "VN"),
            make("NoiThuongTru", make("MaXa", "90001"), make("TenXa", "Xã Bến Đá"), make("ChiTiet", "Thôn Thử Nghiệm")),
        )
        for tag, parent in (("Cha", citizen.father), ("Me", citizen.mother)):
            if parent is not None:
                record.append(make(tag, self.number(parent), self.name(parent)))
        answer = make("TraCuuCongDanResponse", make("MaYeuCau", text(question, "MaYeuCau")), record)
        answer.set("ThoiDiemDuLieu", self.stamp(request))
        return answer

    def number(self, person: Person) -> Element:
        element = self.make("SoDinhDanh", person.number or "")
        if person.number is None:
            element.set(XSI_NIL, "true")
        return element

    def name(self, person: Person) -> Element:
        parts = zip(("Ho", "ChuDem", "Ten"), person.name, strict=True)
        return self.make("HoVaTen", *(self.make(tag, part) for tag, part in parts if part))

    def stamp(self, request: Request) -> str:
        moment = self.clock()
        return moment.isoformat(timespec="seconds") if odd_dates(request) else f"{moment:%Y%m%d%H%M%S}"


def born(question: Element) -> date:
    """The date of birth as declared; the XSD lets 31/02 through, a calendar does not."""
    try:
        return datetime.strptime(text(question, "NgaySinh"), "%d/%m/%Y").date()  # noqa: DTZ007 - a date has no zone
    except ValueError:
        raise Fault("Ngày sinh không có trong lịch") from None


def build(password: str, clock: Clock = now) -> Starlette:
    """The population service; `password` is that of the user truc-lien-thong."""
    register = Register(clock)
    service = Service(
        version=SOAP_1_1,
        schema=Schema("population/schemas/dan-cu.xsd"),
        door=UsernameToken("truc-lien-thong", password, clock),
        operations={
            "XacThucThongTinCongDanRequest": register.verify,
            "TraCuuCongDanRequest": register.look_up,
        },
        wsdl=(FOLDER / "population/dan-cu.wsdl").read_bytes(),
    )
    route = Route("/dich-vu", service.__call__, methods=["GET", "POST"])
    return stand_in([route], Memory(clock), rude_fault=service.rude_fault)
