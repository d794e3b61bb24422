"""What the bus says, in Vietnamese and in English.

The English of an error is its docstring; the Vietnamese stands here under its code, with the same facts in braces.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from bus.errors import BusError, Finding, fill


class Language(StrEnum):
    VI = "vi"
    EN = "en"


def negotiate(accept_language: str | None) -> Language:
    """The better liked of the two by Accept-Language (RFC 9110 §12.5.4); Vietnamese where neither is."""
    best, best_quality = Language.VI, 0.0
    for part in (accept_language or "").lower().split(","):
        tag, _, parameter = part.strip().partition(";")
        language = tag.partition("-")[0]
        try:
            quality = float(parameter.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        if language in set(Language) and quality > best_quality:
            best, best_quality = Language(language), quality
    return best


def say(error: BusError, language: Language) -> str:
    """The message of an error, its facts filled in."""
    if language is Language.EN:
        return error.text
    return fill(VIETNAMESE[error.code], error.facts)


def say_finding(finding: Finding, language: Language) -> str:
    """One sentence about one thing wrong with a body."""
    english, vietnamese = FINDINGS.get(finding.rule, OTHER_FINDING)
    template = english if language is Language.EN else vietnamese
    return fill(template, {"rule": finding.rule, "limit": finding.limit or "-"})


OTHER_FINDING = ("Breaks the rule {rule} ({limit}).", "Vi phạm quy tắc {rule} ({limit}).")

FINDINGS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "additionalProperties": (
            "Has fields that the contract does not name.",
            "Có trường mà hợp đồng không khai báo.",
        ),
        "const": ("Must be the one value that the contract names.", "Phải đúng giá trị mà hợp đồng quy định."),
        "enum": (
            "Must be one of the values that the contract lists.",
            "Phải là một trong các giá trị hợp đồng liệt kê.",
        ),
        "exclusiveMaximum": ("Must be less than {limit}.", "Phải nhỏ hơn {limit}."),
        "exclusiveMinimum": ("Must be greater than {limit}.", "Phải lớn hơn {limit}."),
        "format": ("Must be written as {limit}.", "Phải viết theo dạng {limit}."),
        "in-path-or-query": (
            "Belongs into the path or the query here, not into the body.",
            "Ở đây phải nằm trong đường dẫn hoặc tham số, không nằm trong nội dung.",
        ),
        "maximum": ("Must be at most {limit}.", "Không được lớn hơn {limit}."),
        "maxItems": ("Has more items than the contract allows: {limit}.", "Không được quá {limit} phần tử."),
        "maxLength": (
            "Has more characters than the contract allows: {limit}.",
            "Không được dài quá {limit} ký tự.",
        ),
        "minimum": ("Must be at least {limit}.", "Không được nhỏ hơn {limit}."),
        "minItems": ("Has fewer items than the contract wants: {limit}.", "Phải có ít nhất {limit} phần tử."),
        "minLength": (
            "Has fewer characters than the contract wants: {limit}.",
            "Phải dài ít nhất {limit} ký tự.",
        ),
        "pattern": ("Must match the pattern {limit}.", "Phải khớp với mẫu {limit}."),
        "required": ("Lacks the field {limit}.", "Thiếu trường {limit}."),
        "type": ("Must be of type {limit}.", "Phải có kiểu {limit}."),
        "unknown-attribute": (
            "Has an attribute that the contract does not name.",
            "Có thuộc tính XML mà hợp đồng không khai báo.",
        ),
        "unknown-element": (
            "Has an element that the contract does not name, or not at this place.",
            "Có phần tử XML mà hợp đồng không khai báo, hoặc không khai báo ở chỗ này.",
        ),
        "unevaluatedProperties": (
            "Has fields that the contract does not name.",
            "Có trường mà hợp đồng không khai báo.",
        ),
        "uniqueItems": ("Its items must differ from each other.", "Các phần tử phải khác nhau."),
    }
)

VIETNAMESE: Mapping[str, str] = MappingProxyType(
    {
        "token-missing": "Cần có mã truy cập: xin mã bằng POST /token rồi gửi trong Authorization: Bearer. Hoặc xuất"
        " trình chứng thư máy khách mà tài liệu của hệ thống đã khai.",
        "token-invalid": "Mã truy cập không phải do trục này cấp, hoặc đã bị sửa trên đường truyền.",
        "token-expired": "Mã truy cập đã hết hạn: xin mã mới bằng POST /token.",
        "token-revoked": "Thông tin xác thực của mã truy cập này đã bị thu hồi: hãy xin quản trị viên cấp lại.",
        "certificate-unknown": "Chứng thư này không có trong tài liệu của hệ thống nào: quản trị viên của hệ thống cần"
        " thêm vào `certificates`, hoặc vào `signedBy` nếu dùng để ký thông điệp SOAP.",
        "certificate-not-valid": "Chứng thư này có hiệu lực từ {begins} đến {ends}, không phải lúc này: hãy dùng chứng"
        " thư kế tiếp.",
        "proxy-unknown": "Chỉ proxy của chính trục mới được cho biết bằng Client-Cert chứng thư nào đã được xuất trình,"
        " và LGSP_PROXIES không có địa chỉ này.",
        "grant-missing": "Hệ thống {system} chưa được cấp quyền gửi {contract}: hãy đề nghị đơn vị chủ quản {owner}.",
        "receiver-not-granted": "Hệ thống {system}, nơi sẽ nhận {contract}, chưa được cấp quyền nhận: hãy báo đơn vị"
        " chủ quản {owner}.",
        "quota-exceeded": "Hệ thống {system} không được gửi hay hỏi quá {limit}: hãy đợi đủ thời gian ghi trong"
        " Retry-After rồi gửi tiếp.",
        "path-unknown": "Không có gì tại đường dẫn này.",
        "method-not-allowed": "Đường dẫn này không nhận phương thức đó.",
        "contract-unknown": "Không có hợp đồng nào mang tên này.",
        "version-unknown": "Hợp đồng {contract} không có phiên bản {version} đang hiệu lực.",
        "message-unknown": "Hệ thống này không có thông điệp đó.",
        "delivery-unknown": "Không có lượt giao {delivery}: mã có trong `lgsp dead list` và trong diễn biến của"
        " thông điệp.",
        "change-forbidden": "{name} đang ở trạng thái {state}: không thể {change}.",
        "own-proposal": "Người đã đề xuất {name} không được tự phê duyệt: phải do người khác phê duyệt.",
        "sunset-ahead": "{name} được cam kết duy trì đến {sunset}: chỉ ngừng từ ngày đó trở đi, hoặc đặt lại ngày bằng"
        " cách thông báo ngừng lần nữa.",
        "grant-unknown": "Không có quyền {name}.",
        "contract-retired": "Hợp đồng {contract} {version} đã ngừng: không còn nhận thông điệp theo phiên bản này."
        " Phiên bản dùng thay: {instead}.",
        "request-invalid": "Lời gọi này không đúng mô tả của API. Xem `errors` để biết chỗ sai.",
        "body-not-json": "Nội dung của lời gọi này là JSON: hãy gửi với Content-Type: application/json.",
        "cross-site": "Một trang web khác đã khiến trình duyệt gửi yêu cầu này. Chưa có gì thay đổi: hãy dùng chính các"
        " trang của trục.",
        "resource-unknown": "Không có {kind} {name} ở đây. Danh sách cho biết có những gì.",
        "precondition-missing": "{name} đã có: hãy dùng If-Match để cho biết bạn đã xem trạng thái nào (ETag), để không"
        " ghi đè thay đổi của người khác.",
        "credentials-enough": "{system} đã có {count} thông tin xác thực đang hiệu lực: hãy thu hồi cái không còn"
        " dùng.",
        "secret-detached": "Địa chỉ của {system} đã chuyển sang máy chủ khác; không bí mật nào được gửi tới đó trước"
        " khi quản trị viên xác nhận: qua API quản trị, hoặc bằng `lgsp system confirm`.",
        "precondition-failed": "{name} không còn như bạn đã xem: có người đã thay đổi, hoặc không có. Chưa có gì thay"
        " đổi: hãy đọc lại.",
        "registry-changed": "Người khác đã thay đổi cấu hình trong lúc đó, ở bản {revision}. Chưa có gì được ghi: hãy"
        " xem lại hiện trạng rồi thử lại.",
        "lease-ended": "Lần giao thứ {attempt} của bản tin này đã kết thúc: đã được trả lời khác đi, hoặc không kịp"
        " thời hạn. Lần giao tiếp theo có số lớn hơn.",
        "inbox-missing": "Hệ thống {system} không có hộp thư: trục gọi đến nó, hoặc nó chỉ gửi. Tài liệu của nó"
        " ghi rõ điều đó (`adapter: inbox`).",
        "out-of-order": "Một lượt giao sau trong cùng thứ tự đang được giao hoặc đã đến nơi: {delivery} sẽ sai thứ tự."
        " Hãy giao lại với --out-of-order nếu nơi nhận chấp nhận.",
        "reply-missing": "Thông điệp này không có phản hồi: hợp đồng thuộc loại {exchange}.",
        "request-malformed": "Đây không phải một yêu cầu theo HTTP/1.1 (RFC 9112).",
        "head-too-large": "Dòng yêu cầu và các tiêu đề lớn hơn {limit} byte, hoặc quá nhiều.",
        "head-timeout": "Dòng yêu cầu và các tiêu đề không đến đủ trong {limit} giây.",
        "query-invalid": "Tham số {name} không hợp lệ: {hint}.",
        "header-invalid": "Tiêu đề {name} không hợp lệ: {hint}.",
        "event-invalid": "Đây không phải CloudEvent phiên bản 1.0, vì {name}: {hint}.",
        "reply-gone": "Phản hồi đã được giữ đủ thời hạn mà hợp đồng quy định và không còn nữa.",
        "idempotency-key-reused": "Idempotency-Key này, hoặc source và id của sự kiện, đã dùng cho nội dung khác: thông"
        " điệp {message}. Hãy dùng giá trị mới cho thông điệp mới.",
        "body-too-large": "Nội dung lớn hơn mức cho phép là {limit} byte.",
        "body-timeout": "Nội dung không đến đủ trong {limit} giây.",
        "body-cut": "Kết nối kết thúc trước khi nội dung đến đủ.",
        "media-type-unsupported": "Hợp đồng này nhận {expected}; hãy ghi đúng trong Content-Type.",
        "charset-unsupported": "Nội dung không ở dạng UTF-8 hoặc khai báo bảng mã khác: hãy gửi UTF-8.",
        "encoding-unsupported": "Không nhận nội dung nén: hãy gửi không kèm Content-Encoding.",
        "json-malformed": "Nội dung không phải JSON (RFC 8259): xem dòng {line}, cột {column}.",
        "json-forbidden": "JSON này không thể chuyển tiếp an toàn: {hint}.",
        "xml-malformed": "Nội dung không phải XML đúng cú pháp: xem dòng {line}.",
        "xml-forbidden": "XML này không thể chuyển tiếp an toàn: {hint}.",
        "body-invalid": "Nội dung sai với hợp đồng {contract} ở {count} chỗ.",
        "authentication-missing": "Lời gọi phải cho biết ai gửi: bằng Basic hay Bearer trong Authorization, bằng chứng"
        " thư máy khách, hoặc qua SOAP bằng WS-Security.",
        "envelope-invalid": "Không nhận được phong bì SOAP này: {hint}.",
        "multipart-invalid": "Nội dung không gồm các phần như đã khai, hoặc có phần không nhận được: {hint}.",
        "attachments-refused": "Không nhận được tệp đính kèm: {hint}.",
        "attachment-unknown": "Không có tệp đính kèm này, hoặc tệp đã hết hạn lưu.",
        "soap-version": "Phong bì không đúng phiên bản ghi trong Content-Type: SOAP 1.1 là text/xml, 1.2 là"
        " application/soap+xml.",
        "soap-must-understand": "Có tiêu đề bắt buộc phải hiểu mà trục không biết: trục biết WS-Addressing 1.0 và"
        " WS-Security 1.0 với UsernameToken.",
        "addressing-invalid": "Không làm theo được các tiêu đề WS-Addressing: {hint}.",
        "security-invalid": "Tiêu đề WS-Security không chứng minh được gì: {hint}.",
        "security-replayed": "Nonce của UsernameToken đã được dùng: hãy tạo nonce mới cho mỗi lời gọi.",
        "not-in-xml": "Không gọi được hợp đồng {contract} qua SOAP, vì không có lược đồ XML nào mô tả nó: hãy gửi JSON"
        " bằng POST /messages/{contract}.",
        "soap-operation-unknown": "Dịch vụ không có thao tác nào cho nội dung trong Body: hãy xem WSDL của dịch vụ.",
        "reply-pending": "Thông điệp {message} đã được nhận, phản hồi chưa đến: hãy hỏi lại với cùng Idempotency-Key"
        " hay wsa:MessageID, hoặc GET /messages/{message}/reply.",
        "reply-inexpressible": "Phản hồi của thông điệp {message} không viết được thành XML: hãy lấy bằng"
        " GET /messages/{message}/reply.",
        "declared-fault": "Nơi nhận trả lời lỗi {fault}, là lỗi hợp đồng đã khai báo.",
        "receiver-refused": "Nơi nhận không tiếp nhận thông điệp này; người vận hành trục đã được báo.",
        "receiver-misconfigured": "Trục và nơi nhận chưa khớp thông tin xác thực hoặc chứng thư; người vận hành trục đã"
        " được báo.",
        "reply-invalid": "Phản hồi của nơi nhận sai hợp đồng; phản hồi được giữ lại, người vận hành trục đã được báo.",
        "outcome-unknown": "Đã gọi nơi nhận nhưng không có trả lời: có thể đã hoặc chưa xử lý. Hãy hỏi nơi nhận trước"
        " khi gửi lại.",
        "message-expired": "Thông điệp hết hạn trước khi liên lạc được với nơi nhận.",
        "backlog": "Hệ thống {system} đã có đủ số thông điệp chờ cho phép: hãy thử lại sau.",
        "route-missing": "Chưa có tuyến dẫn hợp đồng {contract} đến hệ thống nhận; đơn vị chủ quản {owner} cần thêm.",
        "overloaded": "Trục đang có nhiều việc ghi hơn khả năng: hãy thử lại ngay sau đây.",
        "commit-in-doubt": "Chưa chắc thông điệp {message} đã được ghi: hãy hỏi trạng thái, hoặc gửi lại với cùng"
        " Idempotency-Key.",
        "journal-unavailable": "Trục chưa ghi được nhật ký: hãy thử lại ngay sau đây.",
        "disk-low": "Trục còn quá ít dung lượng đĩa để tiếp nhận: hãy thử lại sau.",
        "draining": "Tiến trình này sắp kết thúc và không nhận thêm lời gọi: đã có tiến trình khác.",
        "snapshot-stale": "Tiến trình này chưa làm mới được cấu hình trong {seconds} giây: hãy thử lại ngay sau đây.",
        "internal-error": "Trục gặp lỗi của chính mình; người vận hành đã được báo.",
        "illegal-transition": "Lượt giao đang ở trạng thái {state} không thể {change}.",
        "document-invalid": "Tài liệu cấu hình sai ở {count} chỗ.",
        "schema-invalid": "Không dùng được lược đồ {schema}: {rule} tại {place}.",
        "secret-missing": "Đơn vị {agency} chưa có bí mật {name}: đặt bằng `lgsp secret set {agency} {name}`.",
        "setting-invalid": "Thiết lập {name} không đúng: {hint}.",
        "folder-in-use": "Một `lgsp up` khác đang giữ thư mục dữ liệu; hãy dừng nó hoặc chọn thư mục khác bằng --data.",
        "gateway-unreachable": "Trục tại {url} không trả lời: hãy xem `lgsp up` có đang chạy không.",
        "transform-too-costly": "Phép chuyển đổi {transform} đã bị dừng: nó cần hơn {limit}. Hãy làm nó đơn giản hơn"
        " hoặc gửi thông điệp nhỏ hơn.",
        "transform-unavailable": "Hiện không có tiến trình rảnh cho phép chuyển đổi {transform}: sẽ thử lại sau.",
        "transform-failed": "Phép chuyển đổi {transform} không tạo được kết quả: {rule} tại {place}.",
        "agency-code-invalid": "Mã định danh cơ quan không đúng: {hint}.",
        "credential-invalid": "Không có hệ thống đó, bí mật không đúng, hoặc thông tin xác thực đã bị thu hồi.",
        "sign-in-refused": "Tên đăng nhập hoặc mật khẩu không đúng, hoặc tài khoản đã bị khóa.",
        "sign-in-limited": "Đã thử đăng nhập quá nhiều lần: hãy đợi đúng thời gian ghi ở Retry-After rồi thử lại.",
        "role-missing": "Việc này ({action}) cần một trong các vai trò: {roles}.",
        "person-unknown": "Không có ai tên {name}: xem `lgsp user list`.",
        "person-exists": "Đã có người dùng tên {name}.",
        "person-invalid": "Thông tin người dùng không đúng: {hint}.",
        "password-unfit": "Không dùng được mật khẩu này: {hint}.",
        "last-administrator": "{name} là quản trị viên cuối cùng còn hoạt động: hãy trao vai trò administrator cho"
        " người khác trước.",
        "secret-invalid": "Không dùng được bí mật: {hint}.",
        "key-missing": "Vòng khóa không có khóa cho {purpose}: tạo bằng `lgsp key rotate {purpose}`.",
        "key-unreadable": "Không mở được khóa {kid}: không đúng khóa chủ đã niêm phong, hoặc dữ liệu đã bị sửa.",
    }
)
