"""Pages of a list, by a cursor that only the bus understands."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_right
from collections.abc import Sequence

from bus.errors import Finding, RequestInvalid
from management.plane import Answer


def page(found: Sequence[tuple[str, object]], limit: int, cursor: str | None) -> Answer:
    """The next `limit` of a list that is sorted by its keys; whatever was written meanwhile, none comes twice."""
    first = bisect_right(found, read_cursor(cursor), key=lambda each: each[0]) if cursor else 0
    several = found[first : first + limit]
    more = first + limit < len(found)
    return listed([each for _, each in several], write_cursor(several[-1][0]) if more else None)


def listed(items: Sequence[object], cursor: str | None) -> Answer:
    """A page; `cursor` leads to the next one."""
    body: dict[str, object] = {"items": items}
    if cursor is not None:
        body["next"] = cursor
    return Answer(body)


def write_cursor(key: str) -> str:
    return urlsafe_b64encode(key.encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> str:
    """Raises `RequestInvalid`."""
    try:
        return urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except ValueError:
        raise RequestInvalid(findings=[Finding("query cursor", "cursor")]) from None
