"""What conversions are named by, in routes and between contracts, and the examples of them."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, model_validator

from documents.kinds.base import Part
from documents.kinds.values import FilePath, Name


class Conversions(Part):
    """Which transforms a route uses; what has none goes as it is, or through the JSON view of XML."""

    request: Name | None = Field(default=None, description="The transform of what is sent.")
    reply: Name | None = Field(default=None, description="The transform of the answer.")
    faults: dict[Annotated[str, Name], Name] = Field(
        default_factory=dict, description="Fault: the transform of its body."
    )

    def named(self) -> Iterator[tuple[tuple[str, ...], Name]]:
        """Each transform, and where it is named."""
        if self.request is not None:
            yield ("request",), self.request
        if self.reply is not None:
            yield ("reply",), self.reply
        yield from ((("faults", fault), name) for fault, name in self.faults.items())


class Test(Part):
    """One example of a conversion: files of the province."""

    input: FilePath | None = Field(default=None, description="What is sent, as the contract has it.")
    reply: FilePath | None = Field(default=None, description="What the receiver answers, in its own shape.")
    fault: Name | None = Field(default=None, description="The answer is this fault.")
    output: FilePath = Field(description="What must come out.")

    @model_validator(mode="after")
    def _coherent(self) -> "Test":
        if (self.input is None) == (self.reply is None):
            raise ValueError("a test has `input` (of a request) or `reply` (of an answer), and `output`.")
        if self.fault is not None and self.reply is None:
            raise ValueError("a fault is an answer: write `reply` with it.")
        return self
