"""The parts of docs/ that are made from the code: ``python -m running.pages`` writes them anew, a test holds them."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from ruamel.yaml import YAML

from adapters.call import CODES
from bus import errors
from bus.errors import BusError, every_error
from bus.languages import VIETNAMESE
from bus.measures import METRICS
from bus.settings import PREFIX, Settings
from bus.states import diagram
from documents import standing
from documents.importers.report import every_remark
from identity.roles import Action, Role
from routes.inbox import INBOX_CODES, NACKS
from routes.outcome import REASONS
from routes.work import OWN_CODES

HOUSE = Path(__file__).resolve().parent.parent
DOCS = HOUSE / "docs"
MANAGEMENT = HOUSE / "management" / "openapi.yaml"
FAULTS = {errors.SenderFault: "sender", errors.ReceiverFault: "receiver", errors.BusFault: "bus"}


def made() -> dict[str, Mapping[str, str]]:
    """For each page, the text of each of its blocks by name."""
    return {
        "architecture.md": {"states": f"```mermaid\n{diagram()}\n```\n"},
        "errors.md": {
            "errors": "\n".join(_errors()) + "\n",
            "reasons": "\n".join(_rows(("reason", "what it means"), REASONS)) + "\n",
            "codes": "\n".join(_rows(("code", "what it means"), {**CODES, **INBOX_CODES, **OWN_CODES})) + "\n",
        },
        "lifecycle.md": {kind: f"```mermaid\n{standing.diagram(kind)}\n```\n" for kind in standing.TRANSITIONS},
        "inbox.md": {"nacks": "\n".join(_rows(("reason", "the system …"), NACKS)) + "\n"},
        "metrics.md": {"metrics": "\n".join(_metrics()) + "\n"},
        "importing.md": {"remarks": "\n".join(_remarks()) + "\n"},
        "roles.md": {"roles": "\n".join(_roles()) + "\n", "actions": "\n".join(_actions()) + "\n"},
        "management.md": {"operations": "\n".join(_operations()) + "\n"},
        "operations.md": {"settings": "\n".join(_settings()) + "\n"},
    }


def renewed(text: str, blocks: Mapping[str, str]) -> str:
    """A page with its blocks made anew; each stands between ``<!-- made: NAME -->`` and ``<!-- end -->``."""
    for name, block in blocks.items():
        begin = f"<!-- made: {name} -->\n"
        head, found, rest = text.partition(begin)
        _, closed, tail = rest.partition("<!-- end -->")
        if not found or not closed:
            raise LookupError(name)
        text = f"{head}{begin}{block}{closed}{tail}"
    return text


def _errors() -> Iterator[str]:
    yield "| code | status | whose | in English | bằng tiếng Việt |\n|---|---|---|---|---|"
    for error in every_error():
        texts = f"{_line(error.__doc__)} | {VIETNAMESE[error.code]}"
        yield f"| `{error.code}` | {error.status} | {_whose(error)} | {texts} |"


def _remarks() -> Iterator[str]:
    yield "| code | | in English | bằng tiếng Việt |\n|---|---|---|---|"
    for remark in every_remark():
        yield f"| `{remark.code}` | {remark.severity} | {remark.en} | {remark.vi} |"


def _roles() -> Iterator[str]:
    yield "| role | what for |\n|---|---|"
    for role in Role:
        yield f"| `{role}` | {role.meaning} |"


def _actions() -> Iterator[str]:
    yield f"| action | | {' | '.join(f'`{role}`' for role in Role)} |\n|---|---|{':-:|' * len(Role)}"
    for action in Action:
        marks = " | ".join("✓" if role in action.roles else "" for role in Role)
        yield f"| `{action}` | {action.meaning} | {marks} |"


def _operations() -> Iterator[str]:
    yield f"| call | what it does | {' | '.join(f'`{role}`' for role in Role)} |\n|---|---|{':-:|' * len(Role)}"
    for path, operations in YAML(typ="safe").load(MANAGEMENT)["paths"].items():
        for method, each in operations.items():
            if method == "parameters":
                continue
            roles = Action(each["x-action"]).roles if "x-action" in each else frozenset(Role)
            marks = " | ".join("✓" if role in roles else "" for role in Role)
            yield f"| `{method.upper()} {path}` | {each['summary']} | {marks} |"


def _whose(error: type[BusError]) -> str:
    return next(name for root, name in FAULTS.items() if issubclass(error, root))


def _rows(columns: tuple[str, str], rows: Mapping[str, str]) -> Iterator[str]:
    yield f"| {columns[0]} | {columns[1]} |\n|---|---|"
    for name in sorted(rows):
        yield f"| `{name}` | {rows[name]} |"


def _metrics() -> Iterator[str]:
    yield "| metric | kind | labels | what it says |\n|---|---|---|---|"
    for metric in METRICS:
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        yield f"| `{metric.exported}` | {metric.kind.__name__.lower()} | {labels} | {metric.meaning} |"


def _settings() -> Iterator[str]:
    yield "| variable | default | what it says |\n|---|---|---|"
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (None, "", ()) else f"`{field.default}`"
        yield f"| `{PREFIX}{name.upper()}` | {default} | {field.description} |"


def _line(text: str | None) -> str:
    return " ".join((text or "").split())


def main() -> None:
    for name, blocks in made().items():
        page = DOCS / name
        page.write_text(renewed(page.read_text(encoding="utf-8"), blocks), encoding="utf-8")


if __name__ == "__main__":
    main()
