"""What to show of the model province: messages that its systems send, and how each must end.

Nothing here knows the bus: a flow is sent over HTTP by whoever runs it, and compared with `Expected`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Expected:
    """How a flow ends.

    `status` is that of the answer to the POST: 200 a reply, 422 a declared fault, 202 accepted, 400 refused. `fault`
    names the declared fault, also where it ends a `document`. `deliveries` says how each receiver's delivery ends; a
    system that is not named gets nothing. `reply` is what the reply or the fault must hold, by JSON Pointer (RFC 6901).
    """

    status: int
    deliveries: Mapping[str, str] = field(default_factory=dict)
    fault: str = ""
    reply: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Flow:
    """One message: who sends what, and how it must end. `example` is a path in the province's folder.

    `wait` is how many seconds it may take until every delivery has ended. `source` and `target` name the protocols.
    """

    name: str
    title: Mapping[str, str]
    sender: str
    contract: str
    example: str
    expected: Expected
    source: str
    target: str
    media_type: str = "application/json"
    wait: float = 20.0

    @property
    def body(self) -> bytes:
        """The message, as the sender writes it."""
        return (FOLDER / self.example).read_bytes()


REST_JSON = "REST, JSON"
REST_XML = "REST, XML"


def flows() -> tuple[Flow, ...]:
    """In an order that tells a story: the status of a dossier is asked for after the dossier was sent."""
    return (*population(), *health(), *justice(), *environment(), *archive(), *refused())


def population() -> tuple[Flow, ...]:
    """A REST sender asks a SOAP service and reads JSON."""
    return (
        Flow(
            name="verify-citizen",
            title={"vi": "Xác thực công dân", "en": "Verify a citizen"},
            sender="one-stop.province",
            contract="population.citizen-verification",
            example="population/examples/verify-citizen.json",
            expected=Expected(200, {"population.register": "delivered"}, reply={"/matches": True, "/mismatches": []}),
            source=REST_JSON,
            target="SOAP 1.1",
        ),
        Flow(
            name="look-up-citizen",
            title={"vi": "Tra cứu công dân", "en": "Look a citizen up"},
            sender="one-stop.province",
            contract="population.citizen-lookup",
            example="population/examples/look-up-citizen.json",
            expected=Expected(
                200,
                {"population.register": "delivered"},
                reply={"/citizen/birthDate": "2015-09-05", "/citizen/father/name/family": "Lê"},
            ),
            source=REST_JSON,
            target="SOAP 1.1",
        ),
        Flow(
            name="verify-unknown-citizen",
            title={"vi": "Xác thực công dân không có thật", "en": "Verify a citizen who does not exist"},
            sender="one-stop.province",
            contract="population.citizen-verification",
            example="population/examples/verify-unknown-citizen.json",
            expected=Expected(
                422,
                {"population.register": "delivered"},
                fault="not-found",
                reply={"/requestNumber": "MC-261120-0003"},
            ),
            source=REST_JSON,
            target="SOAP 1.1 fault",
        ),
    )


def health() -> tuple[Flow, ...]:
    """Documents for a hospital, acknowledged at once and admitted later."""
    return (
        Flow(
            name="refer-patient",
            title={"vi": "Chuyển tuyến người bệnh", "en": "Refer a patient"},
            sender="health.commune-stations",
            contract="health.patient-referral",
            example="health/examples/referral.json",
            expected=Expected(202, {"his.provincial-hospital": "delivered"}, reply={"/ward": "internal-medicine"}),
            source=REST_JSON,
            target="SOAP 1.2",
        ),
        Flow(
            name="refer-to-full-ward",
            title={"vi": "Chuyển tuyến khi khoa hết giường", "en": "Refer a patient to a full ward"},
            sender="health.commune-stations",
            contract="health.patient-referral",
            example="health/examples/referral-to-full-ward.json",
            expected=Expected(
                202,
                {"his.provincial-hospital": "delivered"},
                fault="bed-unavailable",
                reply={"/ward": "intensive-care"},
            ),
            source=REST_JSON,
            target="SOAP 1.2 fault",
        ),
    )


def justice() -> tuple[Flow, ...]:
    """XML inside JSON, and errors inside HTTP 200."""
    return (
        Flow(
            name="register-birth",
            title={"vi": "Đăng ký khai sinh", "en": "Register a birth"},
            sender="one-stop.province",
            contract="justice.birth-registration",
            example="justice/examples/birth.json",
            expected=Expected(200, {"civil-status.justice": "delivered"}, reply={"/registration/book": 1}),
            source=REST_JSON,
            target="REST, XML inside JSON",
        ),
        Flow(
            name="register-birth-without-papers",
            title={"vi": "Đăng ký khai sinh thiếu giấy tờ", "en": "Register a birth without its papers"},
            sender="one-stop.province",
            contract="justice.birth-registration",
            example="justice/examples/birth-without-papers.json",
            expected=Expected(
                422,
                {"civil-status.justice": "delivered"},
                fault="record-incomplete",
                reply={"/missing": ["birth-certificate"]},
            ),
            source=REST_JSON,
            target="REST, error inside 200",
        ),
        Flow(
            name="ask-dossier-status",
            title={"vi": "Hỏi trạng thái hồ sơ", "en": "Ask for the status of the dossier"},
            sender="one-stop.province",
            contract="justice.dossier-status",
            example="justice/examples/status.json",
            expected=Expected(200, {"civil-status.justice": "delivered"}, reply={"/state": "registered"}),
            source=REST_JSON,
            target="REST, GET",
        ),
    )


def environment() -> tuple[Flow, ...]:
    """One reading, as many shapes as it has subscribers."""
    return (
        Flow(
            name="reading-above-threshold",
            title={"vi": "Số liệu không khí vượt ngưỡng", "en": "An air-quality reading above 100"},
            sender="stations.air-quality",
            contract="environment.air-quality",
            example="environment/examples/reading-above-100.json",
            expected=Expected(202, {"operations-centre.province": "delivered", "environment.department": "delivered"}),
            source=REST_JSON,
            target="REST, JSON and XML",
        ),
        Flow(
            name="reading-below-threshold",
            title={"vi": "Số liệu không khí dưới ngưỡng", "en": "An air-quality reading below 100"},
            sender="stations.air-quality",
            contract="environment.air-quality",
            example="environment/examples/reading-below-100.json",
            expected=Expected(202, {"operations-centre.province": "delivered"}),
            source=REST_JSON,
            target=REST_JSON,
        ),
    )


def archive() -> tuple[Flow, ...]:
    """An old system that writes XML is as good a sender as any."""
    return (
        Flow(
            name="deposit-case-file",
            title={"vi": "Nộp lưu hồ sơ", "en": "Deposit a case file"},
            sender="records.construction",
            contract="archive.case-file",
            example="archive/examples/building-permit.xml",
            expected=Expected(202, {"archive.province": "delivered"}),
            source=REST_XML,
            target=REST_XML,
            media_type="application/xml",
        ),
    )


def refused() -> tuple[Flow, ...]:
    """What never enters: the sender is told at once what to mend."""
    return (
        Flow(
            name="refer-without-diagnosis",
            title={"vi": "Chuyển tuyến thiếu chẩn đoán", "en": "Refer a patient without a diagnosis"},
            sender="health.commune-stations",
            contract="health.patient-referral",
            example="health/examples/no-diagnosis.json",
            expected=Expected(400),
            source=REST_JSON,
            target="refused",
        ),
    )
