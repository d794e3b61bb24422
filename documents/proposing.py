"""A mapping proposed by names and types: a beginning that a person goes on with, who looks at every line.

Fields are held against each other as contracts are (`documents.similarity`). Nothing is invented: what has no like in
the source is left out, and said where it must be there.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final

from documents.fields import Field
from documents.outline import Leaf, Node, Path, leaves
from documents.similarity import ALIKE, Described, likeness, paired
from documents.yaml_writing import Block
from transforms.xml_scalar import LEXICAL

SURE: Final = 0.9
LIKELY: Final = 0.75

_PLAIN: Final = re.compile(r"[\w@$:-]+")
_ISO: Final = {f"^({LEXICAL[name]})$": name for name in ("date", "dateTime")}
_DATES: Final = {
    "dd/MM/yyyy": ("31/12/2026", "01/02/1999"),
    "dd-MM-yyyy": ("31-12-2026", "01-02-1999"),
    "yyyyMMdd": ("20261231", "19990201"),
    "yyyyMMddHHmmss": ("20261231235959", "19990201000000"),
    "dd/MM/yyyy HH:mm:ss": ("31/12/2026 23:59:59", "01/02/1999 00:00:00"),
}
"""Ways to write a date that patterns ask for, and texts in each."""
_FORMATS: Final = {"date": "date", "date-time": "dateTime"}


@dataclass(frozen=True, slots=True)
class CodeList:
    """A code list of the province, as it is written."""

    name: str
    entries: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Pair:
    """A field of the source that is like one of the target, and how much."""

    leaf: Leaf
    alike: float
    why: str = ""

    @property
    def told(self) -> str:
        word = "sure" if self.alike >= SURE else "likely" if self.alike >= LIKELY else "a guess"
        return f"{word} ({self.alike:.2f}): {_pointer(self.leaf.path)}" + (f", {self.why}" if self.why else "")


@dataclass(slots=True)
class Proposal:
    """`fields` of a mapping; `sure` says of each proposed one, by its place in the result, what it rests on; `lacking`
    are the required places for which nothing was found, `open` the others, `unused` the source's fields that nothing
    takes."""

    fields: dict[str, Any] = field(default_factory=Block)
    sure: dict[Path, str] = field(default_factory=dict)
    lacking: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)


def propose(source: Node, target: Node, lists: Iterable[CodeList] = ()) -> Proposal:
    """How `target` may be made of `source`."""
    return _Proposing(source, target, tuple(lists)).proposal()


class _Proposing:
    def __init__(self, source: Node, target: Node, lists: tuple[CodeList, ...]) -> None:
        self._target = target
        self._lists = lists
        self._sources = list(leaves(source))
        self._pairs = _pairs(self._sources, list(leaves(target)), lists)
        self._used: set[Path] = set()
        self._made = Proposal()

    def proposal(self) -> Proposal:
        made = self._made
        if self._target.items is not None or not self._target.members:
            form = self._value(self._target, (), (".",), (), required=True)
            made.fields = Block({".": form} if form is not None else {})
        else:
            made.fields = self._object(self._target, (), (), (), required=True)
        made.unused = [_pointer(leaf.path) for leaf in self._sources if leaf.path not in self._used]
        return made

    def _object(self, node: Node, path: Path, steps: Path, scope: Path, *, required: bool) -> Block:
        """The fields of an object at `path` of the result, `steps` in the mapping, where paths begin at `scope`."""
        made = Block()
        for name, member in node.members.items():
            form = self._value(member, (*path, name), (*steps, name), scope, required=required and member.required)
            if form is not None:
                made[name] = form
        return made

    def _value(self, node: Node, path: Path, steps: Path, scope: Path, *, required: bool) -> object:
        if node.items is not None and (node.items.members or node.items.items is not None):
            return self._list(node.items, path, steps, scope, required=required)
        if node.members:
            fields = self._object(node, path, (*steps, "fields"), scope, required=required)
            return Block({"fields": fields}) if fields else None
        return self._single(node.items or node, path, steps, scope, required=required, several=node.items is not None)

    def _list(self, item: Node, path: Path, steps: Path, scope: Path, *, required: bool) -> object:
        """A list of objects: of the source's list in which most of its fields lie, or of one."""
        below = [pair.leaf for place, pair in self._pairs.items() if place[: len(path)] == path]
        if not below:
            self._missing(path, required=required)
            return None
        found = Counter(inner for leaf in below if (inner := _list_below(leaf, scope)) is not None)
        inner = found.most_common(1)[0][0] if found else scope
        if item.items is not None:
            form = self._value(item, path, (*steps, "item"), inner, required=required)
            how: dict[str, object] = {"item": form}
        else:
            form = self._object(item, path, (*steps, "fields"), inner, required=required)
            how = {"fields": form}
        if not form:
            return None
        told = f"goes through {_pointer(inner)}" if found else "a list of one: no list in the source has its fields"
        self._made.sure[steps] = told
        return Block({"each": _path(inner[len(scope) :]) if found else ".", **how})

    def _single(self, node: Node, path: Path, steps: Path, scope: Path, *, required: bool, several: bool) -> object:
        if len(node.codes) == 1 and required and not several:
            self._made.sure[steps] = "sure: nothing else is allowed"
            return {"value": node.codes[0]}
        pair = self._pairs.get(path)
        if pair is None:
            self._missing(path, required=required)
            return None
        leaf = pair.leaf
        reached = _reach(leaf, scope, several=several)
        if reached is None:
            self._missing(path, required=required, because=f"its like, {_pointer(leaf.path)}, stands in a list")
            return None
        self._used.add(leaf.path)
        how, doubts = self._conversion(_scalar(leaf.node), node)
        self._made.sure[steps] = "; ".join([pair.told, *doubts])
        if several and (how or not leaf.lists):
            return {"each": reached, **({"item": {"from": ".", **how}} if how else {})}
        if required and not leaf.node.required:
            how["required"] = True
        return {"from": reached, **how} if how else reached

    def _missing(self, path: Path, *, required: bool, because: str = "") -> None:
        told = f"{_pointer(path)} ({because})" if because else _pointer(path)
        (self._made.lacking if required else self._made.open).append(told)

    def _conversion(self, source: Node, target: Node) -> tuple[dict[str, Any], list[str]]:
        """What turns one value into the other, and what a person must look at."""
        if source.codes and target.codes:
            return self._codes(source, target)
        ours, theirs = _date(source), _date(target)
        if ours and theirs and not {ours, theirs}.isdisjoint(_FORMATS.values()):
            how = theirs if ours in _FORMATS.values() else {"from": ours, "to": theirs}
            return ({} if ours == theirs else {"date": how}), []
        if theirs in _FORMATS.values() and source.kind in {"string", ""}:
            return {}, [f"the source does not say how it writes dates; here they are {theirs}"]
        return _retyped(source.kind, target.kind)

    def _codes(self, source: Node, target: Node) -> tuple[dict[str, Any], list[str]]:
        ours, theirs = _codes(source), _codes(target)
        if ours <= theirs:
            return {}, []
        for each in self._lists:
            if how := _leads(each, ours, theirs):
                return how, []
        unknown = ", ".join(sorted(ours - theirs)[:5])
        return {}, [f"the codes differ ({unknown} …): it needs a codeList"]


