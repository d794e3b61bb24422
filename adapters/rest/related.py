"""A body with attachments over HTTP: multipart/related, whose root is the message (RFC 2387)."""

import secrets
from dataclasses import replace
from typing import Final

from adapters.parts import PartsInvalid, media_type, read_parts
from adapters.rest.reading import declared_format
from bus.envelope import Attachment
from bus.errors import MultipartInvalid
from routes.accept import Arrival

RELATED: Final = "multipart/related"
OCTETS: Final = "application/octet-stream"


def is_related(content_type: str | None) -> bool:
    return (content_type or "").partition(";")[0].strip().lower() == RELATED


def with_attachments(arrival: Arrival, content_type: str) -> Arrival:
    """An arrival whose body, once it is read, is taken apart; `MultipartInvalid` is raised then where it cannot be, and
    at once where it does not say how."""
    _, said = media_type(content_type)
    start = said.get("start", "").removeprefix("<").removesuffix(">")

    def unwrap(came: Arrival, data: bytes) -> tuple[Arrival, bytes]:
        if came.format is None:
            return came, data  # it is refused for that
        try:
            parts = read_parts(said.get("boundary", ""), data)
        except PartsInvalid as error:
            raise MultipartInvalid(hint=error.hint) from None
        root = next((each for each in parts if each.name == start), None) if start else parts[0]
        if root is None:
            raise MultipartInvalid(hint="its start names no part of it")
        if declared_format(root.content_type) is not came.format:
            raise MultipartInvalid(hint="its root is not of the type that it says")
        files = tuple(
            Attachment(each.name, each.content_type or OCTETS, each.data, secrets.token_bytes(16))
            for each in parts
            if each is not root
        )
        return replace(came, attachments=files), root.data

    return replace(arrival, format=declared_format(said.get("type")), unwrap=unwrap)
