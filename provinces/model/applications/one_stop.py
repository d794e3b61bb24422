"""The one-stop shop: officials fill in forms in Vietnamese; it asks the other departments what they must know.

``python -m provinces.model.applications.one_stop --bus http://127.0.0.1:8080 FORM``, with the secret of
one-stop.province in SENDER_SECRET; a form is in one-stop/forms/.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, field_validator

from provinces.model.applications.sender import Answer, sender

SYSTEM = "one-stop.province"
AGENCY = "H99.20"
CONTRACT = "population.citizen-verification"


class Applicant(BaseModel):
    """Who hands a dossier in, as the form has it."""

    model_config = ConfigDict(extra="forbid")

    soDinhDanh: str  # noqa: N815 - the form's names
    hoTen: str  # noqa: N815
    ngaySinh: str  # noqa: N815

    @field_validator("hoTen")
    @classmethod
    def two_words(cls, name: str) -> str:
        if len(name.split()) < 2:
            message = "họ tên có ít nhất hai từ"
            raise ValueError(message)
        return name

    @property
    def name(self) -> Mapping[str, str]:
        """First word, last word, and what lies between."""
        family, *middle, given = self.hoTen.split()
        parts = {"family": family, "middle": " ".join(middle), "given": given}
        return {part: text for part, text in parts.items() if text}


class Form(BaseModel):
    """The receipt of a dossier: ``ngaySinh`` is dd/MM/yyyy."""

    model_config = ConfigDict(extra="forbid")

    soBienNhan: str  # noqa: N815
    canBo: str  # noqa: N815
    nguoiNop: Applicant  # noqa: N815


def verification(form: Form) -> Mapping[str, object]:
    """What the shop asks the police: is this the person? Raises `ValueError` for a day outside the calendar."""
    born = datetime.strptime(form.nguoiNop.ngaySinh, "%d/%m/%Y").date()  # noqa: DTZ007 - a date has no zone
    return {
        "requestNumber": form.soBienNhan,
        "officer": {"agency": AGENCY, "account": form.canBo},
        "identityNumber": form.nguoiNop.soDinhDanh,
        "name": form.nguoiNop.name,
        "birthDate": born.isoformat(),
    }


async def ask(bus: str, form: Form) -> Answer:
    """Ask, and wait for the answer as long as the bus does."""
    async with sender(bus, SYSTEM) as shop:
        body = json.dumps(verification(form), ensure_ascii=False).encode()
        return await shop.send(CONTRACT, body, form.soBienNhan)


def main() -> int:
    parser = argparse.ArgumentParser(prog="one_stop", description="Verify who hands a dossier in.")
    parser.add_argument("--bus", required=True, help="where the bus listens")
    parser.add_argument("form", type=Path)
    options = parser.parse_args()
    answer = asyncio.run(ask(options.bus, Form.model_validate_json(options.form.read_bytes())))
    sys.stdout.write(f"{answer.status} {answer.body.decode()}\n")
    return 0 if answer.status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
