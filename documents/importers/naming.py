"""Names of documents out of other people's names: ``TiepNhanChuyenTuyen`` is ``tiep-nhan-chuyen-tuyen``."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from documents.kinds.values import Element, FilePath, Line, Name

LONGEST: Final = 100
"""Characters of a name (`documents.kinds.values.Name`)."""

_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_OTHER = re.compile(r"[^a-z0-9]+")


def name_of(foreign: str, otherwise: str = "x") -> str:
    """A name's part: small letters, digits and single hyphens; đ is d, and every letter loses its diacritics."""
    words = _HUMPS.sub("-", plain_letters(foreign)).lower()
    return _OTHER.sub("-", words).strip("-")[:LONGEST].strip("-") or otherwise


def plain_letters(text: str) -> str:
    """A text without diacritics (Unicode NFD, category Mn), and without the bar of đ, which is no diacritic there."""
    parts = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(each for each in parts if unicodedata.category(each) != "Mn")


def words_of(foreign: str) -> str:
    """A title out of a name, for want of another: ``checkVatApprox`` is ``Check vat approx``."""
    words = " ".join(name_of(foreign).split("-"))
    return words[:1].upper() + words[1:]


def line_of(text: str, most: int = 200) -> str | None:
    """Text of several lines as one that a document may hold; None where there is nothing to read."""
    line = "".join(each if each.isprintable() else " " for each in text)
    line = " ".join(line.split())
    if len(line) > most:
        line = line[: most - 1].rstrip() + "…"
    return line if re.fullmatch(Line.PATTERN, line) else None


def path_of(*parts: str) -> str:
    """A file's path in the province: folders of ours, then a path of theirs, which others refer to and so is kept."""
    path = "/".join(part for part in parts if part)
    return path if re.fullmatch(FilePath.PATTERN, path) else "/".join((*parts[:-1], name_of(parts[-1])))


def is_name(text: str) -> bool:
    return re.fullmatch(Name.PATTERN, text) is not None


def is_element(text: str) -> bool:
    """Whether a qualified name is one that documents can hold."""
    return re.fullmatch(Element.PATTERN, text) is not None


class Names:
    """Names that are all different, whatever they were made of."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)

    def new(self, *parts: str) -> str:
        """``first.second``; with ``-2`` where that is taken."""
        wanted = ".".join(parts)[: LONGEST - 4].strip(".-")
        name, number = wanted, 1
        while name in self._taken:
            number += 1
            name = f"{wanted}-{number}"
        self._taken.add(name)
        return name
