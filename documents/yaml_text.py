"""YAML as these documents need it: texts stay texts, every line is known, nothing is repeated, nothing grows.

YAML readers turn ``0123``, ``12:30``, ``no`` and ``2027-12-31`` into numbers, booleans and dates; here a scalar is the
text that was written. One without quotes is a `Plain`, and the field it stands in decides (see `typed`).
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    ScalarEvent,
)

from documents.problems import pointer

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 64
MAX_VALUES = 200_000  # in one file, what aliases repeat included

NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")  # 1e5 is rather a code
NULL = frozenset({"", "~", "null"})
HINTS = {
    "mapping values are not allowed": "a text with `: ` in it must stand in quotes.",
    "could not find expected ':'": "a field is written `name: value`, each on a line of its own.",
    "cannot start any token": "indent with spaces, not tabs; a text that begins with a sign such as @ needs quotes.",
    "but got": "a bracket, brace or quote is not closed, or a comma is missing.",
    "but found": "this is not where the lines before it lead: look at the indentation and at brackets.",
    "unexpected end of stream": "a quote is not closed.",
}
OTHERWISE = "look at the indentation, brackets and quotes."


class Plain(str):
    """A scalar that was written without quotes."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with the text itself, and the line it is in, from 1."""

    line: int
    message: str
    path: str = ""


@dataclass(slots=True)
class Parsed:
    """One document of a file: dicts, lists, str, `Plain` and None; and the line of each place, by JSON Pointer."""

    value: object = None
    lines: dict[str, int] = field(default_factory=dict)


def typed(value: object) -> Any:
    """What a value is in JSON: a `Plain` true, false or number becomes one, codes such as ``0123`` stay texts."""
    if isinstance(value, dict):
        return {str(key): typed(each) for key, each in value.items()}
    if isinstance(value, list):
        return [typed(each) for each in value]
    if not isinstance(value, Plain):
        return value
    if value in {"true", "false"} or (NUMBER.fullmatch(value) and len(value) <= 18):
        return json.loads(value)
    return str(value)


def read_yaml(data: bytes) -> tuple[list[Parsed], list[Flaw]]:
    """Every document of a file, and everything that is wrong with the text; documents before a flaw are still read."""
    documents: list[Parsed] = []
    reader = _Reader(documents)
    if len(data) > MAX_BYTES:
        return [], [Flaw(0, f"the file is larger than {MAX_BYTES} bytes: split it.")]
    try:
        for event in _events(data):
            reader.take(event)
    except UnicodeDecodeError as error:
        reader.flaw(data.count(b"\n", 0, error.start) + 1, "the file is not in UTF-8: save it as UTF-8.")
    except YAMLError as error:
        reader.flaw(_line_of(error), "this cannot be read as YAML: " + _hint(error))
    except _TooMuch as error:
        reader.flaw(error.line, error.message)
    return [each for each in documents if each.value is not None], reader.flaws


def _events(data: bytes) -> Iterator[Event]:
    yaml = YAML(typ="safe", pure=True)
    yield from yaml.parse(data.decode("utf-8-sig"))


def _line_of(error: YAMLError) -> int:
    mark = getattr(error, "problem_mark", None)
    return mark.line + 1 if mark is not None else 0


def _hint(error: YAMLError) -> str:
    problem = str(getattr(error, "problem", None) or "")
    return next((hint for words, hint in HINTS.items() if words in problem), OTHERWISE)


class _TooMuch(Exception):
    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line, self.message = line, message


@dataclass(slots=True)
class _Frame:
    """A collection that is being read."""

    value: dict[str, object] | list[object]
    steps: tuple[str | int, ...]
    before: int  # values counted when it began
    anchor: str | None
    key: str | None = None


