"""Which contracts offer nearly what another asks for: reuse before build.

Two fields are alike by what their names mean, where they stand, their type, format and codes. How much one contract
offers of another is the share of its fields that have a like one there, rare names counting for more than those that
every contract has.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from heapq import nlargest
from math import log
from typing import Final

from documents.fields import Field

ALIKE: Final = 0.62
"""From where on two fields are one."""

NEAR: Final = 0.45
"""From where on a contract is worth a look."""

LOOKED_AT: Final = 40
"""Contracts, those with the most words in common, whose fields are compared one by one."""


@dataclass(frozen=True, slots=True)
class Described:
    """A contract as it is compared: `key` tells it from others, `title` is what its name and title mean."""

    key: str
    title: frozenset[str]
    fields: tuple[Field, ...]
    by_word: Mapping[str, tuple[Field, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        found: defaultdict[str, list[Field]] = defaultdict(list)
        for each in self.fields:
            for word in {*each.words, each.whole}:
                found[word].append(each)
        object.__setattr__(self, "by_word", {word: tuple(those) for word, those in found.items()})


@dataclass(frozen=True, slots=True)
class Near:
    """A contract that is near another: the `share` of what is asked for that it has, how `close` the two are (0 to 1),
    which fields are one in both, and which it lacks."""

    key: str
    share: float
    close: float
    shared: tuple[tuple[Field, Field], ...]
    lacking: tuple[Field, ...]


class Contracts:
    """Contracts among which to look, made once and asked often."""

    def __init__(self, described: Iterable[Described]) -> None:
        self._all = {each.key: each for each in described}
        self._with: defaultdict[str, list[str]] = defaultdict(list)
        for key, each in self._all.items():
            for word in each.by_word:
                self._with[word].append(key)

    def nearest(self, asked: Described, most: int = 5, *, near: float = NEAR) -> list[Near]:
        """The nearest first, without the one asked for; none that is less close than `near`."""
        common: defaultdict[str, float] = defaultdict(float)
        for word in asked.by_word:
            weight = self._rarity(word)
            for key in self._with.get(word, ()):
                common[key] += weight
        common.pop(asked.key, None)
        promising = ((weight / self._size(key) ** 0.3, key) for key, weight in common.items())
        found = [self._near(asked, self._all[key]) for _, key in nlargest(LOOKED_AT, promising)]
        return nlargest(most, (each for each in found if each.close >= near), key=lambda each: (each.close, each.key))

    def _size(self, key: str) -> int:
        return len(self._all[key].by_word) + 1

    def _rarity(self, word: str) -> float:
        return log(1 + len(self._all) / (1 + len(self._with.get(word, ()))))

    def _weight(self, one: Field) -> float:
        """What a field counts for: as much as the rarest word of its name."""
        return 0.3 + max(map(self._rarity, one.words), default=0.0)

    def _near(self, asked: Described, other: Described) -> Near:
        pairs = paired(asked, other)
        mine, theirs = sum(map(self._weight, asked.fields)), sum(map(self._weight, other.fields))
        share = sum(self._weight(one) * alike for one, (_, alike) in pairs.items()) / mine if mine else 0.0
        back = sum(self._weight(that) * alike for that, alike in pairs.values()) / theirs if theirs else 0.0
        close = 0.65 * share + 0.25 * back + 0.1 * _dice(asked.title, other.title)
        lacking = tuple(each for each in asked.fields if each not in pairs)
        return Near(other.key, share, close, tuple((one, that) for one, (that, _) in pairs.items()), lacking)


def paired(asked: Described, other: Described) -> dict[Field, tuple[Field, float]]:
    """Each field with the one that is most like it, no field twice."""
    candidates = []
    for at, one in enumerate(asked.fields):
        beside = {id(that): that for word in {*one.words, one.whole} for that in other.by_word.get(word, ())}
        candidates += [(alike, -at, one, that) for that in beside.values() if (alike := likeness(one, that)) >= ALIKE]
    candidates.sort(key=lambda each: (-each[0], -each[1], each[3].path))
    pairs: dict[Field, tuple[Field, float]] = {}
    taken: set[int] = set()
    for alike, _, one, that in candidates:
        if one not in pairs and id(that) not in taken:
            pairs[one] = that, alike
            taken.add(id(that))
    return pairs


def likeness(one: Field, other: Field) -> float:
    """How much two fields are one, 0 to 1."""
    name = 1.0 if one.whole == other.whole else _dice(one.words, other.words)
    if one.codes and other.codes:
        name = max(name, 0.9 * len(one.codes & other.codes) / len(one.codes | other.codes))
    if name < 0.5:
        return 0.0
    around = _dice(one.around, other.around) if one.around or other.around else 1.0
    return 0.7 * name + 0.15 * _types(one, other) + 0.15 * around


def _types(one: Field, other: Field) -> float:
    if one.kind == other.kind:
        return 1.0 if one.format == other.format or not (one.format and other.format) else 0.6
    if {one.kind, other.kind} == {"integer", "number"}:
        return 0.9
    return 0.5 if "string" in {one.kind, other.kind} or not (one.kind and other.kind) else 0.2


def _dice(one: frozenset[str], other: frozenset[str]) -> float:
    return 2 * len(one & other) / (len(one) + len(other)) if one and other else 0.0
