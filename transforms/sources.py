"""What a mapping reads and what it writes: every path and every field of it, as keys from the root of the message."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bus.errors import DocumentInvalid
from transforms.paths import parse_path

EVERY = "*"
"""A step into every member of a list."""

Route = tuple[str, ...]
Scopes = tuple[Route | None, ...]


Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """What a mapping names at `place` within its fields, as `steps` from the root; `EVERY` stands for any index."""

    place: Place
    steps: Route


def sources(fields: object) -> Iterator[Named]:
    """Every path of a mapping that compiles, but for those inside of XML that is read from a text."""
    yield from _fields(fields, ((),), ())


def targets(fields: object) -> Iterator[Named]:
    """Every field of the result, but for those inside of XML that is written into a text."""
    yield from _targets(fields, (), ())


def _targets(fields: object, steps: Route, place: Place) -> Iterator[Named]:
    for name, form in fields.items() if isinstance(fields, Mapping) else ():
        here, there = (steps, (*place, name)) if name == "." else ((*steps, str(name)), (*place, str(name)))
        if here:
            yield Named(there, here)
        yield from _made(form, here, there)


def _made(form: object, steps: Route, place: Place) -> Iterator[Named]:
    """The fields of the objects that a form makes."""
    if not isinstance(form, Mapping) or ("xml" in form and "from" not in form):
        return
    inner = (*steps, EVERY) if "each" in form else steps
    yield from _targets(form.get("fields"), inner, (*place, "fields"))
    for word in ("then", "else"):
        yield from _made(form.get(word), steps, (*place, word))
    yield from _made(form.get("item"), inner, (*place, "item"))
    parts = form.get("firstOf")
    for at, part in enumerate(parts if isinstance(parts, list) else ()):
        yield from _made(part, steps, (*place, "firstOf", at))


def _fields(fields: object, scopes: Scopes, place: Place) -> Iterator[Named]:
    if isinstance(fields, Mapping):
        for name, form in fields.items():
            yield from _form(form, scopes, (*place, str(name)))


def _form(form: object, scopes: Scopes, place: Place) -> Iterator[Named]:
    if isinstance(form, str):
        if (steps := _steps(form, scopes)) is not None:
            yield Named(place, steps)
    elif isinstance(form, Mapping):
        for word in ("from", "each", "then", "else"):
            yield from _form(form.get(word), scopes, (*place, word))
        for word in ("concat", "firstOf"):
            yield from _parts(form.get(word), scopes, (*place, word))
        inner = _inner(form, scopes)
        yield from _fields(form.get("fields"), inner, (*place, "fields"))
        yield from _form(form.get("item"), inner, (*place, "item"))


def _parts(parts: object, scopes: Scopes, place: Place) -> Iterator[Named]:
    """As in `concat`, a part with a space at an end, or without letter or digit, is a text as it stands."""
    for at, part in enumerate(parts if isinstance(parts, list) else ()):
        if not isinstance(part, str) or (part == part.strip() and any(map(str.isalnum, part))):
            yield from _form(part, scopes, (*place, at))


def _inner(form: Mapping[str, object], scopes: Scopes) -> Scopes:
    """Where the paths of what stands inside of a form begin; None: in what nobody here knows."""
    if "each" in form:
        begin = _begin(form["each"], scopes)
        return (*scopes, None if begin is None else (*begin, EVERY))
    if "from" in form:
        return (*scopes, None if "xml" in form else _begin(form["from"], scopes))
    return scopes


def _begin(form: object, scopes: Scopes) -> Route | None:
    return _steps(form, scopes) if isinstance(form, str) else None


def _steps(text: str, scopes: Scopes) -> Route | None:
    try:
        path = parse_path(text)
    except DocumentInvalid:
        return None
    begin = _scope(path.outer, scopes)
    if begin is None:
        return None
    return (*begin, *(step if isinstance(step, str) else EVERY for step in path.steps))


def _scope(outer: int | None, scopes: Scopes) -> Route | None:
    if outer is None:
        return ()
    return scopes[-1 - outer] if outer < len(scopes) else None
