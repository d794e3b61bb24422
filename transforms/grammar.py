"""The words of the mapping language: which go together, and how the plain parts of a form are read.

Everything here says what is wrong at the spot it is given, and returns something harmless.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from transforms.findings import Spot, known, shown
from transforms.values import text_of

Form = Mapping[str, object]

ALWAYS = frozenset({"when", "default", "required"})
CONVERSIONS = frozenset({"date", "boolean", "codeList", "as", "namePart", "split"})
_ON_VALUES = CONVERSIONS | {"reverse", "trim", "case", "join"}
_SOURCES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "each": frozenset({"item", "fields"}) | _ON_VALUES,
        "concat": frozenset({"separator"}) | _ON_VALUES,
        "firstOf": _ON_VALUES,
        "then": frozenset({"else"}) | _ON_VALUES,
        "value": frozenset(),
        "from": frozenset({"xml", "fields"}) | _ON_VALUES,
        "xml": frozenset({"fields"}),
        "fields": frozenset(),
    }
)
WORDS = frozenset(_SOURCES).union(ALWAYS, *_SOURCES.values())


def source_of(form: Form, spot: Spot) -> str | None:
    """The word that says what a form begins with; None when nothing does. Words that do not go with it are said."""
    unknown = [word for word in form if word not in WORDS]
    for word in unknown:
        spot.say(f"{shown(word)} is not a word of mappings: {known(WORDS, str(word))}")
    source = next((word for word in _SOURCES if word in form), None)
    if source is None:
        if not unknown:
            spot.say("nothing says where the value comes from: write from, value, concat, firstOf, each or fields.")
        return None
    for word in form:
        if word in WORDS and word not in _SOURCES[source] | ALWAYS | {source}:
            spot.at(word).say(f"`{word}` does not go with `{source}`.")
    _check_pairs(form, source, spot)
    return source


def _check_pairs(form: Form, source: str, spot: Spot) -> None:
    made = form.keys() & {"fields", "xml"}
    for word in sorted(form.keys() & _ON_VALUES) if made and source in {"from", "each"} else ():
        spot.at(word).say(f"`{word}` works on single values, not on what `{min(made)}` makes.")
    if "reverse" in form and "codeList" not in form:
        spot.at("reverse").say("`reverse` is for a `codeList`.")
    if source == "value" and form.keys() & {"default", "required"}:
        spot.say("a `value` is always there: leave out `default` and `required`.")
    if "default" in form and "required" in form:
        spot.say("with a `default` the value is always there: leave out `required`.")


def text_at(value: object, spot: Spot) -> str:
    if isinstance(value, str):
        return str(value)
    spot.say(f"{shown(value)} is to be a text here: write it in quotes.")
    return "."


def flag(form: Form, word: str, spot: Spot) -> bool:
    value = form.get(word, False)
    if not isinstance(value, bool):
        spot.at(word).say(f"`{word}` is true or false.")
    return value is True


def listed(form: Form, word: str, spot: Spot) -> Sequence[object]:
    value = form[word]
    if isinstance(value, list) and value:
        return value
    spot.at(word).say(f"`{word}` is a list: [a, b].")
    return ()


def ways(how: object, spot: Spot) -> tuple[object, object]:
    """The target and the source of a conversion: ``how`` alone is the target, ``{from, to}`` names them."""
    if not isinstance(how, dict):
        return how, None
    for word in how.keys() - {"from", "to"}:
        spot.say(f"{shown(word)} is not known here: there are from and to.")
    return how.get("to"), how.get("from")


def pair(value: object, spot: Spot) -> Sequence[object] | None:
    """How true and how false are written."""
    if value is None:
        return None
    if isinstance(value, list) and len(value) == 2 and all(isinstance(one, str | int | float) for one in value):
        when_true, when_false = (plain(one, spot) for one in value)
        if text_of(when_true) != text_of(when_false):
            return (when_true, when_false)
    spot.say('truth is written as two different values, for true and for false: ["True", "False"].')
    return None


def plain(value: object, spot: Spot) -> object:
    """A constant as plain JSON: a document's reader may give subclasses that carry lines and quotes."""
    if value is None or isinstance(value, bool):
        return value
    for kind in (str, int, float):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, list):
        return [plain(member, spot.at(at)) for at, member in enumerate(value)]
    if isinstance(value, dict):
        return {str(key): plain(member, spot.at(str(key))) for key, member in value.items()}
    spot.say(f"{shown(value)} is not a value of JSON: write it in quotes.")
    return None
