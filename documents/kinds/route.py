"""Route: where a contract's messages go."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from documents.kinds.base import Document, Part
from documents.kinds.contract import Selection
from documents.kinds.values import Duration, FilePath, Flag, Line, Name, OperationName, Reference


class Conversions(Part):
    """Which transforms a route uses; what has none goes as it is, or through the JSON view of XML."""

    request: Name | None = Field(default=None, description="The transform of what is sent.")
    reply: Name | None = Field(default=None, description="The transform of the answer.")
    faults: dict[Annotated[str, Name], Name] = Field(
        default_factory=dict, description="Fault: the transform of its body."
    )


class Retry(Part):
    """When a delivery is tried again."""

    first: Duration = Field(
        default=Duration("PT5S"), description="The pause after the first try; doubled after each further one."
    )
    max: Duration = Field(default=Duration("PT15M"), description="The longest pause.")
    until: Literal["timeToLive"] = Field(default="timeToLive", description="How long: as long as the message lives.")


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


class Route(Document):
    """Where a contract's messages go."""

    kind: Literal["Route"] = Field(description="Route")
    contract: Reference = Field(description="The contract, with its major: health.patient-referral@1.")
    to: Name = Field(description="The system that receives.")
    operation: OperationName | None = Field(
        default=None, description="The system's operation; may be left out where it has one."
    )
    when: Line | None = Field(default=None, description="A condition: JMESPath for JSON contracts, XPath for XML ones.")
    transform: Conversions = Field(default_factory=Conversions, description="The transforms on the way.")
    repeatable: Flag | None = Field(
        default=None,
        description="Calling twice does no harm; where nothing is said, as the operation says, and true for events"
        " and for what is fetched out of an inbox.",
    )
    retry: Retry = Field(default_factory=Retry, description="When a delivery is tried again.")
    order_by: Selection | None = Field(
        default=None,
        description="Deliveries with the same value here go one after the other, as they were accepted; those without"
        " one go as they come.",
    )
    tests: list[Test] = Field(default_factory=list, description="Examples of the conversions, which `lgsp check` runs.")

    @property
    def key(self) -> tuple[str, str]:
        return f"{self.contract}/{self.to}", ""
