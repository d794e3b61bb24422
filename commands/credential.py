"""`lgsp credential`: issue, list and revoke credentials."""

from typing import Annotated

import typer

from bus.errors import QueryInvalid
from bus.settings import read_settings
from commands.terminal import Data, Json, lgsp, opened, out
from running import printing
from running.systems import known_system

app = typer.Typer(no_args_is_help=True, help="What systems prove themselves with.")


@app.command("issue")
def credential_issue(
    system: str,
    wsse: Annotated[
        bool, typer.Option("--wsse", help="For WS-Security's PasswordDigest, and for nothing else.")
    ] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """A new credential; its secret is shown once."""
    with opened(read_settings(data=data)) as home:
        issued, value = home.issue_credential(known_system(home, system), readable=wsse)
        printing.issued(out, issued, value, lgsp(home.settings.data), json=json)


@app.command("list")
def credential_list(
    system: Annotated[str | None, typer.Argument()] = None, data: Data = None, json: Json = False
) -> None:
    """The credentials of a system, or of all."""
    with opened(read_settings(data=data)) as home:
        each = [one for one in home.credentials().values() if system in {None, one.system}]
        printing.credentials(out, each, home.clock.now(), json=json)


@app.command("revoke")
def credential_revoke(credential: str, data: Data = None) -> None:
    """End a credential; the tokens it was used for end within two seconds."""
    with opened(read_settings(data=data)) as home:
        found = home.credentials().get(credential)
        if found is None:
            raise QueryInvalid(
                name="credential", hint=f"there is none; see {lgsp(home.settings.data)('credential', 'list')}"
            )
        home.revoke_credential(found)
        out.print(f"Credential {credential} of {found.system} is revoked.")
