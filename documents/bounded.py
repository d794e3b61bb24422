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
from threading import Lock
from typing import Any, Final, TypeVar, cast

T = TypeVar("T")

START: Final = 20.0
"""Seconds that a slow machine may need to begin a process and import what the function needs."""

IDLE: Final = 10 * 60.0
"""Seconds after which a child ends that is asked for nothing more."""


class TooCostly(Exception):
    """The child ran out of time or memory, or died."""


def run_bounded(function: Callable[..., T], *arguments: Any, seconds: float, size: int) -> T:
    """What `function` returns, computed in a child process with `seconds` of processor time and `size` bytes of memory;
    in a new one, unless one is kept (`keeping_a_child`).

    Function, arguments and result must be picklable, and the function must not raise. Raises `TooCostly`.
    """
    task = (function, arguments, seconds, size)
    kept = _take()
    if kept is not None:
        with suppress(_Gone):
            return cast("T", _ran(kept, task))
    try:
        return cast("T", _ran(_Child(), task))
    except _Gone:
        raise TooCostly from None


@contextmanager
def keeping_a_child() -> Iterator[None]:
    """Within, one child waits for the next task when it has done one: it has imported what it needs, and the functions
    that it runs may keep what they made. One that cannot do a task for what it holds already makes way for a new one.
    """
    global _keeping  # noqa: PLW0603 - of one process, as its children are
    _keeping = True
    try:
        yield
    finally:
        _keeping = False
        if waiting := _take():
            waiting.end()


class _Gone(Exception):
    """The child ended before it had done its task, and not because of its time."""


class _Child:
    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_child, args=(theirs,), daemon=True)
        with _interrupts_held():
            self._process.start()
        theirs.close()

    def run(self, task: tuple[Callable[..., object], tuple[Any, ...], float, int]) -> object:
        """Raises `_Gone`, `TooCostly`."""
        try:
            self._ours.send(task)
            if not self._ours.poll(START + 2 * task[2]):
                raise TooCostly
            return self._ours.recv()
        except (EOFError, OSError):
            self._process.join(START)
            raise (TooCostly if self._process.exitcode == -signal.SIGXCPU else _Gone) from None

    def end(self) -> None:
        self._ours.close()
        self._process.kill()
        self._process.join()
        self._process.close()


_keeping = False
_waiting: list[_Child] = []
_changing = Lock()


def _take() -> _Child | None:
    with _changing:
        return _waiting.pop() if _waiting else None


def _ran(child: _Child, task: tuple[Callable[..., object], tuple[Any, ...], float, int]) -> object:
    """Raises `_Gone`, `TooCostly`."""
    done = False
    try:
        result = child.run(task)
        with _changing:
            done = _keeping and not _waiting
            if done:
                _waiting.append(child)
        return result
    finally:
        if not done:
            child.end()


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """What is started here never hears Ctrl-C, which it would tell of at length: who waits for it kills it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _child(connection: Connection) -> None:
    """Whatever goes wrong here ends in a closed pipe; what a library printed on the way is nobody's business."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("ignore")
    with suppress(MemoryError, RecursionError, EOFError, OSError):
        while connection.poll(IDLE):
            function, arguments, seconds, size = connection.recv()
            _bound(resource.RLIMIT_AS, size)
            used = resource.getrusage(resource.RUSAGE_SELF)
            _bound(resource.RLIMIT_CPU, round(used.ru_utime + used.ru_stime + seconds) + 1)
            connection.send(function(*arguments))
    connection.close()


def _bound(what: int, most: int) -> None:
    _, hard = resource.getrlimit(what)
    resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
