"""The forms in which a contract is described, by the name of the file that holds each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import orjson

from bus.languages import Language
from contracts.descriptions.asyncapi import asyncapi
from contracts.descriptions.json_schema import json_schema
from contracts.descriptions.model import Subject
from contracts.descriptions.openapi import openapi
from contracts.descriptions.page import page
from contracts.descriptions.wsdl import wsdl, xsd_text


@dataclass(frozen=True, slots=True)
class Form:
    """`write` takes the contract, the gateway's address (None: not known) and the reader's language; it raises
    `SchemaInvalid` where the contract has no such description."""

    media_type: str
    write: Callable[[Subject, str | None, Language], bytes]


def _json(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2)


PAGE: Final = "index.html"
FORMS: Final[Mapping[str, Form]] = {
    "openapi.json": Form("application/json", lambda subject, url, _: _json(openapi(subject, url or "/"))),
    "asyncapi.json": Form("application/json", lambda subject, url, _: _json(asyncapi(subject, url))),
    "schema.json": Form("application/schema+json", lambda subject, _, __: _json(json_schema(subject))),
    "contract.wsdl": Form("text/xml; charset=utf-8", lambda subject, _, __: wsdl(subject)),
    "schema.xsd": Form("application/xml; charset=utf-8", lambda subject, _, __: xsd_text(subject)),
    PAGE: Form("text/html; charset=utf-8", lambda subject, _, language: page(subject, language)),
}
