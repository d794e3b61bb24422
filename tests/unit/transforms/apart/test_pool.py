"""Programs in processes of their own: what they may use, and what becomes of a process that misbehaves."""

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from bus.errors import BusError, TransformFailed, TransformTooCostly, TransformUnavailable
from routes.offload import off_the_loop
from transforms.apart.pool import Pool
from transforms.apart.process import Bounds
from transforms.apart.program import Program

ENDLESS = "($f := function($x){$f($x + 1)}; $f(1))"
HUNGRY = "($f := function($x){$f($x & $x)}; $f('xxxxxxxxxxxxxxxx'))"
BACKTRACKING = "$match(text, /(a+)+$/)"


def jsonata(text: str) -> Program:
    return Program("t", "jsonata", "t", {"t": text.encode()})


@pytest.fixture
def pool() -> Iterator[Pool]:
    with Pool(2, Bounds(0.4, 300 * 1024 * 1024), wait=0.05) as made:
        yield made


def gone(pid: int) -> bool:
    """Whether there is no such process, nor what is left of one."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_nothing_is_started_before_it_is_needed() -> None:
    """A process whose documents have no such transform pays nothing for them."""
    with Pool() as pool:
        assert pool.pids == ()


@pytest.mark.parametrize("text", [ENDLESS, BACKTRACKING])
def test_what_hangs_is_killed(pool: Pool, text: str) -> None:
    """An endless evaluation ends at its bound with its own error, its process is no more, and the next is served."""
    assert pool.run(jsonata("text"), b'{"text": "a"}').data == b'"a"'
    (first,) = pool.pids
    with pytest.raises(TransformTooCostly, match=r"needs more than 0\.4 s"):
        pool.run(jsonata(text), b'{"text": "%s!"}' % (b"a" * 40))
    assert gone(first)
    assert pool.run(jsonata("text"), b'{"text": "b"}').data == b'"b"'


def test_what_floods_memory_is_stopped() -> None:
    """A result that grows without end meets the bound of memory in a new process as well, and nothing else suffers."""
    with Pool(2, Bounds(5.0, 200 * 1024 * 1024)) as pool:
        assert pool.run(jsonata("a"), b'{"a": 1}').data == b"1"
        with pytest.raises(TransformTooCostly, match="200 MiB"):
            pool.run(jsonata(HUNGRY), b"{}")
        assert pool.run(jsonata("a"), b'{"a": 2}').data == b"2"


def test_killed_between_two_documents(pool: Pool) -> None:
    """A process that somebody killed is replaced, and nobody hears of it."""
    assert pool.run(jsonata("a"), b'{"a": 1}').data == b"1"
    os.kill(pool.pids[0], signal.SIGKILL)
    assert pool.run(jsonata("a"), b'{"a": 2}').data == b"2"


def test_killed_in_the_middle() -> None:
    """What a process was doing when somebody killed it is done in another, which is killed too: then it failed."""
    with Pool(2, Bounds(10.0)) as pool, ThreadPoolExecutor(1) as threads:
        assert pool.run(jsonata("a"), b'{"a": 1}').data == b"1"
        waiting = threads.submit(pool.run, jsonata(ENDLESS), b"{}")
        seen: set[int] = set()
        while not waiting.done():
            for pid in pool.pids:
                seen.add(pid)
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        with pytest.raises((TransformFailed, TransformUnavailable)):
            waiting.result()
        assert all(gone(pid) for pid in seen)


def test_stopped_process_is_late(pool: Pool) -> None:
    """A process that stands still is no reason to wait longer than the bound."""
    assert pool.run(jsonata("a"), b'{"a": 1}').data == b"1"
    os.kill(pool.pids[0], signal.SIGSTOP)
    with pytest.raises(TransformTooCostly):
        pool.run(jsonata("a"), b'{"a": 2}')
    assert pool.run(jsonata("a"), b'{"a": 3}').data == b"3"


def test_one_that_hangs_holds_up_no_other() -> None:
    """However often a transform hangs, another finds a process; one that was slow has one at a time, and nobody waits
    for it."""
    with Pool(2, Bounds(1.5), wait=0.2) as pool, ThreadPoolExecutor(8) as threads:
        hanging = [threads.submit(pool.run, jsonata(ENDLESS), b"{}") for _ in range(4)]
        assert pool.run(jsonata("a"), b'{"a": 1}').data == b"1"
        errors = [each.exception() for each in hanging]
        assert sorted(type(error).__name__ for error in errors) == ["TransformTooCostly", *["TransformUnavailable"] * 3]


def test_bad_documents_kill_nobody(pool: Pool) -> None:
    """A transform that fails for its document leaves its process to the next."""
    assert pool.run(jsonata("$uppercase(a)"), b'{"a": "x"}').data == b'"X"'
    before = pool.pids
    with pytest.raises(TransformFailed):
        pool.run(jsonata("$uppercase(a)"), b'{"a": 1}')
    assert pool.pids == before


def test_many_programs_share_few_processes() -> None:
    """More programs than a process keeps, each as often as it comes, make what they should."""
    with Pool(2) as pool:
        for turn in range(2):
            for number in range(230):
                assert pool.run(jsonata(f"a + {number}"), b'{"a": 1}').data == str(1 + number).encode(), turn
        assert len(pool.pids) == 1


def test_closing_leaves_no_process() -> None:
    """A pool that is closed while something hangs ends it at once, and starts nothing any more."""
    pool = Pool(3, Bounds(60.0))
    with ThreadPoolExecutor(1) as threads:
        pool.run(jsonata("a"), b'{"a": 1}')
        waiting = threads.submit(pool.run, jsonata(ENDLESS), b"{}")
        pids = pool.pids
        pool.close()
        assert isinstance(waiting.exception(), TransformUnavailable)
    assert all(gone(pid) for pid in pids)
    with pytest.raises(TransformUnavailable):
        pool.run(jsonata("a"), b'{"a": 1}')
    assert pool.pids == ()


async def test_the_event_loop_goes_on(pool: Pool) -> None:
    """While a transform hangs, the loop turns."""
    turned = threading.Event()

    async def turn() -> None:
        turned.set()

    hanging = asyncio.ensure_future(off_the_loop(2, pool.run, jsonata(ENDLESS), b"{}", apart=pool.threads))
    await asyncio.sleep(0)
    await turn()
    assert turned.is_set()
    assert not hanging.done()
    with pytest.raises(BusError):
        await hanging


def test_process_knows_nothing_of_its_parent(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting and no secret stands in the environment of a process that reads what came from outside."""
    monkeypatch.setenv("LGSP_DATABASE_URL", "postgresql://bus:secret@db/bus")
    pool.run(jsonata("a"), b'{"a": 1}')
    environment = Path(f"/proc/{pool.pids[0]}/environ").read_bytes()
    assert environment.rstrip(b"\0") == b"LC_ALL=C.UTF-8"
