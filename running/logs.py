"""Log lines: JSON by structlog, one object a line, into a file that is rotated or to standard error.

Two kinds of lines share the stream: audit events, written after their commit with the very fields that were hashed, and
what the process says of itself. Neither ever holds data out of a message.
"""

import logging
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler, WatchedFileHandler
from pathlib import Path
from select import PIPE_BUF
from typing import Any

import orjson
import structlog

from bus.measures import Fact
from bus.settings import Settings

STDERR = 2

LARGEST_PIECE = 1024 * 1024
"""Bytes; a commit's audit events are about 200 kB at most."""

STREAM = "lgsp"
"""The name of the one standard-library logger that every line goes through."""


def configure(settings: Settings, *, shared: bool = False) -> Callable[[Sequence[Fact]], None]:
    """Begin to log, into the data folder where the settings name nothing; what is returned writes committed audit
    events. `shared`: other processes write there at the same time, and nobody rotates."""
    handler: logging.Handler
    path = settings.log_file
    if path is None:
        handler = _Whole() if shared else logging.StreamHandler(sys.stderr)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = (
            _Appended(path, encoding="utf-8", delay=True)
            if shared
            else RotatingFileHandler(
                path, maxBytes=settings.log_bytes, backupCount=settings.log_files, encoding="utf-8", delay=True
            )
        )
    handler.setFormatter(logging.Formatter("%(message)s"))
    stream = logging.getLogger(STREAM)
    for former in stream.handlers:
        former.close()
    stream.handlers, stream.propagate = [handler], False
    stream.setLevel(logging.INFO)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            _named,
            _rendered,
        ],
        logger_factory=lambda *names: _Stream(stream, *names),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=False,
    )
    return _audit(stream)


class _Whole(logging.Handler):
    """Standard error that several processes write to: what is written at once, up to so much, arrives in one piece."""

    def emit(self, record: logging.LogRecord) -> None:
        piece = b""
        with suppress(OSError):
            for line in self.format(record).encode().split(b"\n"):
                if piece and len(piece) + len(line) >= PIPE_BUF:
                    os.write(STDERR, piece)
                    piece = b""
                piece += line + b"\n"
            os.write(STDERR, piece)


class _Appended(WatchedFileHandler):
    """A file that several processes append to, each in one piece; opened anew where it was moved away."""

    def _open(self) -> TextIOWrapper:
        return Path(self.baseFilename).open("a", LARGEST_PIECE, encoding=self.encoding)


class _Stream:
    """What structlog writes to: a logger with the name it was asked for."""

    def __init__(self, stream: logging.Logger, name: str = "") -> None:
        self._stream = stream
        self.name = name

    def msg(self, line: str) -> None:
        self._stream.info(line)

    debug = info = warning = error = critical = exception = msg


def _audit(stream: logging.Logger) -> Callable[[Sequence[Fact]], None]:
    """The lines of one commit go out together: writing each alone costs more than making it."""
    lines: list[str] = []
    audit = structlog.wrap_logger(_Lines(lines), processors=[_named, _rendered])

    def told(facts: Sequence[Fact]) -> None:
        for fact in facts:
            audit.info(**fact, level="info")
        if lines:
            stream.info("\n".join(lines))
        lines.clear()

    return told


class _Lines:
    """What structlog writes to: a list of lines, under the name of the audit log."""

    name = "audit"

    def __init__(self, lines: list[str]) -> None:
        self.info = lines.append


def _named(logger: Any, _: str, fields: structlog.typing.EventDict) -> structlog.typing.EventDict:
    fields["logger"] = logger.name
    return fields


def _rendered(_: Any, __: str, fields: structlog.typing.EventDict) -> str:
    return orjson.dumps(fields, option=orjson.OPT_SORT_KEYS, default=str).decode()