@dataclass(slots=True)
class _Reader:
    documents: list[Parsed]
    flaws: list[Flaw] = field(default_factory=list)
    frames: list[_Frame] = field(default_factory=list)
    anchors: dict[str, tuple[object, int]] = field(default_factory=dict)
    count: int = 0

    def flaw(self, line: int, message: str, path: str = "") -> None:
        self.flaws.append(Flaw(line, message, path))

    def take(self, event: Event) -> None:
        match event:
            case DocumentStartEvent():
                self.documents.append(Parsed())
                self.anchors.clear()
            case DocumentEndEvent():
                self.frames.clear()
            case ScalarEvent():
                self._scalar(event)
            case AliasEvent():
                self._alias(event)
            case CollectionStartEvent():
                self._open(event)
            case CollectionEndEvent():
                self._close(event)

    def _scalar(self, event: ScalarEvent) -> None:
        self._refuse_tag(event)
        text = str(event.value)
        value = text if event.style is not None else None if text in NULL else Plain(text)
        if self._takes_key():
            self._key(text, event)
            return
        self._grow(event, 1)
        self._put(value, event)
        if event.anchor:
            self.anchors[event.anchor] = (value, 1)

    def _alias(self, event: AliasEvent) -> None:
        value, size = self.anchors.get(event.anchor, (None, 0))
        if not size or self._takes_key():
            self.flaw(_line(event), f"*{event.anchor} names nothing that was written before it.")
            size = 1
        if self._takes_key():
            self._key(f"*{event.anchor}", event)
            return
        self._grow(event, size)
        self._put(value, event)

    def _open(self, event: CollectionStartEvent) -> None:
        self._refuse_tag(event)
        if len(self.frames) >= MAX_DEPTH:
            raise _TooMuch(_line(event), f"this lies more than {MAX_DEPTH} levels deep.")
        if self._takes_key():
            raise _TooMuch(_line(event), "a field's name is a text, not a list or fields.")
        self._grow(event, 1)
        value: dict[str, object] | list[object] = {} if isinstance(event, MappingStartEvent) else []
        self._put(value, event)
        self.frames.append(_Frame(value, self._steps(), self.count, event.anchor))

    def _close(self, _event: CollectionEndEvent) -> None:
        frame = self.frames.pop()
        if frame.anchor:
            self.anchors[frame.anchor] = (frame.value, self.count - frame.before + 1)
        self._leave()

    def _takes_key(self) -> bool:
        return bool(self.frames) and isinstance(self.frames[-1].value, dict) and self.frames[-1].key is None

    def _key(self, text: str, event: Event) -> None:
        frame = self.frames[-1]
        frame.key = text
        if text in frame.value:
            before = self.documents[-1].lines.get(pointer((*frame.steps, text)), 0)
            self.flaw(
                _line(event), f"`{text}` was already given in line {before}: keep one of them.", pointer(frame.steps)
            )
        else:
            self.documents[-1].lines[pointer((*frame.steps, text))] = _line(event)

    def _put(self, value: object, event: Event) -> None:
        """Give a value its place; a collection is left in place by `_close`."""
        if not self.frames:
            self.documents[-1].value = value
            self.documents[-1].lines[""] = _line(event)
            return
        frame = self.frames[-1]
        if isinstance(frame.value, list):
            self.documents[-1].lines[pointer((*frame.steps, len(frame.value)))] = _line(event)
            frame.value.append(value)
        elif frame.key is not None:
            frame.value.setdefault(frame.key, value)
        if not isinstance(event, CollectionStartEvent):
            self._leave()

    def _leave(self) -> None:
        if self.frames:
            self.frames[-1].key = None

    def _steps(self) -> tuple[str | int, ...]:
        if not self.frames:
            return ()
        frame = self.frames[-1]
        return (*frame.steps, len(frame.value) - 1 if isinstance(frame.value, list) else frame.key or "")

    def _grow(self, event: Event, by: int) -> None:
        self.count += by
        if self.count > MAX_VALUES:
            raise _TooMuch(_line(event), f"the file holds more than {MAX_VALUES} values: split it.")

    def _refuse_tag(self, event: ScalarEvent | CollectionStartEvent) -> None:
        if event.tag is not None:
            self.flaw(
                _line(event),
                "tags (a word that begins with !) mean nothing here: take it away, or put the text in quotes.",
            )


def _line(event: Event) -> int:
    return int(event.start_mark.line) + 1
