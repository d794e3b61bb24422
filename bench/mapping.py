"""What a mapping costs: the reshape of a patient referral into fourteen fields of a hospital's own.

``python -m bench.mapping`` prints microseconds, the best of several rounds.
"""

import timeit
from collections.abc import Mapping
from functools import partial
from typing import NoReturn

from transforms.mapping import compile_mapping

FIELDS: Mapping[str, object] = {
    "SoPhieu": "referralNumber",
    "NgayGioChuyen": {"from": "referredAt", "date": "yyyyMMddHHmmss"},
    "MaCoSoChuyen": "from.agency",
    "TenCoSoChuyen": "from.name",
    "HoTen": {"from": "patient.name", "case": "upper"},
    "SoDinhDanh": {"from": "patient.identityNumber", "required": True},
    "NgaySinh": {"from": "patient.birthDate", "date": "dd/MM/yyyy"},
    "GioiTinh": {"from": "patient.gender", "codeList": "gender-his"},
    "DienThoai": "contacts[0].phone",
    "DiaChi": {"concat": ["patient.street", "patient.ward", "patient.province"], "separator": ", "},
    "LyDo": {"from": "reason", "default": ""},
    "DSChanDoan": {"each": "diagnoses", "fields": {"Ma": "code", "Ten": "name"}},
    "CanXe": {"from": "ambulance", "boolean": ["True", "False"]},
    "PhienBan": {"value": "1.0"},
}

MESSAGE = {
    "referralNumber": "CT-0001",
    "referredAt": "2026-11-20T08:15:00+07:00",
    "from": {"agency": "H99.05.02", "name": "Trạm y tế xã"},
    "patient": {
        "name": "Trần Văn Thử",
        "identityNumber": "000099000002",
        "birthDate": "1958-11-30",
        "gender": "male",
        "street": "1 Lê Lợi",
        "ward": "Phường Trung Tâm",
        "province": "Tỉnh Mẫu",
    },
    "contacts": [{"phone": "0900000002"}],
    "diagnoses": [{"code": "J18.9", "name": "Viêm phổi"}, {"code": "I10", "name": "Tăng huyết áp"}],
    "ambulance": True,
}


def _no_views(schema: str, element: str) -> NoReturn:
    raise LookupError(schema, element)


def run(rounds: int = 7, calls: int = 5_000) -> dict[str, float]:
    """Microseconds for one message: the plain reshape, and with one condition in JMESPath besides."""
    lists = {"gender-his": {"male": "1", "female": "2"}}
    condition = {
        "CapCuu": {"when": "ambulance && length(diagnoses) > 1", "then": {"value": "1"}, "else": {"value": "0"}}
    }
    found = {}
    for name, fields in {"fourteenFields": FIELDS, "withOneCondition": {**FIELDS, **condition}}.items():
        mapping = compile_mapping(name, fields, code_lists=lists, views=_no_views)
        found[name] = min(timeit.repeat(partial(mapping, MESSAGE), number=calls, repeat=rounds)) / calls * 1e6
    return found


if __name__ == "__main__":
    for name, microseconds in run().items():
        print(f"{name}: {microseconds:.1f} µs")
