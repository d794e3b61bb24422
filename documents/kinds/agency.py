"""Agency: an organisation."""

from typing import Literal

from pydantic import Field, model_validator

from documents.kinds.base import Document
from documents.kinds.values import Code, Day, LegacyCode, Texts


class Agency(Document):
    """An organisation, known by its agency code. One that was merged away stays, closed, with its successor."""

    kind: Literal["Agency"] = Field(description="Agency")
    code: Code = Field(description="The agency code of Decision 20/2020/QĐ-TTg: H57.05.01.")
    legacy_code: LegacyCode | None = Field(
        default=None, description="The older code of QCVN 102:2016/BTTTT: 000.01.05.H57."
    )
    name: Texts = Field(description="The name in Vietnamese (vi) and English (en).")
    parent: Code | None = Field(default=None, description="The code of the agency that this one belongs to.")
    valid_from: Day | None = Field(default=None, description="The first day on which the agency exists.")
    valid_until: Day | None = Field(default=None, description="The last day on which the agency exists.")
    successor: Code | None = Field(default=None, description="The code of the agency that it was merged into.")

    @property
    def key(self) -> tuple[str, str]:
        return self.code, ""

    @model_validator(mode="after")
    def _coherent(self) -> "Agency":
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise ValueError("validUntil lies before validFrom.")
        if self.successor is not None and self.valid_until is None:
            raise ValueError("an agency with a successor has ended: write validUntil, its last day.")
        if self.code in {self.parent, self.successor}:
            raise ValueError("an agency is neither its own parent nor its own successor.")
        return self
