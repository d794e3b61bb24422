"""Transforms that run in processes of their own: 100 kB of XML through a stylesheet, and a reshape in JSONata.

Beside each stands the same without a process between: what lxml and jsonata-python do by themselves, one after the
other. Several documents are under way at a time, as a worker has them.
"""

import os
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import orjson

from bench.figures import Run, show
from bench.load import percentiles
from bench.mapping import MESSAGE
from bench.processes import memory
from transforms.apart.jsonata_program import compile_jsonata
from transforms.apart.pool import Pool
from transforms.apart.program import Program
from transforms.apart.xslt_program import compile_xslt

AT_ONCE: Final = 4
SECONDS: Final = 10.0
BYTES: Final = 100_000
LISTS: Final = {
    "gender-insurer": {"nam": "1", "nu": "2"},
    "gender-his": {"male": "1", "female": "2"},
}
SHEET: Final = Path(__file__).with_name("discharges.xsl")
EXPRESSION: Final = """{
  "SoPhieu": referralNumber, "NgayGioChuyen": referredAt, "MaCoSoChuyen": from.agency, "TenCoSoChuyen": from.name,
  "HoTen": $uppercase(patient.name), "SoDinhDanh": patient.identityNumber, "NgaySinh": patient.birthDate,
  "GioiTinh": $code("gender-his", patient.gender), "DienThoai": contacts[0].phone,
  "DiaChi": $join([patient.street, patient.ward, patient.province], ", "), "LyDo": $exists(reason) ? reason : "",
  "DSChanDoan": diagnoses.{"Ma": code, "Ten": name}, "CanXe": ambulance ? "True" : "False", "PhienBan": "1.0"
}"""


def discharges(size: int = BYTES) -> bytes:
    """A month of discharges of about so many bytes; the same each time."""
    chance = random.Random(2026)
    out = ['<DanhSach xmlns="urn:h99:xuat-vien"><Thang>2026-10</Thang><CoSo ma="H99.05.01"/>']
    written = len(out[0])
    while written < size:
        lines = "".join(_line(chance) for _ in range(chance.randrange(2, 9)))
        stay = (
            f'<RaVien so="{len(out):06}"><Khoa>{chance.choice(("Nội", "Ngoại", "Nhi", "Sản", "Mắt"))}</Khoa>'
            f"<NguoiBenh><HoTen> Trần Văn  Thử {chance.randrange(999)} </HoTen>"
            f"<GioiTinh>{chance.choice(('nam', 'nu'))}</GioiTinh>"
            f"<NgaySinh>19{chance.randrange(40, 99)}-11-30</NgaySinh>"
            f"</NguoiBenh><NgayRa>2026-10-{chance.randrange(1, 31):02}</NgayRa>"
            f"<ChanDoan><Ma>j18.9</Ma><Ma>i{chance.randrange(10, 99)}</Ma></ChanDoan><DichVu>{lines}</DichVu></RaVien>"
        )
        out.append(stay)
        written += len(stay.encode())
    return ("".join(out) + "</DanhSach>").encode()


def _line(chance: random.Random) -> str:
    name = chance.choice(("Công khám bệnh ngoại trú", "Xét nghiệm công thức máu", "Paracetamol 500 mg, viên nén"))
    amount = f'soLuong="{chance.randrange(1, 30)}" tien="{chance.randrange(9_000_000)}"'
    return f'<Dong ma="{chance.choice("TXK")}{chance.randrange(9_999):04}" ten="{name}" donVi="Lần" {amount}/>'


def measure(run: Run, _folder: Path) -> None:
    files = {"discharges.xsl": SHEET.read_bytes()}
    sheet = Program("discharges", "xslt", "discharges.xsl", files, LISTS)
    reshape = Program("reshape", "jsonata", "expression", {"expression": EXPRESSION.encode()}, LISTS)
    month, message = discharges(), orjson.dumps(MESSAGE)
    run.figures |= {"xsltDocumentBytes": len(month), "jsonataDocumentBytes": len(message)}
    alone = {"xslt": compile_xslt(sheet), "jsonata": compile_jsonata(reshape)}
    with Pool() as pool:
        for name, program, data in (("xslt", sheet, month), ("jsonata", reshape, message)):
            run.figures[f"{name}ResultBytes"] = len(pool.run(program, data).data)
            _keep(run, f"{name}Alone", 1, lambda call=alone[name], data=data: call(data))  # type: ignore[misc]
            spent = _processor(pool.pids)
            count = _keep(run, name, AT_ONCE, lambda program=program, data=data: pool.run(program, data))  # type: ignore[misc]
            run.figures[f"{name}ProcessorMs"] = round((_processor(pool.pids) - spent) * 1000 / count, 2)
            run.ratio(f"{name}OfAlone", f"{name}PerSecond", f"{name}AlonePerSecond")
        run.figures["processes"] = len(pool.pids)
        run.figures["processMiB"] = max(round(memory(pid)) for pid in pool.pids)


def _processor(pids: Sequence[int]) -> float:
    """Seconds of processor time that these processes have used."""
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(each[11]) + int(each[12]) for each in fields) / os.sysconf("SC_CLK_TCK")


def _keep(run: Run, name: str, at_once: int, call: Callable[[], object]) -> int:
    """Documents a second, and the milliseconds of each, waiting included; how many there were."""
    took: list[float] = []
    call()
    until = time.perf_counter() + run.seconds(SECONDS)

    def calls() -> None:
        while (began := time.perf_counter()) < until:
            call()
            took.append(time.perf_counter() - began)

    began = time.perf_counter()
    with ThreadPoolExecutor(at_once) as threads:
        for done in [threads.submit(calls) for _ in range(at_once)]:
            done.result()
    rate = len(took) / (time.perf_counter() - began)
    p50, p99 = percentiles(took)
    run.figures |= {f"{name}PerSecond": round(rate), f"{name}P50Ms": round(p50, 2), f"{name}P99Ms": round(p99, 2)}
    return len(took)


def tell(run: Run) -> None:
    show(
        "Transforms in processes of their own",
        ("documents/s", "p50 ms", "p99 ms", "processor ms"),
        {
            name: [run.figures.get(f"{key}{figure}") for figure in ("PerSecond", "P50Ms", "P99Ms", "ProcessorMs")]
            for name, key in {
                "XSLT, 100 kB": "xslt",
                "lxml by itself": "xsltAlone",
                "JSONata, 14 fields": "jsonata",
                "jsonata-python by itself": "jsonataAlone",
            }.items()
        },
    )
