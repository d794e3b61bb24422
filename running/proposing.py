"""What `lgsp transform propose` shows: the proposed document, and what it does not say."""

from pathlib import Path

from rich.console import Console

from documents.proposals import Proposed
from running.printing import plain, print_json


def show(out: Console, err: Console, found: Proposed, into: Path | None, *, as_json: bool) -> None:
    """The document goes to `out`, or into a file; what must be looked at to `err`. Raises `OSError`."""
    proposal = found.proposal
    if as_json:
        sure = {"/" + "/".join(steps): told for steps, told in proposal.sure.items()}
        print_json(
            out,
            {
                "document": found.document,
                "sure": sure,
                "lacking": proposal.lacking,
                "open": proposal.open,
                "unused": proposal.unused,
            },
        )
    elif into is None:
        out.print(plain(found.text), end="")
    if into is not None:
        into.write_text(found.text, encoding="utf-8")
        err.print(plain(f"{into}: {len(proposal.sure)} fields and lists are proposed; look at every line."))
        for place in proposal.lacking:
            err.print(plain(f"{place} must be there, and nothing in the source is like it."), style="yellow")
