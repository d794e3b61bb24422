"""Codes of one system into codes of another, and back by the same list.

One list serves both ways: the request's transform says ``codeList: gender-his``, the reply's adds ``reverse: true``.
Where two codes become the same one, the way back is not known; the author says it: ``reverse: {"1": male}``.
"""

from collections.abc import Mapping
from unicodedata import normalize

from transforms.findings import Spot, known, shown
from transforms.scope import MISSING, Broken, Convert
from transforms.values import text_of

Entries = Mapping[str, object]


def compile_code_list(
    lists: Mapping[str, Entries], name: object, reverse: object, default: object, spot: Spot
) -> Convert:
    """A look-up by the code's text. A code that is not listed becomes `default`; it fails where that is `MISSING`, or a
    list or object and so meant for the whole field.

    What is wrong is said at `spot`, the form that holds `codeList` and `reverse`.
    """
    if not isinstance(name, str) or name not in lists:
        spot.at("codeList").say(f"{shown(name)} is not a code list: {known(lists, str(name))}")
        return lambda _value: MISSING
    spot_of_list = spot.at("codeList")
    entries = _entries(name, lists[name], spot_of_list)
    table = entries if reverse is False else _reversed(name, entries, reverse, spot.at("reverse"))
    return _look_up(name, table, MISSING if isinstance(default, list | dict) else default)


def _entries(name: str, listed: Entries, spot: Spot) -> dict[str, object]:
    try:
        return {_key(code): target for code, target in listed.items() if _key(target) is not None}
    except Broken:
        spot.say(f"in the code list {name}, each code becomes one text or number.")
        return {}


def _key(code: object) -> str:
    """Letters with marks are one code, whether a system writes them composed or not (Unicode NFC)."""
    text = text_of(code)
    return text if text.isascii() else normalize("NFC", text)


def _look_up(name: str, table: Mapping[str, object], default: object) -> Convert:
    rule = f"the code is not in the code list {name}"

    def convert(value: object) -> object:
        found = table.get(_key(value), default)
        if found is not MISSING:
            return found
        if value == "":
            return MISSING
        raise Broken(rule)

    return convert


def _reversed(name: str, entries: Entries, reverse: object, spot: Spot) -> Mapping[str, object]:
    chosen = _choices(reverse, spot)
    ways: dict[str, list[str]] = {}
    for code, target in entries.items():
        ways.setdefault(_key(target), []).append(code)
    for target, code in chosen.items():
        if code not in ways.get(target, ()):
            spot.at(target).say(f"the code list {name} does not turn {shown(code)} into {shown(target)}.")
    for target, codes in ways.items():
        if len(codes) > 1 and target not in chosen:
            way = f'reverse: {{"{target}": {codes[0]}}}'
            spot.say(f"in the code list {name}, {' and '.join(codes)} become {target}: say which one it is, {way}.")
    return {target: chosen.get(target, codes[0]) for target, codes in ways.items()}


def _choices(reverse: object, spot: Spot) -> dict[str, str]:
    if reverse is True:
        return {}
    if isinstance(reverse, Mapping):
        return {_key(target): _key(code) for target, code in reverse.items()}
    spot.say("`reverse` is true, or says which code each ambiguous one stands for.")
    return {}
