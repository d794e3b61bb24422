"""What is run apart: the text of a transform, and what it may use."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, Literal

LanguageName = Literal["jsonata", "xslt"]

NAMESPACE: Final = "urn:lgsp:transform"
"""Of the functions that stylesheets may call besides XSLT's own."""


@dataclass(frozen=True, slots=True)
class Program:
    """A transform in one of the languages that run apart.

    `files`: what it is written in, by path, where `main` is the one to begin with; `lists` are the code lists that it
    may look up, by name.
    """

    name: str
    language: LanguageName
    main: str
    files: Mapping[str, bytes] = field(repr=False)
    lists: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    key: str = field(init=False, repr=False)
    """The same for programs that do the same."""

    def __post_init__(self) -> None:
        said = repr((self.language, self.main, sorted(self.files.items()), sorted(self.lists.items())))
        object.__setattr__(self, "key", sha256(said.encode()).hexdigest())


@dataclass(frozen=True, slots=True)
class Made:
    """What a program made: UTF-8, and the name of the root element where it is XML."""

    data: bytes
    root: str = ""


class Unusable(Exception):
    """A program cannot be compiled. `flaws` are pairs of place and reason; a place is empty, or a file and line."""

    def __init__(self, *flaws: tuple[str, str]) -> None:
        self.flaws = flaws


class Failed(Exception):
    """A program cannot make its result of this document: the reason, without a word of the document, and the place in
    the program."""

    def __init__(self, rule: str, place: str = "/") -> None:
        self.rule = rule
        self.place = place
