"""XSLT 1.0 (and EXSLT) as libxslt has it, which reads and writes nothing but what it is given.

Runs in a child process alone: nothing here bounds time or memory.
"""

import posixpath
import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import unquote

from lxml import etree

from bus.errors import BusError
from contracts.xml_body import parse_xml, parser
from transforms.apart.lookups import LookUp, look_up
from transforms.apart.program import NAMESPACE, Failed, Made, Program, Unusable

XSL: Final = "{http://www.w3.org/1999/XSL/Transform}"
BASE: Final = "lgsp:/"
"""Where the files of a province are for a stylesheet: no place that anything could be fetched from."""

_FALSE_ROOT: Final = b"<not-there/>"
_EMPTY: Final = ("", "error", "unknown error")
_AUTHORS: Final = re.compile(  # what libxslt says of the stylesheet alone, never of the document
    r"The called template '.+' was not found\.|Variable '.+' has not been declared\.|Unregistered function"
    r"|potential infinite template recursion"
)


class _Files(etree.Resolver):
    """What is included or imported comes from the program's own files; all else is not there."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        super().__init__()
        self._files = files
        self.missing: list[str] = []

    def resolve(self, url: str, _public: str | None, context: Any) -> Any:  # type: ignore[override]
        path = posixpath.normpath(unquote(url.removeprefix(BASE)))
        data = self._files.get(path) if url.startswith(BASE) else None
        if data is None:
            self.missing.append(path)
        return self.resolve_string(data or _FALSE_ROOT, context, base_url=url)


def compile_xslt(program: Program) -> Callable[[bytes], Made]:
    """The function that makes XML of XML. Raises `Unusable`; what it returns raises `Failed`.

    The result is written as UTF-8 without a declaration or document type, whatever `xsl:output` says, so that it can
    stand in an envelope.
    """
    for path, data in program.files.items():
        _check(path, data)
    files, reading = _Files(program.files), parser()
    reading.resolvers.add(files)
    root = etree.fromstring(program.files[program.main], reading, base_url=BASE + program.main)
    failed: list[Failed] = []
    functions = {
        (NAMESPACE, "code"): _function(look_up(program.lists, reverse=False), failed),
        (NAMESPACE, "code-of"): _function(look_up(program.lists, reverse=True), failed),
    }
    nothing: Any = vars(etree.XSLTAccessControl)["DENY_ALL"]  # the stubs lack it
    try:
        stylesheet: Any = etree.XSLT(root, extensions=functions, access_control=nothing)
    except etree.XSLTParseError as error:
        if files.missing:
            raise Unusable(
                *((program.main, f"there is no file {path} to include.") for path in files.missing)
            ) from None
        raise Unusable(*_flaws(error.error_log)) from None

    def run(data: bytes) -> Made:
        failed.clear()
        try:
            document = parse_xml(data)
        except BusError as error:
            raise Failed(f"what it reads is refused ({error.code})") from None
        try:
            made = stylesheet(document).getroot()
        except etree.XSLTApplyError:
            raise _failure(failed, stylesheet.error_log) from None
        if failed:
            raise failed[0]
        if made is None:
            raise Failed("it makes no element: text alone is no document")
        return Made(etree.tostring(made, encoding="utf-8", with_tail=False), str(made.tag))

    return run


def _check(path: str, data: bytes) -> None:
    """A stylesheet that would be read as something else than it is is refused."""
    try:
        root = parse_xml(data)
    except BusError as error:
        raise Unusable((path, error.text)) from None
    version = root.get("version", root.get(f"{XSL}version", ""))
    if str(root.tag).startswith(XSL) and version != "1.0":
        raise Unusable((f"{path} line {root.sourceline}", f"XSLT {version or 'without a version'} is not XSLT 1.0."))


def _function(find: LookUp, failed: list[Failed]) -> Callable[..., str]:
    """A function for XPath, whose arguments are texts or sets of nodes. What it raises does not come through as it is
    everywhere, so the first failure is kept."""

    def call(_context: object, *arguments: object) -> str:
        try:
            name, code = map(_text, arguments)
            return find(name, code) or ""
        except ValueError:
            failure = Failed("a look-up takes the name of a code list and a code")
        except Failed as refused:
            failure = refused
        failed.append(failure)
        raise failure

    return call


def _text(argument: object) -> object:
    """The string-value (XPath 1.0 §4.2) of the first node of a set."""
    if not isinstance(argument, list):
        return argument
    first = argument[0] if argument else ""
    return first if isinstance(first, str) else "".join(first.itertext())


def _flaws(log: Any) -> list[tuple[str, str]]:
    """What is said of a stylesheet. First comes what the parser of XPath or patterns met, then the place, then what
    could not be compiled there: they are one flaw."""
    place, before, flaws = "", "", []
    for entry in log:
        located = entry.line > 0 and str(entry.filename).startswith(BASE)
        words = re.sub(r"^xslt\w+ ?: ", "", entry.message.strip().rstrip("."))
        if located:
            place = f"{str(entry.filename).removeprefix(BASE)} line {entry.line}"
        if words.startswith("compilation error") or words in _EMPTY:
            continue
        if place:
            flaws.append((place, f"{words} ({before})." if before else f"{words}."))
            before = ""
        else:
            before = words
    return list(dict.fromkeys(flaws)) or [("", f"{before or 'it is no stylesheet'}.")]


def _failure(failed: list[Failed], log: Any) -> Failed:
    """Messages of libxslt may quote the document, and so only those that cannot are passed on."""
    located = [entry for entry in log if entry.line > 0 and str(entry.filename).startswith(BASE)]
    place = f"{str(located[0].filename).removeprefix(BASE)} line {located[0].line}" if located else "/"
    if failed:
        return Failed(failed[0].rule, place)
    if not located:
        return Failed("the stylesheet stopped by xsl:message")
    said = (found[0] for entry in log if (found := _AUTHORS.search(entry.message)))
    rule = next(said, located[0].message.removeprefix("runtime error, ").strip() + " cannot be done")
    return Failed(rule.rstrip("."), place)
