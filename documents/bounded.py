"""Running what administrators wrote in a child process that cannot take more than it is given.

A schema or a pattern may be small and yet need hours or gigabytes to compile; the process that serves must not.
"""

import multiprocessing
import resource
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from typing import Any, TypeVar, cast

T = TypeVar("T")
START = 20.0  # seconds that a slow machine may need to begin a process and import what the function needs


class TooCostly(Exception):
    """The child ran out of time or memory, or died."""


def run_bounded(function: Callable[..., T], *arguments: Any, seconds: float, size: int) -> T:
    """What `function` returns, computed in a new process with `seconds` of processor time and `size` bytes of memory.

    Function, arguments and result must be picklable, and the function must not raise. Raises `TooCostly`.
    """
    context = multiprocessing.get_context("spawn")
    receiving, sending = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(sending, function, arguments, seconds, size), daemon=True)
    with _interrupts_held():
        child.start()
    sending.close()
    try:
        if not receiving.poll(START + 2 * seconds):
            raise TooCostly
        return cast("T", receiving.recv())
    except (EOFError, OSError):
        raise TooCostly from None
    finally:
        receiving.close()
        child.kill()
        child.join()
        child.close()


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """What is started here never hears Ctrl-C, which it would tell of at length: who waits for it kills it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _child(
    sending: Connection, function: Callable[..., object], arguments: tuple[Any, ...], seconds: float, size: int
) -> None:
    """Whatever goes wrong here ends in a closed pipe; what a library printed on the way is nobody's business."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = round(used.ru_utime + used.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (most, most))
    warnings.simplefilter("ignore")
    with suppress(MemoryError, RecursionError):
        sending.send(function(*arguments))
    sending.close()
