"""`lgsp describe`: a contract in the reader's own language."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bus.settings import read_settings
from commands.terminal import Data, language, opened


class As(StrEnum):
    """In which form."""

    HTML = "html"
    OPENAPI = "openapi"
    WSDL = "wsdl"
    XSD = "xsd"
    ASYNCAPI = "asyncapi"
    JSON_SCHEMA = "json-schema"


FILES = {
    As.HTML: "index.html",
    As.OPENAPI: "openapi.json",
    As.WSDL: "contract.wsdl",
    As.XSD: "schema.xsd",
    As.ASYNCAPI: "asyncapi.json",
    As.JSON_SCHEMA: "schema.json",
}


def describe(
    contract: Annotated[str, typer.Argument(help="The contract: NAME, NAME@MAJOR or NAME@1.2.0.")],
    form: Annotated[As, typer.Option("--as", help="The form; html is a page for people.")] = As.HTML,
    file: Annotated[
        Path | None, typer.Option("--out", help="Write it here.", show_default="the standard output")
    ] = None,
    url: Annotated[str | None, typer.Option(help="The gateway's address as the reader calls it.")] = None,
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Look for it in this folder of documents instead of in the store.")
    ] = None,
    data: Data = None,
) -> None:
    """Describe a contract as OpenAPI 3.1, WSDL 1.1, XSD, AsyncAPI 3.0, JSON Schema, or a page with examples."""
    from contracts.descriptions.forms import FORMS
    from running.contracts import description_of, documents_of, subject_of

    if folder is not None:
        written = description_of(folder, contract, FILES[form], url, language())
    else:
        with opened(read_settings(data=data)) as home:
            written = FORMS[FILES[form]].write(subject_of(documents_of(home, None), contract), url, language())
    if file is None:
        typer.echo(written.decode(), nl=not written.endswith(b"\n"))
        return
    try:
        file.write_bytes(written)
    except OSError as failed:
        raise typer.BadParameter(f"{file}: {failed.strerror}", param_hint="--out") from None
