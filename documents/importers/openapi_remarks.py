"""What may be said of an OpenAPI document, a JSON Schema or examples."""

from typing import Final

from documents.importers.report import Remark, Severity


def _loss(code: str, en: str, vi: str) -> Remark:
    return Remark(code, Severity.WARNING, en, vi)


def _error(code: str, en: str, vi: str) -> Remark:
    return Remark(code, Severity.ERROR, en, vi)


NO_OPENAPI: Final = _error(
    "no-openapi",
    'there is no OpenAPI document in it: one begins with `openapi: 3…` or `swagger: "2.0"`.',
    'không có tài liệu OpenAPI: tài liệu bắt đầu bằng `openapi: 3…` hoặc `swagger: "2.0"`.',
)
VERSION: Final = _error(
    "openapi-version",
    "OpenAPI {version} is not read: 2.0, 3.0 and 3.1 are.",
    "không đọc OpenAPI {version}: chỉ đọc 2.0, 3.0 và 3.1.",
)
NO_OPERATION: Final = _error(
    "no-operation",
    "nothing in it can be a contract: {count} operations were left out, each for the reason above.",
    "không có gì thành hợp đồng được: {count} thao tác bị bỏ qua, lý do nêu ở trên.",
)
SEVERAL_SERVERS: Final = _loss(
    "servers-several",
    "it names {count} servers: {taken} is called; another is set in the system's document.",
    "tài liệu nêu {count} máy chủ: sẽ gọi {taken}; muốn đổi, hãy sửa trong tài liệu hệ thống.",
)
REFERENCE: Final = _loss(
    "reference-missing",
    "the reference {reference} leads nowhere: what it stood for may be anything.",
    "tham chiếu {reference} không dẫn đến đâu: phần đó được coi là tùy ý.",
)
ODD_NAME: Final = _loss(
    "operation-name",
    "this operation is left out: its name cannot be one of documents.",
    "bỏ qua thao tác này: tên của nó không dùng được trong tài liệu.",
)
QUERY_IN_PATH: Final = _loss(
    "operation-path",
    "this operation is left out: its path holds a query.",
    "bỏ qua thao tác này: đường dẫn chứa chuỗi truy vấn.",
)
NOT_JSON: Final = _loss(
    "operation-media",
    "this operation is left out: it takes {media}, not JSON.",
    "bỏ qua thao tác này: nó nhận {media}, không phải JSON.",
)
NO_JSON_ANSWER: Final = _loss(
    "operation-answer",
    "this operation is left out: its answer is not JSON.",
    "bỏ qua thao tác này: phản hồi của nó không phải JSON.",
)
QUERY_OBJECT: Final = _loss(
    "operation-query",
    "this operation is left out: the parameter {name} of its query is an object.",
    "bỏ qua thao tác này: tham số truy vấn {name} là đối tượng.",
)
BODY_NOT_OBJECT: Final = _loss(
    "operation-body",
    "this operation is left out: its body is no object, and so has no room for its parameters.",
    "bỏ qua thao tác này: thân yêu cầu không phải đối tượng nên không có chỗ cho tham số.",
)
BODY_CLOSED: Final = _loss(
    "operation-body-closed",
    "this operation is left out: its body allows no other members, and so has no room for its parameters.",
    "bỏ qua thao tác này: thân yêu cầu không cho thêm trường nên không có chỗ cho tham số.",
)
LEADS_NOWHERE: Final = _loss(
    "operation-reference",
    "this operation is left out: {reference} leads nowhere.",
    "bỏ qua thao tác này: {reference} không dẫn đến đâu.",
)
HEADER: Final = _loss(
    "header-lost",
    "the header {name} cannot be filled from a message: a fixed value may be written into the system's operation.",
    "không lấy được tiêu đề {name} từ thông điệp: có thể ghi giá trị cố định trong thao tác của hệ thống.",
)
COOKIE: Final = _loss(
    "cookie-lost",
    "the cookie {name} is not sent.",
    "không gửi cookie {name}.",
)
STYLE: Final = _loss(
    "style-lost",
    "the parameter {name} is written as {style} there; the bus writes one pair for each value.",
    "tham số {name} ở đó viết kiểu {style}; trục viết mỗi giá trị một cặp.",
)
FIELD_RENAMED: Final = _loss(
    "field-renamed",
    "the parameter {name} has the name of another field: in messages it is {field}.",
    "tham số {name} trùng tên trường khác: trong thông điệp nó là {field}.",
)
OTHER_MEDIA: Final = _loss(
    "media-lost",
    "of what it takes ({media}) JSON alone is used.",
    "trong các định dạng nhận ({media}) chỉ dùng JSON.",
)
READ_ONLY: Final = _loss(
    "read-only",
    "members that are read only ({names}) are not asked for in requests.",
    "không yêu cầu các trường chỉ đọc ({names}) trong yêu cầu gửi đi.",
)
KEYWORD: Final = _loss(
    "keyword-lost",
    "the keyword {keyword} is left out: its value is none that JSON Schema allows.",
    "bỏ từ khóa {keyword}: giá trị của nó không đúng JSON Schema.",
)
PATTERN: Final = _loss(
    "pattern-lost",
    "a pattern is left out: it needs more than linear time (look-around, back references), or is none of ECMA-262.",
    "bỏ một biểu thức mẫu: không chạy được trong thời gian tuyến tính, hoặc không phải biểu thức ECMA-262.",
)
DISCRIMINATOR: Final = _loss(
    "discriminator-lost",
    "the discriminator {name} does not choose a schema by itself: what the schema's other words allow is allowed.",
    "bộ phân biệt {name} không tự chọn lược đồ: những gì phần còn lại cho phép thì được phép.",
)
EXAMPLE: Final = _loss(
    "example-wrong",
    "an example of it is not what its own schema asks for, and is left out.",
    "một ví dụ không đúng lược đồ của chính nó: bỏ qua.",
)
ANY_REPLY: Final = _loss(
    "reply-open",
    "its answer has no schema: any JSON is taken.",
    "phản hồi không có lược đồ: nhận mọi JSON.",
)
SECRET: Final = _loss(
    "secret-open",
    "callers show {scheme}: give the secret with lgsp secret set {agency} {name}.",
    "bên gọi phải trình {scheme}: hãy đặt bí mật bằng lgsp secret set {agency} {name}.",
)
AUTH: Final = _loss(
    "auth-lost",
    "how callers prove who they are ({scheme}) is not what the bus can do by itself: look at the system's auth.",
    "cách xác thực bên gọi ({scheme}) trục không tự làm được: hãy xem mục auth của hệ thống.",
)
NO_JSON_SCHEMA: Final = _error(
    "no-json-schema",
    "there is no JSON Schema in it: no file ends in .json, .yaml or .yml and holds an object.",
    "không có JSON Schema: không tệp .json, .yaml hoặc .yml nào chứa một đối tượng.",
)
DRAFT: Final = _loss(
    "draft-rewritten",
    "it is written in another draft ({draft}): it was rewritten as JSON Schema 2020-12.",
    "lược đồ viết theo bản nháp khác ({draft}): đã viết lại theo JSON Schema 2020-12.",
)
SCHEMA_WRONG: Final = _error(
    "json-schema-unusable",
    "it cannot be used: {why}.",
    "không dùng được: {why}.",
)
NO_EXAMPLES: Final = _error(
    "no-examples",
    "there are no example messages in it: JSON objects, one a file, end in .json.",
    "không có thông điệp mẫu: mỗi tệp .json một đối tượng JSON.",
)
GUESSED: Final = _loss(
    "schema-guessed",
    "the schema is what {count} examples have in common: look at what is required, and at what values there may be.",
    "lược đồ rút từ {count} ví dụ: hãy xem lại trường bắt buộc và giá trị cho phép.",
)
XML_EXAMPLES: Final = _loss(
    "example-xml",
    "it is XML: of XML a schema is not guessed; import the XSD.",
    "đây là XML: không đoán lược đồ từ XML; hãy nhập XSD.",
)
