"""Grant: the permission of one system to send or receive one contract."""

from typing import Literal

from pydantic import Field, model_validator

from documents.kinds.base import Document
from documents.kinds.values import Day, Line, Name, Reference


class Grant(Document):
    """The permission of one system to send or to receive one contract. No grant, no exchange."""

    kind: Literal["Grant"] = Field(description="Grant")
    contract: Reference = Field(description="The contract, with its major: health.patient-referral@1.")
    system: Name = Field(description="The system that may.")
    may: Literal["send", "receive"] = Field(description="send or receive.")
    purpose: Line = Field(description="What for.")
    legal_basis: Line = Field(description="By which law, decree or decision.")
    valid_from: Day | None = Field(default=None, description="The first day on which it holds.")
    valid_until: Day | None = Field(default=None, description="The last day on which it holds.")

    @property
    def key(self) -> tuple[str, str]:
        return f"{self.contract}/{self.system}/{self.may}", ""

    @model_validator(mode="after")
    def _coherent(self) -> "Grant":
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise ValueError("validUntil lies before validFrom.")
        return self
