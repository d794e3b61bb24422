"""What a caller over SOAP is answered: a reply, or a fault, in the version and with the headers that it asked with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from adapters.entrance import BASIC
from adapters.problem import BEARER, headers
from adapters.rest import answers
from adapters.soap.addressing import FAULT, Addressing, answering
from adapters.soap.envelope import SoapVersion, enclose
from adapters.soap.multipart import optimized, with_attachments
from adapters.soap.receiving import MEDIA_TYPES
from adapters.soap.refusing import fault, status
from bus.envelope import Attachment, Body
from bus.errors import BusError
from bus.languages import Language, negotiate

DECLARATION: Final = b'<?xml version="1.0" encoding="utf-8"?>'


@dataclass(slots=True)
class Call:
    """What is known of a call so far, for what will answer it; `answer_id` is the answer's
    MessageID; `headers` are those of HTTP once the message is accepted; `takes_xop`: it reads MTOM."""

    answer_id: str
    version: SoapVersion = SoapVersion.V11
    addressing: Addressing | None = None
    takes_xop: bool = False
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def addressed(self, action: str) -> bytes:
        """The answer's header blocks, where the call had some."""
        return answering(self.addressing, action, self.answer_id) if self.addressing else b""


def reply_answer(call: Call, element: bytes, action: str, attachments: Sequence[Attachment] = ()) -> Response:
    """200 with the element in a Body, and what goes along with it."""
    return _answer(call, 200, element, action, attachments)


def fault_answer(
    call: Call, error: BusError, language: Language, *, detail: bytes | None = None, body: Body | None = None
) -> Response:
    """A fault. `detail` is the contract's own, `body` of one that has none."""
    element = fault(call.version, error, language, detail=detail, message=call.message, body=body)
    answer = _answer(call, status(call.version, error), element, FAULT)
    answer.headers.update(headers(error))
    _challenge(answer)
    return answer


def problem_answer(request: Request, error: BusError) -> Response:
    """To a question by GET, an error is said as everywhere else."""
    answer = answers.problem_answer(error, negotiate(request.headers.get("accept-language")))
    _challenge(answer)
    return answer


def _answer(call: Call, code: int, element: bytes, action: str, attachments: Sequence[Attachment] = ()) -> Response:
    media_type = next(name for name, each in MEDIA_TYPES.items() if each is call.version)
    data = DECLARATION + enclose(call.version, element, call.addressed(action))
    kind = f"{media_type}; charset=utf-8"
    if call.takes_xop and code == 200:
        kind, data = optimized(kind, data, attachments)
    else:
        kind, data = with_attachments(kind, data, attachments)
    return Response(data, code, call.headers, kind)


def _challenge(answer: Response) -> None:
    """How a caller may say who it is; most tools that load a WSDL know Basic alone."""
    if answer.status_code == 401:
        del answer.headers["WWW-Authenticate"]
        answer.headers.append("WWW-Authenticate", BASIC)
        answer.headers.append("WWW-Authenticate", BEARER)