def _pairs(sources: list[Leaf], targets: list[Leaf], lists: tuple[CodeList, ...]) -> dict[Path, Pair]:
    """Each field of the target with its like: by name and type, then by what its neighbours are like, then by a code
    list that leads from the codes of the one to those of the other."""
    by_field = {leaf.field: leaf for leaf in sources}
    first = paired(_described(targets), _described(sources))
    pairs = {one.path: Pair(by_field[that], alike) for one, (that, alike) in first.items()}
    free = [leaf for leaf in sources if leaf.field not in {that for that, _ in first.values()}]
    beside = {place[:-1]: pair.leaf.path[:-1] for place, pair in pairs.items()}
    for leaf in targets:
        if leaf.path in pairs:
            continue
        near = [
            (likeness(_alone(leaf), _alone(each)), each)
            for each in free
            if each.path[:-1] == beside.get(leaf.path[:-1])
        ]
        alike, like = max(near, key=lambda each: each[0], default=(0.0, None))
        told = "beside what is like it"
        if like is None or alike < ALIKE:
            linked = [each for each in free if any(_leads(one, _codes(each.node), _codes(leaf.node)) for one in lists)]
            like, alike, told = (linked[0], LIKELY, "by its codes") if len(linked) == 1 else (None, 0.0, "")
        if like is not None:
            pairs[leaf.path] = Pair(like, alike, told)
            free.remove(like)
    return pairs


