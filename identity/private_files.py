"""Files that the bus alone may read, written so that a reader finds one whole or none."""

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path


class NotPrivate(Exception):
    """The file is not a plain file that its owner alone may read."""


def read_private(path: Path, limit: int) -> bytes:
    """At most `limit` + 1 bytes. Raises `NotPrivate`, also for a link, or `OSError`."""
    if path.is_symlink():
        raise NotPrivate
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or stat.S_IMODE(status.st_mode) & 0o077:
            raise NotPrivate
        return file.read(limit + 1)


def write_private(path: Path, data: bytes, *, replace: bool) -> None:
    """Write aside, then put into place; without `replace`, a file that is already there stays as it is."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            aside.replace(path)
        else:
            with suppress(FileExistsError):
                os.link(aside, path)
    finally:
        aside.unlink(missing_ok=True)
