"""A message out of the path, the query and the body of a call: the other way round of `adapters.rest.target`.

A parameter is a text; what it is in JSON, the contract's schema says. Nothing is guessed beyond that: what the schema
does not take is refused by the schema.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl

import orjson

from adapters.rest.paths import Kinds, Lead, Offer
from bus.errors import BodyInvalid, Finding, QueryInvalid
from contracts.json_body import parse_json

NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
"""RFC 8259 §6."""

BOOLEANS: Final = {"true": b"true", "false": b"false", "True": b"true", "False": b"false"}
"""As OpenAPI writes them, and as .NET and Python write them for their users."""

MOST_PARAMETERS: Final = 1_000

ANY: Final = Kinds()


def query_of(text: bytes) -> list[tuple[str, str]]:
    """The parameters of a query string, decoded once. Raises `QueryInvalid` for what is not UTF-8, and for too many."""
    try:
        return parse_qsl(text.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS)
    except ValueError:
        hint = f"in UTF-8, percent-encoded, and no more than {MOST_PARAMETERS}"
        raise QueryInvalid(name="*", hint=hint) from None


def message(
    offer: Offer, lead: Lead, values: Sequence[str], query: Sequence[tuple[str, str]], body: bytes | None
) -> bytes:
    """The contract's message: the members of the body, if there is one, as they stand there, and before them the
    fields of path and query, in the order in which the operation names them.

    Raises `QueryInvalid` for a parameter that the operation does not have, `BodyInvalid` for a field that is given
    twice and for a body that fields cannot be put into, and whatever `parse_json` raises.
    """
    texts = _texts(offer, values, query)
    own = (*offer.fields, *offer.query.values())
    if not own and body is not None:
        return body
    fields = [orjson.dumps(name) + b":" + _json(lead.kinds.get(name, ANY), each) for name, each in texts.items()]
    others = _members(lead, body, own) if body is not None else b""
    return b"{" + b",".join([*fields, others] if others else fields) + b"}"


def _texts(offer: Offer, values: Sequence[str], query: Sequence[tuple[str, str]]) -> Mapping[str, list[str]]:
    """Each field with its texts."""
    given: dict[str, list[list[str]]] = {}
    for name, value in zip(offer.fields, values, strict=True):
        given.setdefault(name, []).append([value])
    known = set(offer.query)
    if any(name not in known for name, _ in query):
        listed = ", ".join(sorted(known)) or "-"
        raise QueryInvalid(name="*", hint=f"this operation has these and no others: {listed}")
    for parameter, source in offer.query.items():
        if texts := [value for name, value in query if name == parameter]:
            given.setdefault(source, []).append(texts)
    # One field may stand in several places: they all say the same, or nobody could tell which is meant.
    if twice := [name for name, each in given.items() if any(texts != each[0] for texts in each)]:
        raise QueryInvalid(name=twice[0], hint="it stands in several places and must be the same in each")
    return {name: each[0] for name, each in given.items()}


def _json(kinds: Kinds, texts: list[str]) -> bytes:
    """One text as the schema's type has it; several, or where it wants a list alone, as a list."""
    if len(texts) == 1 and ("array" not in kinds.of or kinds.of - {"array", "null"}):
        return _scalar(kinds.of, texts[0])
    return b"[" + b",".join(_scalar(kinds.items, each) for each in texts) + b"]"


def _scalar(types: frozenset[str], text: str) -> bytes:
    """A number as it is written, to the last digit. A text that may stay one does."""
    if "string" not in types:
        if types & {"number", "integer"} and NUMBER.fullmatch(text):
            return text.encode()
        if "boolean" in types and text in BOOLEANS:
            return BOOLEANS[text]
    return orjson.dumps(text)


def _members(lead: Lead, body: bytes, fields: Sequence[str]) -> bytes:
    """The members of a JSON object as they are written, to be put behind others."""
    value = parse_json(body)
    findings = list(_amiss(value, fields))
    if findings:
        raise BodyInvalid(contract=lead.reference, count=len(findings), findings=findings)
    return body.strip(b" \t\r\n")[1:-1] if value else b""


def _amiss(value: object, fields: Sequence[str]) -> Iterator[Finding]:
    if not isinstance(value, dict):
        yield Finding("", "type", "object")
        return
    for name in dict.fromkeys(fields):
        if name in value:
            yield Finding(f"/{name.replace('~', '~0').replace('/', '~1')}", "in-path-or-query")
