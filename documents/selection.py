"""One text out of a message: whom it is about, or what it is ordered by."""

from collections.abc import Callable, Iterable

from bus.envelope import Format
from transforms.pointers import compile_pointer
from transforms.xpath import compile_xpath_texts


def first_text(form: Format, text: str, namespaces: dict[str, str]) -> Callable[[object], str | None]:
    """The first text or number that a JSON Pointer or an XPath selects."""
    select: Callable[[object], Iterable[object]]
    select = compile_pointer(text) if form is Format.JSON else compile_xpath_texts(text, namespaces)

    def found(parsed: object) -> str | None:
        values = (value for value in select(parsed) if isinstance(value, str | int) and not isinstance(value, bool))
        return next((str(value) for value in values if value != ""), None)

    return found
