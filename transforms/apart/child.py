"""A process that runs programs for its parent: ``python -m transforms.apart.child SOCKET SECONDS BYTES``.

It ends when its parent does, or closes the socket. A program that takes too long is ended by the kernel, whether the
parent lives or not.
"""

import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from transforms.apart.jsonata_program import compile_jsonata
from transforms.apart.program import Failed, LanguageName, Made, Program, Unusable
from transforms.apart.wire import LARGEST, READY, Ask, Closed, receive_ask, send_answer
from transforms.apart.xslt_program import compile_xslt

COMPILERS: Final[dict[LanguageName, Callable[[Program], Callable[[bytes], Made]]]] = {
    "jsonata": compile_jsonata,
    "xslt": compile_xslt,
}
LATER: Final = 1.0
"""Seconds that the parent has to end a program itself, before the kernel does."""


def main(number: int, seconds: float, size: int) -> None:
    """Serve the parent at the inherited socket of this number."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    os.nice(5)  # whoever waits for messages to be accepted comes first
    compiled: dict[str, Callable[[bytes], Made]] = {}
    with socket.socket(fileno=number) as parent, suppress(Closed, OSError):
        parent.sendall(READY)
        while True:
            ask = receive_ask(parent)
            signal.setitimer(signal.ITIMER_REAL, seconds + LATER)
            head, data = answer(ask, compiled)
            signal.setitimer(signal.ITIMER_REAL, 0)
            send_answer(parent, head, data)


def answer(ask: Ask, compiled: dict[str, Callable[[bytes], Made]]) -> tuple[dict[str, Any], bytes]:
    """The head and the data of an answer: ``root`` with what was made, else why there is none."""
    try:
        made = _made(ask, compiled)
    except Unusable as unusable:
        why: dict[str, Any] = {"flaws": unusable.flaws}
    except Failed as failed:
        why = {"rule": failed.rule, "place": failed.place}
    except MemoryError:
        why = {"memory": True}
    except Exception as unforeseen:  # noqa: BLE001 - a library's own fault is told by its kind alone
        why = {"rule": f"an error that was not foreseen ({type(unforeseen).__name__})", "place": "/"}
    else:
        return {"root": made.root}, made.data
    return why, b""


def _made(ask: Ask, compiled: dict[str, Callable[[bytes], Made]]) -> Made:
    if ask.forget:
        compiled.clear()
    if ask.program is not None:
        compiled[ask.key] = COMPILERS[ask.program.language](ask.program)
    made = Made(b"") if ask.data is None else compiled[ask.key](ask.data)
    if len(made.data) > LARGEST:
        raise Failed(f"what it makes is larger than {LARGEST} bytes")
    return made


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