def _alone(leaf: Leaf) -> Field:
    """The field without what it stands in."""
    return replace(leaf.field, around=frozenset())


def _codes(node: Node) -> frozenset[str]:
    return frozenset(str(each) for each in node.codes if each is not None)


def _leads(each: CodeList, ours: frozenset[str], theirs: frozenset[str]) -> dict[str, Any]:
    """How a code list turns the ones into the others; nothing where it does not."""
    if not ours or not theirs:
        return {}
    values = set(each.entries.values())
    if ours <= each.entries.keys() and values <= theirs:
        return {"codeList": each.name}
    if ours <= values and each.entries.keys() <= theirs and len(values) == len(each.entries):
        return {"codeList": each.name, "reverse": True}
    return {}


def _retyped(source: str, target: str) -> tuple[dict[str, Any], list[str]]:
    if source == target or not (source and target) or (source, target) == ("integer", "number"):
        return {}, []
    how = {"as": target} if target in {"string", "number", "integer", "boolean"} else {}
    return how, [f"{source} becomes {target}"]


def _described(several: list[Leaf]) -> Described:
    return Described("", frozenset(), tuple(leaf.field for leaf in several))


def _scalar(node: Node) -> Node:
    return node.items or node


def _list_below(leaf: Leaf, scope: Path) -> Path | None:
    """The outermost list that leads from the scope to a field."""
    if leaf.path[: len(scope)] != scope:
        return None
    return next((leaf.path[:length] for length in leaf.lists if length > len(scope)), None)


def _reach(leaf: Leaf, scope: Path, *, several: bool) -> str | None:
    """The path from the scope to a field; None where a list lies between that it may not go through."""
    if leaf.path[: len(scope)] == scope:
        between = [length - len(scope) for length in leaf.lists if length > len(scope)]
        if between and not several:
            return None
        return _path(leaf.path[len(scope) :], between) or "."
    return None if leaf.lists else f"/{_path(leaf.path)}"


def _path(names: Path, lists: Iterable[int] = ()) -> str:
    """As the mapping language writes it, going through every member of the lists."""
    every = {length for length in lists if length < len(names)}
    written = [
        (name if _PLAIN.fullmatch(name) else f'"{name}"') + ("[*]" if place in every else "")
        for place, name in enumerate(names, 1)
    ]
    return ".".join(written)


def _pointer(path: Path) -> str:
    return "/" + "/".join(path)


def _date(node: Node) -> str:
    """The form of dates that a schema asks for: of ISO 8601 by its word for it, of others by what its pattern takes."""
    if found := _FORMATS.get(node.format) or _ISO.get(node.pattern):
        return found
    with suppress(re.error):
        takes = re.compile(node.pattern).search
        possible = [form for form, texts in _DATES.items() if node.pattern and all(map(takes, texts))]
        if len(possible) == 1:
            return possible[0]
    return ""


def commented(text: str, lines: Mapping[str, int], sure: Mapping[Path, str]) -> Iterator[str]:
    """The lines of a written mapping, with what is said of each field behind it. `lines`: where each place stands."""
    said: dict[int, str] = {}
    for steps, told in sure.items():
        place = "".join("/" + each.replace("~", "~0").replace("/", "~1") for each in ("fields", *steps))
        said[lines[place]] = told
    for number, line in enumerate(text.splitlines(), 1):
        yield f"{line}  # {said[number]}" if number in said else line
