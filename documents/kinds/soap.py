"""How one server wants SOAP written: part of a system."""

from typing import Literal

from pydantic import Field, model_validator

from documents.kinds.base import Part
from documents.kinds.values import Flag, Line


class Soap(Part):
    """How this server wants SOAP written, where it differs from others."""

    action: Literal["quoted", "bare", "empty", "none"] = Field(
        default="quoted",
        description="How SOAPAction is written, or the parameter `action` of SOAP 1.2: in quotes, bare, as two quotes"
        " with nothing between, or not at all.",
    )
    addressing: Literal["2005", "2004"] | None = Field(
        default=None, description="Send WS-Addressing headers: of 1.0 (2005), or of the submission of 2004."
    )
    must_understand: Flag = Field(default=False, description="Mark Action and To of WS-Addressing with mustUnderstand.")
    to: Line | None = Field(default=None, description="The address in To, where it is not the one that is called.")

    @model_validator(mode="after")
    def _coherent(self) -> "Soap":
        if self.addressing is None and (self.must_understand or self.to):
            raise ValueError("`mustUnderstand` and `to` belong to `addressing`.")
        return self
