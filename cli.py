"""The `lgsp` command, put together out of its groups."""

import os
import sys

import typer

from bus.errors import (
    AgencyCodeInvalid,
    BusError,
    PasswordUnfit,
    PersonInvalid,
    PersonUnknown,
    QueryInvalid,
    SettingInvalid,
)
from bus.languages import say
from commands import (
    audit,
    contract,
    credential,
    dead,
    describe,
    doctor,
    documents,
    importing,
    inbox,
    journal,
    message,
    messages,
    mock,
    processes,
    secret,
    system,
    transform,
    user,
    verify,
)
from commands.terminal import err, language
from running import printing

WRONG_USE = (AgencyCodeInvalid, PasswordUnfit, PersonInvalid, PersonUnknown, QueryInvalid, SettingInvalid)
"""What only whoever typed the command can mend."""

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="The integration bus of a province: contracts, messages, evidence.",
)
for command in (
    processes.up,
    processes.serve,
    processes.work,
    processes.manage,
    documents.check,
    documents.apply,
    documents.export,
    describe.describe,
    messages.send,
    messages.status,
    messages.token,
    doctor.doctor,
    mock.mock,
    verify.verify,
    processes.demo,
):
    app.command()(command)
app.command("import")(importing.import_)
for name, group in (
    ("contract", contract),
    ("message", message),
    ("dead", dead),
    ("inbox", inbox),
    ("system", system),
    ("audit", audit),
    ("journal", journal),
    ("credential", credential),
    ("secret", secret),
    ("transform", transform),
    ("user", user),
):
    app.add_typer(group.app, name=name)


def main() -> None:
    """Exit 0: done; 1: failed, the reason on standard error; 2: wrong use."""
    os.umask(0o077)  # what the bus keeps is for nobody else to read: bodies, keys, logs
    try:
        app()
    except BusError as failed:
        err.print(printing.plain(f"lgsp: {say(failed, language())}"), style="red")
        sys.exit(2 if isinstance(failed, WRONG_USE) else 1)
    except KeyboardInterrupt:
        sys.exit(130)
