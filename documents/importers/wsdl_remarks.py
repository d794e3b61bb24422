"""What may be said of a WSDL."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from bus.errors import Finding
from documents.importers.report import Note, Remark, Severity


def _wrong(code: str, en: str, vi: str) -> Remark:
    return Remark(code, Severity.ERROR, en, vi)


def _loss(code: str, en: str, vi: str) -> Remark:
    return Remark(code, Severity.WARNING, en, vi)


NO_WSDL = _wrong(
    "no-wsdl", "there is no WSDL in it: no file ends in .wsdl.", "không có WSDL: không tệp nào có đuôi .wsdl."
)
FILE_MISSING = _wrong("wsdl-file-missing", "this file is not there.", "thiếu tệp này: hãy đặt vào cùng chỗ.")
NOT_WSDL = _wrong("wsdl-not", "this is no WSDL 1.1: {limit}.", "đây không phải WSDL 1.1: {limit}.")
IMPORT_MISSING = _wrong(
    "wsdl-import-missing",
    "it imports what is not here: {limit}.",
    "có nhập (import) tài liệu không có ở đây: {limit}.",
)
SCHEMA_MISSING = _wrong(
    "wsdl-schema-missing",
    "{limit}; put that file beside this one, and what it includes itself.",
    "thiếu lược đồ: {limit}; hãy đặt tệp đó cạnh tệp này, kèm những gì nó gọi tới.",
)
MALFORMED = _wrong("wsdl-malformed", "it is not well-formed XML: {limit}.", "XML sai cú pháp: {limit}.")
FORBIDDEN = _wrong(
    "wsdl-forbidden", "it is not read for safety's sake: {limit}.", "không đọc vì lý do an toàn: {limit}."
)
CHARSET = _wrong("wsdl-charset", "it is not in UTF-8: save it so.", "tệp không ở dạng UTF-8: hãy lưu lại.")
MESSAGE_MISSING = _wrong("wsdl-message-missing", "{limit}.", "gọi tới message không có: {limit}.")
PORT_TYPE_MISSING = _wrong("wsdl-port-type-missing", "{limit}.", "gọi tới portType không có: {limit}.")
BINDING_MISSING = _wrong("wsdl-binding-missing", "{limit}.", "gọi tới binding không có: {limit}.")
SERVICE_MISSING = _wrong(
    "wsdl-service-missing",
    "it has no service with a port for SOAP over HTTP: give the WSDL that has one.",
    "không có service nào với cổng SOAP qua HTTP: hãy đưa tệp WSDL có service.",
)
PORTS_OTHER = _wrong(
    "wsdl-ports-other",
    "none of its ports speaks SOAP over HTTP, {limit}.",
    "không cổng nào dùng SOAP qua HTTP: {limit}.",
)
NOTHING_USABLE = _wrong(
    "wsdl-operations-unusable",
    "none of its operations can be called: {limit}.",
    "không gọi được thao tác nào: {limit}.",
)
INCONSISTENT = _wrong("wsdl-inconsistent", "it contradicts itself: {limit}.", "mô tả tự mâu thuẫn: {limit}.")
SERVICE_UNKNOWN = _wrong("wsdl-service-unknown", "{limit}.", "không có service đó: {limit}.")
PORT_UNKNOWN = _wrong("wsdl-port-unknown", "{limit}.", "không có cổng (port) đó: {limit}.")
SCHEMA_INVALID = _wrong("wsdl-schema-invalid", "{limit}", "lược đồ trong đó không dùng được: {limit}")

BY_RULE: Final = {
    "file-missing": FILE_MISSING,
    "not-wsdl": NOT_WSDL,
    "import-missing": IMPORT_MISSING,
    "schema-missing": SCHEMA_MISSING,
    "xml-malformed": MALFORMED,
    "xml-forbidden": FORBIDDEN,
    "charset-unsupported": CHARSET,
    "message-missing": MESSAGE_MISSING,
    "portType-missing": PORT_TYPE_MISSING,
    "binding-missing": BINDING_MISSING,
    "service-missing": SERVICE_MISSING,
    "ports-other": PORTS_OTHER,
    "operations-unusable": NOTHING_USABLE,
    "wsdl-inconsistent": INCONSISTENT,
    "service-unknown": SERVICE_UNKNOWN,
    "port-unknown": PORT_UNKNOWN,
    "schema-invalid": SCHEMA_INVALID,
}
"""The remark for each rule of `adapters.soap.wsdl`."""

DANGLING = _loss(
    "wsdl-dangling",
    "{limit}; what depends on it is left out.",
    "có chỗ gọi tới phần không có ({limit}); bỏ qua những gì phụ thuộc nó.",
)
PORT_SAME = _loss(
    "port-left-out",
    "the port {port} has the same operations as {taken}, by which they are called: it is left out.",
    "cổng {port} có cùng thao tác với {taken} là cổng được dùng: bỏ qua.",
)
PORT_UNUSABLE = _loss(
    "port-unusable",
    "the port {port} is left out: {reason}.",
    "bỏ qua cổng {port}: {reason}.",
)
OPERATION_LEFT_OUT = _loss(
    "operation-left-out",
    "the operation {operation} is left out: {reason}.",
    "bỏ qua thao tác {operation}: {reason}.",
)
OPERATION_NAME = _loss(
    "operation-name",
    "the operation {operation} has a name that documents cannot hold: it is left out.",
    "thao tác {operation} có tên mà tài liệu không ghi được: bỏ qua.",
)
ELEMENT_MISSING = _loss(
    "operation-element-missing",
    "the operation {operation} is left out: no schema declares {element}, which it carries.",
    "bỏ qua thao tác {operation}: không lược đồ nào khai báo {element}.",
)
HEADERS = _loss(
    "headers-not-sent",
    "these operations declare header blocks, which are sent once `soap.headers` of the system says what stands in"
    " them: {operations}. The blocks: {headers}.",
    "các thao tác này khai báo khối header, chỉ gửi khi `soap.headers` của hệ thống nêu nội dung: {operations}."
    " Các khối: {headers}.",
)
ATTACHMENTS = _loss(
    "attachments-declared",
    "these operations have attachments (MIME), and their contracts take as many, of these types, of 10 MiB together:"
    " {operations}.",
    "các thao tác này có tệp đính kèm (MIME); hợp đồng nhận đúng số tệp và kiểu tệp đó, tổng cộng tối đa 10 MiB:"
    " {operations}.",
)
ADDRESSING = _loss(
    "addressing-asked",
    "it asks for WS-Addressing: {system} is called with the headers of edition {edition}.",
    "dịch vụ đòi WS-Addressing: {system} được gọi kèm tiêu đề của bản {edition}.",
)
MTOM = _loss(
    "mtom-asked",
    "it asks for MTOM: requests to {system} are sent in parts, with what is long and in base64 as bytes.",
    "dịch vụ đòi MTOM: yêu cầu tới {system} được gửi thành nhiều phần, dữ liệu base64 dài đi dưới dạng byte.",
)
SECURITY = _loss(
    "security-asked",
    "it asks for WS-Security: say in `auth` of {system} who calls, by the scheme {schemes}.",
    "dịch vụ đòi WS-Security: hãy khai báo bên gọi trong `auth` của {system}, theo kiểu {schemes}.",
)
GUESSED = _loss(
    "binding-guessed",
    "a port names a binding that is not there: {limit}, which is taken.",
    "cổng gọi tới binding không có ({limit}); dùng binding duy nhất có trong tệp.",
)
ENCODED = _loss(
    "soap-encoding",
    "the operations of {port} are rpc/encoded, which WS-I forbids: types are written on requests, references in answers"
    " followed; try each before you rely on it.",
    "các thao tác của {port} theo kiểu rpc/encoded, WS-I không cho phép: hãy thử từng thao tác trước khi dùng thật.",
)
FACETS = _loss(
    "facets-not-stated",
    "the JSON Schema of {payload} does not state all that the XSD does; the receiver will check it: {facets}.",
    "JSON Schema của {payload} không nêu hết ràng buộc của XSD; nơi nhận sẽ kiểm: {facets}.",
)
ENDPOINT_OPEN = _loss(
    "endpoint-open",
    "it does not say where the service answers: write the endpoint of {system}, or import with --endpoint.",
    "không cho biết địa chỉ dịch vụ: hãy ghi endpoint của {system}, hoặc nhập với --endpoint.",
)
RPC_IN_JSON = _loss(
    "rpc-in-json",
    "the operation {operation} is rpc, for whose XML there is no schema that others know: its contract is in JSON.",
    "thao tác {operation} theo kiểu rpc, không có lược đồ XML công bố: hợp đồng của nó dùng JSON.",
)

# Why an operation cannot be called, as `adapters.soap.wsdl` says it, in Vietnamese.
_REASONS: Final = (
    (r"its port type does not have it", "portType không có nó"),
    (r"there are several of this name", "có nhiều thao tác cùng tên"),
    (r"its soapAction cannot be sent in a header", "soapAction không gửi được trong tiêu đề HTTP"),
    (r"its style is document and its use encoded.*", "kiểu document/encoded, mỗi nơi hiểu một cách"),
    (r"a part of its (\w+) has a type, not an element.*", "một part khai báo type thay vì element"),
    (r"its (\w+) has (\d+) elements in the Body, not one", "Body có \\2 phần tử thay vì một"),
    (r"its style is rpc, and a schema declares an element (\S+) of its own", "kiểu rpc, mà lược đồ đã khai báo \\1"),
    (r"it carries an element (\S+) that another.*", "phần tử \\1 mang nội dung khác với thao tác khác"),
)


class Reason(str):
    """A reason in English that knows its Vietnamese."""

    __slots__ = ()

    @property
    def vi(self) -> str:
        for pattern, words in _REASONS:
            if found := re.fullmatch(pattern, self):
                return found.expand(words)
        return str(self)


def notes_of(findings: Iterable[Finding]) -> Iterator[Note]:
    """What `adapters.soap.wsdl` found, as notes."""
    for each in findings:
        yield Note(BY_RULE[each.rule], each.place, {"limit": each.limit.rstrip(".")})
