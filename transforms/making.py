"""The closures that forms compile to. Each takes a scope and makes one value, or `MISSING`, or raises `Broken`."""

from collections.abc import Callable, Sequence
from copy import deepcopy

from bus.errors import TransformFailed
from transforms.scope import MISSING, TURN, Broken, Convert, Make, Scope, charge, members
from transforms.values import text_of
from transforms.xml_view import XmlView

Test = Callable[[object], bool]


def constant(value: object) -> Make:
    """A result is its caller's own, so lists and objects are made anew each time."""
    if isinstance(value, list | dict):
        return lambda _scope: deepcopy(value)
    return lambda _scope: value


def object_of(pairs: Sequence[tuple[str, Make]]) -> Make:
    """An object of the fields that could be made; one without any field is no value."""

    def make(scope: Scope) -> object:
        made: dict[str, object] = {}
        name = ""
        try:
            for name, field in pairs:
                value = field(scope)
                if value is not MISSING:
                    made[name] = value
        except Broken as broken:
            broken.steps.append(name)
            raise
        return made or MISSING

    return make


def inside(source: Make, made: Make) -> Make:
    """What `made` makes of the value of `source`."""

    def make(scope: Scope) -> object:
        here = source(scope)
        if isinstance(here, list):
            raise Broken("the source of the fields is a list; each would make an object of every member")
        return MISSING if here is MISSING else made(scope.step(here))

    return make


def each(source: Make, item: Make, holds: Test | None) -> Make:
    """What `item` makes of every member for which the test holds; members without value are left out."""

    def make(scope: Scope) -> object:
        held = source(scope)
        if held is MISSING:
            return MISSING
        made: list[object] = []
        try:
            for member in members(held):
                scope.budget.spend(TURN)
                if member is None or (holds is not None and not holds(member)):
                    continue
                value = item(scope.step(member))
                if value is not MISSING:
                    charge(value, scope.budget)
                    made.append(value)
        except Broken as broken:
            broken.steps.append(len(made))
            raise
        return made

    return make


def guarded(made: Make, holds: Test) -> Make:
    return lambda scope: made(scope) if holds(scope.here) else MISSING


def choice(holds: Test, then: Make, otherwise: Make) -> Make:
    return lambda scope: then(scope) if holds(scope.here) else otherwise(scope)


def first_of(choices: Sequence[Make]) -> Make:
    return lambda scope: next((value for one in choices if (value := one(scope)) is not MISSING), MISSING)


def with_default(made: Make, default: object) -> Make:
    fallback = constant(default)

    def make(scope: Scope) -> object:
        value = made(scope)
        return fallback(scope) if value is MISSING else value

    return make


def demanded(made: Make) -> Make:
    def make(scope: Scope) -> object:
        value = made(scope)
        if value is MISSING:
            raise Broken("a required field has no value")
        return value

    return make


# --- texts ---------------------------------------------------------------------------------------------------------


def converted(made: Make, convert: Convert) -> Make:
    """The value converted; of a list, every member that is not null, without those that become no value."""

    def make(scope: Scope) -> object:
        value = made(scope)
        if isinstance(value, list):
            return [one for member in value if member is not None and (one := convert(member)) is not MISSING]
        return MISSING if value is MISSING else convert(value)

    return make


def joined_whole(parts: Sequence[Make]) -> Make:
    """The parts as one text; no value when a part has none."""

    def make(scope: Scope) -> object:
        values = [part(scope) for part in parts]
        return MISSING if MISSING in values else "".join(map(text_of, values))

    return make


def joined_present(parts: Sequence[Make], separator: str) -> Make:
    """The parts that are there and not empty, with the separator between; no value when there are none."""

    def make(scope: Scope) -> object:
        values = [part(scope) for part in parts]
        texts = [text_of(value) for value in values if value is not MISSING]
        return separator.join(filter(None, texts)) or MISSING

    return make


def joined_list(made: Make, separator: str) -> Make:
    """The members of a list as one text; no value when there are none."""

    def make(scope: Scope) -> object:
        value = made(scope)
        if value is MISSING:
            return MISSING
        texts = [text_of(member) for member in members(value) if member is not None]
        return separator.join(filter(None, texts)) or MISSING

    return make


# --- XML inside JSON -----------------------------------------------------------------------------------------------


def write_xml(made: Make, view: XmlView) -> Make:
    """A whole XML document as one text."""

    def make(scope: Scope) -> object:
        value = made(scope)
        if value is MISSING:
            return MISSING
        try:
            return view.encode(value).decode()
        except TransformFailed as misfit:
            raise _broken("the fields do not make the XML document", misfit) from None

    return make


def read_xml(source: Make, view: XmlView) -> Make:
    """The JSON view of an XML document that is written in one text; an empty text is no document."""

    def make(scope: Scope) -> object:
        text = source(scope)
        if text is MISSING or text == "":
            return MISSING
        if not isinstance(text, str):
            raise Broken("an XML document written in one text is expected")
        try:
            return view.decode(text.encode())
        except TransformFailed as misfit:
            raise _broken("the text is not the XML document", misfit) from None
        except UnicodeEncodeError:
            raise Broken("the text is not the XML document that its schema asks for (character)") from None

    return make


def _broken(rule: str, misfit: TransformFailed) -> Broken:
    """A view tells its own rule and a place in the names of its schema."""
    return Broken(f"{rule} that its schema asks for ({misfit.facts['rule']} at {misfit.facts['place']})")
