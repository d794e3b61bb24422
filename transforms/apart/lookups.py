"""The code lists of a program as functions: from a code to what it becomes, and back."""

from collections.abc import Callable, Mapping

from bus.errors import DocumentInvalid
from transforms.apart.program import Failed
from transforms.code_lists import compile_code_list
from transforms.findings import Spot
from transforms.scope import MISSING, Broken, Convert

Lists = Mapping[str, Mapping[str, str]]
LookUp = Callable[[object, object], str | None]


def look_up(lists: Lists, *, reverse: bool) -> LookUp:
    """A function of the name of a list and a code. It raises `Failed` for a list that is not among the program's, a
    code that the list does not have, and a way back that is not known.

    No code becomes nothing, an empty one an empty text.
    """
    compiled: dict[str, Convert] = {}

    def convert(name: object, code: object) -> str | None:
        if not isinstance(name, str) or name not in lists:
            raise Failed("a code list is asked for that `codeLists` of the transform does not name")
        if code is None:
            return None
        try:
            if name not in compiled:
                compiled[name] = _compiled(lists, name, reverse=reverse)
            found = compiled[name](code)
        except Broken as broken:
            raise Failed(broken.rule) from None
        return "" if found is MISSING else str(found)

    return convert


def _compiled(lists: Lists, name: str, *, reverse: bool) -> Convert:
    spot = Spot()
    convert = compile_code_list(lists, name, reverse, MISSING, spot)
    try:
        spot.conclude()
    except DocumentInvalid:
        raise Failed(f"the code list {name} has two codes for one: the way back is not known") from None
    return convert
