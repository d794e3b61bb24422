"""Passwords and keys of the systems that the bus calls: files that only the bus may read, apart from the documents.

``FOLDER/AGENCY-CODE/NAME``, folders 0700 and files 0600. A document says ``secret:NAME`` and is given the secret of its
own agency, so that no agency can borrow another's.
"""

import re
from pathlib import Path

from bus.errors import SecretInvalid, SecretMissing
from identity.agencies import parse_code
from identity.private_files import NotPrivate, read_private, write_private

SCHEME = "secret:"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
MAX_BYTES = 65_536  # a chain of certificates with its key is about 10 kB


class Secrets:
    """The secrets of every agency, under one folder. Values are read anew each time and kept nowhere."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __repr__(self) -> str:
        return "Secrets()"

    def get(self, agency: str, name: str) -> str:
        """Raises `SecretMissing`, or `SecretInvalid` where others may read the file."""
        try:
            data = read_private(self._path(agency, name), MAX_BYTES)
        except FileNotFoundError:
            raise SecretMissing(agency=agency, name=name) from None
        except NotPrivate:
            raise SecretInvalid(hint=f"others may read {agency}/{name}, or it is a link: chmod 600 it") from None
        except OSError:
            raise SecretInvalid(hint=f"{agency}/{name} cannot be read") from None
        return _text(data, agency, name)

    def set(self, agency: str, name: str, value: str) -> None:
        path = self._path(agency, name)
        data = value.encode(errors="surrogatepass")
        _text(data, agency, name)
        for folder in (self._folder, path.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(path, data, replace=True)

    def list(self, agency: str) -> tuple[str, ...]:
        """The names of an agency's secrets."""
        folder = self._path(agency, "x").parent
        if not folder.is_dir():
            return ()
        return tuple(sorted(path.name for path in folder.iterdir() if NAME.fullmatch(path.name)))

    def resolve(self, text: str, agency: str) -> str:
        """The value of ``secret:NAME`` in the namespace of `agency`; any other text is its own value."""
        return self.get(agency, text.removeprefix(SCHEME)) if text.startswith(SCHEME) else text

    def _path(self, agency: str, name: str) -> Path:
        parse_code(agency)
        if not NAME.fullmatch(name):
            raise SecretInvalid(hint="its name is 1 to 64 of a-z, 0-9, - and _, and begins with a letter or digit")
        return self._folder / agency / name


def _text(data: bytes, agency: str, name: str) -> str:
    """UTF-8 without the line's end that editors and `echo` leave."""
    if len(data) > MAX_BYTES:
        raise SecretInvalid(hint=f"{agency}/{name} is larger than {MAX_BYTES} bytes")
    try:
        text = data.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise SecretInvalid(hint=f"{agency}/{name} is not text in UTF-8") from None
    if not text:
        raise SecretInvalid(hint=f"{agency}/{name} is empty")
    return text
