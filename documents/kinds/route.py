"""Route: where a contract's messages go."""

from typing import Literal

from pydantic import Field

from documents.kinds.base import Document, Part
from documents.kinds.contract import Selection
from documents.kinds.conversions import Conversions, Test
from documents.kinds.values import Duration, Flag, Line, Name, OperationName, Reference


class Retry(Part):
    """When a delivery is tried again."""

    first: Duration = Field(
        default=Duration("PT5S"), description="The pause after the first try; doubled after each further one."
    )
    max: Duration = Field(default=Duration("PT15M"), description="The longest pause.")
    until: Literal["timeToLive"] = Field(default="timeToLive", description="How long: as long as the message lives.")


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
