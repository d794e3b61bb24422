"""JSON and YAML as other people write it: descriptions of services, schemas, examples.

YAML is read by its core schema (YAML 1.2.2 §10.3), so that ``no``, ``012`` and ``2024-01-01`` stay texts; an alias
may stand for what it names, as long as the whole grows by no more than a bound.
"""

import re
from typing import Any, Final

import jiter
import yaml

from documents.importers.report import Note, Remark, Severity
from documents.importers.source import Refused

MOST_NODES: Final = 1_000_000
"""Values of one file, each alias counted as what it stands for."""

DEEPEST: Final = 100

NOT_DATA = Remark(
    "data-malformed",
    Severity.ERROR,
    "this is neither JSON nor YAML that can be read (line {line}): mend it there.",
    "không đọc được như JSON hoặc YAML (dòng {line}): hãy sửa tại đó.",
)
GROWS = Remark(
    "data-grows",
    Severity.ERROR,
    "its aliases make more than {limit} values, or it is nested more than {depth} deep: write it out.",
    "các bí danh (alias) sinh hơn {limit} giá trị, hoặc lồng sâu quá {depth} mức: hãy viết đầy đủ.",
)


class _Core(yaml.CSafeLoader):
    """YAML's core schema, and no tag that makes anything but plain values."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - as the parent has it


for tag, pattern, first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+0123456789."),
    ("null", r"~|null|Null|NULL|", "~nN"),
):
    _Core.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), [*first, ""])


def _whole(loader: Any, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node))
    return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)


_Core.add_constructor("tag:yaml.org,2002:int", _whole)


def read_data(path: str, data: bytes) -> Any:
    """The values in a file: dict, list, str, int, float, bool or None. Raises `Refused`."""
    try:
        value = jiter.from_json(data) if data.lstrip()[:1] in {b"{", b"["} else None
    except ValueError:
        value = None  # YAML is wider
    if value is None:
        value = _yaml(path, data)
    _bounded(path, value)
    return value


def _yaml(path: str, data: bytes) -> Any:
    try:
        return yaml.load(data.decode("utf-8-sig"), Loader=_Core)  # noqa: S506 - it is a safe loader
    except yaml.MarkedYAMLError as error:
        line = str(error.problem_mark.line + 1) if error.problem_mark else "1"
        raise Refused(Note(NOT_DATA, path, {"line": line})) from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise Refused(Note(NOT_DATA, path, {"line": "1"})) from None


def _bounded(path: str, value: Any) -> None:
    """What an alias stands for is the same object each time: its size is counted once and added each time."""
    sizes: dict[int, int] = {}

    def size(each: Any, depth: int) -> int:
        if not isinstance(each, dict | list):
            return 1
        if depth > DEEPEST:
            raise OverflowError
        known = sizes.get(id(each))
        if known is None:
            members = each.values() if isinstance(each, dict) else each
            known = 1 + sum(size(member, depth + 1) for member in members)
            if known > MOST_NODES:
                raise OverflowError
            sizes[id(each)] = known
        return known

    try:
        size(value, 0)
    except OverflowError:
        raise Refused(Note(GROWS, path, {"limit": str(MOST_NODES), "depth": str(DEEPEST)})) from None
