"""What an event is called when it is given to its subscribers: the attributes of CloudEvents 1.0."""

from uuid import UUID

from bus.clock import iso
from bus.envelope import Exchange, Format
from contracts.model import Contract
from routes.model import Route


def attributes(
    contract: Contract, route: Route, message: UUID, sender: str, sequence: int | None = None
) -> dict[str, str]:
    """All of them in the bus's own words, and the same at each attempt; none for what is not an event. The sender's
    own would have to be kept as long as the evidence, for this alone."""
    if contract.exchange is not Exchange.EVENT:
        return {}
    given = {
        "id": str(message),
        "source": f"/systems/{sender}",
        "type": route.granted or contract.reference,
        # The identifier's own (RFC 9562 §5.7): what the envelope says may come by the gateway's clock or the journal's.
        "time": iso(message.int >> 80),
    }
    if sequence is not None:
        # Compared as text (extension "sequence"): as many digits as the journal's own sequence can have.
        given["sequence"] = f"{sequence:019d}"
    if route.request is None:
        # What a transform has made is not what this schema describes.
        form = "schema.json" if contract.request.format is Format.JSON else "schema.xsd"
        given["dataschema"] = f"/contracts/{contract.name}@{contract.version}/{form}"
    return given
