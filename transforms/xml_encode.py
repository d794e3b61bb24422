"""From a JSON view to an XML document, by functions compiled from the shape of the element.

Children come in the order of the schema. Each is taken from what the view supplies under its key; what is left over at
the end has no place in the content model.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from transforms.xml_scalar import Misfit, Scalar
from transforms.xml_shape import XSI, Attribute, Group, Member, Prefixes, Shape, split

Write = Callable[[Any, list[str]], None]
# A value, what is written so far, and the name for the end tag; the start tag is still open.
WriteShape = Callable[[Any, list[str], str], None]
# Values still to be written by key, and how many of them already are.
Supply = dict[str, "_Stock"]
Take = Callable[[Supply, list[str]], None]

_NAMES_TOLD = 8

# XML 1.0 §2.2 allows no other control characters, surrogates or the last two code points; §2.11 and §3.3.3 would turn
# the white space among these into a line feed or a space.
_IN_TEXT = re.compile("[&<>\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_IN_ATTRIBUTE = re.compile('[&<>"\t\n\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]')
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}


@dataclass(slots=True)
class _Stock:
    items: list[Any]
    used: int = 0


class Encoders:
    """Compiles the function of each shape once; shapes may contain themselves."""

    def __init__(self, prefixes: Prefixes) -> None:
        self._prefixes = prefixes
        self._done: dict[Shape, WriteShape] = {}
        self.namespaces: set[str] = set()

    def member(self, member: Member, declarations: str = "") -> Write:
        """The function of an element; `declarations` go into its start tag."""
        name = self._name(member.tag)
        start = f"<{name}{declarations}"
        write = self._shape(member.shape)
        nil = self._nil(start, member.shape) if member.nillable else None

        def write_member(value: Any, out: list[str]) -> None:
            if nil is None:
                if value is None:
                    raise Misfit("null")
            elif value is None or (isinstance(value, dict) and value.get("$", "") is None):
                nil(value or {}, out)
                return
            out.append(start)
            write(value, out, name)

        return write_member

    def _nil(self, start: str, shape: Shape) -> Write:
        self.namespaces.add(XSI[1:-1])
        attributes = self._attributes(shape)

        def write(view: Any, out: list[str]) -> None:
            out.append(f'{start} xsi:nil="true"')
            attributes(view, out)
            out.append("/>")
            if not view.keys() <= {"$", *(each.key for each in shape.attributes)}:
                raise Misfit("nil")

        return write

    def _name(self, tag: str) -> str:
        self.namespaces.add(split(tag)[0])
        return self._prefixes.name(tag)

    def _shape(self, shape: Shape) -> WriteShape:
        done = self._done
        if shape not in done:

            def until_compiled(value: Any, out: list[str], name: str) -> None:
                done[shape](value, out, name)

            done[shape] = until_compiled
            done[shape] = self._object(shape) if shape.scalar is None or shape.attributes else _plain(shape.scalar)
        return done[shape]

    def _object(self, shape: Shape) -> WriteShape:
        attributes = self._attributes(shape)
        apart = frozenset({*(each.key for each in shape.attributes), *(["$"] if shape.scalar else [])})
        members = {member.key: member for member in shape.content.members()} if shape.content else {}
        allowed = " | ".join(sorted([*apart, *members])[:_NAMES_TOLD])
        take = _text(shape.scalar) if shape.scalar else self._group(shape.content) if shape.content else None

        def write(view: Any, out: list[str], name: str) -> None:
            if not isinstance(view, dict):
                raise Misfit("type", "object")
            attributes(view, out)
            supply = _supply(view, members, apart, allowed)
            start = len(out)
            out.append(">")
            if take is not None:
                take(supply, out)
            if len(out) > start + 1:
                out.append(f"</{name}>")
            else:
                out[start] = "/>"
            for key in supply:
                raise _at(Misfit("content"), key)

        return write

    def _attributes(self, shape: Shape) -> Write:
        compiled = [(f' {self._name(each.tag)}="', each) for each in shape.attributes]

        def write(view: Any, out: list[str]) -> None:
            for start, attribute in compiled:
                value = view.get(attribute.key)
                if value is not None:
                    out.append(f'{start}{_attribute(value, attribute)}"')
                elif attribute.required:
                    raise _at(Misfit("required"), attribute.key)

        return write

    def _group(self, group: Group) -> Take:
        """Take one group, as often as it may and must stand."""
        keys = frozenset(member.key for member in group.members())
        once = self._choice(group) if group.choice else self._sequence(group)
        least, most = group.least, group.most
        if least == most == 1:
            return once

        def take(supply: Supply, out: list[str]) -> None:
            times = 0
            while (most is None or times < most) and not keys.isdisjoint(supply):
                before = len(out)
                once(supply, out)
                times += 1
                if len(out) == before:
                    break
            for _ in range(times, least):
                once(supply, out)

        return take

    def _part(self, part: Member | Group) -> Take:
        return self._group(part) if isinstance(part, Group) else _member(part, self.member(part))

    def _sequence(self, group: Group) -> Take:
        parts = [self._part(part) for part in group.parts]

        def take(supply: Supply, out: list[str]) -> None:
            for part in parts:
                part(supply, out)

        return take

    def _choice(self, group: Group) -> Take:
        branches = [(self._part(part), _keys(part), _optional(part)) for part in group.parts]
        empty = any(optional for _, _, optional in branches)
        allowed = " | ".join(sorted({member.key for member in group.members()})[:_NAMES_TOLD])

        def take(supply: Supply, out: list[str]) -> None:
            branch, keys, _ = max(branches, key=lambda each: sum(key in supply for key in each[1]))
            if not keys.isdisjoint(supply):
                branch(supply, out)
            elif not empty:
                raise Misfit("choice", allowed)

        return take


def _member(member: Member, write: Write) -> Take:
    key, least, most, many = member.key, member.least, member.most, member.many

    def take(supply: Supply, out: list[str]) -> None:
        stock = supply.get(key)
        if stock is None:
            if least:
                raise _at(Misfit("required"), key)
            return
        end = len(stock.items) if most is None else min(len(stock.items), stock.used + most)
        if end - stock.used < least:
            raise _at(Misfit("minOccurs", str(least)), key)
        for place in range(stock.used, end):
            try:
                write(stock.items[place], out)
            except Misfit as misfit:
                raise _at(misfit, f"{key}/{place}" if many else key) from None
        stock.used = end
        if end == len(stock.items):
            del supply[key]

    return take


def _supply(view: dict[str, Any], members: dict[str, Member], apart: frozenset[str], allowed: str) -> Supply:
    supply: Supply = {}
    for key, value in view.items():
        member = members.get(key)
        if member is None:
            if key == "$" and key in apart:
                supply[key] = _Stock([value])
            elif key not in apart:
                raise Misfit("unknown-key", allowed)
        elif member.many:
            if not isinstance(value, list):
                raise _at(Misfit("array"), key)
            if value:
                supply[key] = _Stock(value)
        elif value is not None or member.nillable:
            supply[key] = _Stock([value])
    return supply


def _plain(scalar: Scalar) -> WriteShape:
    as_text = scalar.write

    def write(value: Any, out: list[str], name: str) -> None:
        text = as_text(value)
        if _IN_TEXT.search(text):
            text = _IN_TEXT.sub(_escape, text)
        out.append(f">{text}</{name}>")

    return write


def _text(scalar: Scalar) -> Take:
    """The text of an element whose type has attributes."""

    def take(supply: Supply, out: list[str]) -> None:
        stock = supply.pop("$", None)
        if stock is None:
            raise _at(Misfit("required"), "$")
        try:
            out.append(_IN_TEXT.sub(_escape, scalar.write(stock.items[0])))
        except Misfit as misfit:
            raise _at(misfit, "$") from None

    return take


def _attribute(value: Any, attribute: Attribute) -> str:
    try:
        return _IN_ATTRIBUTE.sub(_escape, attribute.scalar.write(value))
    except Misfit as misfit:
        raise _at(misfit, attribute.key) from None


def _escape(found: re.Match[str]) -> str:
    try:
        return _ESCAPES[found[0]]
    except KeyError:
        raise Misfit("character") from None


def _at(misfit: Misfit, step: str) -> Misfit:
    misfit.steps.append(step)
    return misfit


def _keys(part: Member | Group) -> frozenset[str]:
    members: Iterator[Member] = iter([part]) if isinstance(part, Member) else part.members()
    return frozenset(member.key for member in members)


def _optional(part: Member | Group) -> bool:
    """Whether nothing at all satisfies it."""
    if part.least == 0:
        return True
    if isinstance(part, Member):
        return False
    return (any if part.choice else all)(_optional(each) for each in part.parts)
