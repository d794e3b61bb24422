"""The data folder of the embedded default: its journal, its keys, its secrets, and who serves it."""

import fcntl
import os
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, TypeVar

import orjson
from sqlalchemy import Engine

from bus.clock import Clock, SystemClock
from bus.errors import BusError, FolderInUse, SettingInvalid
from bus.measures import Fact
from bus.settings import Settings
from identity.credentials import Credential, issue_readable
from identity.credentials import issue as issue_credential
from identity.keyring import KeyRing, Purpose, SealedKey, load_master_key, new_key, open_key, seal_key
from identity.secrets import Secrets
from identity.tokens import LIFE
from identity.tokens import issue as issue_token
from journal.commands import Command, Event, PutDocuments, PutRow
from journal.database import keep_up, migrate, one_at_a_time, open_engine, open_store, sqlite_url
from journal.queries import Queries
from journal.store import Store
from journal.upkeep import Upkeep
from running import logs
from running.upkeep import kept_for

R = TypeVar("R")

SERVED_AT = "serving.json"
"""The file that says where a folder is served."""


@dataclass(slots=True)
class Home:
    """An opened data folder. `actor` is who does things here, as audit events name them."""

    settings: Settings
    actor: str
    clock: Clock = field(default_factory=SystemClock)
    _writing: threading.Lock = field(default_factory=threading.Lock)
    _told: Callable[[Sequence[Fact]], None] | None = None
    _store: Store | None = None
    _engine: Engine | None = None

    @property
    def url(self) -> str:
        return self.settings.database_url or sqlite_url(self.settings.data)

    def prepare(self) -> None:
        """Make or migrate the journal; make the keys that are missing. Of processes that begin together one does, the
        others find it done."""
        _own(self.settings.data)
        with one_at_a_time(self.url):
            migrate(self.url)
            # A master key that did not seal the keys that are there already is worth nothing: none is made then.
            load_master_key(self.settings.master_key_file, create=not self.queries.key_rows())
            ring = self.keys()
            for purpose in Purpose:
                if not ring.in_use(purpose):
                    self._put_key(purpose)

    @property
    def engine(self) -> Engine:
        """The asking side. Raises `SettingInvalid` where nobody has made a journal yet."""
        if self._engine is None:
            self._require_journal()
            self._engine = open_engine(self.url)
        return self._engine

    @property
    def queries(self) -> Queries:
        """Raises `SettingInvalid` where nobody has made a journal yet."""
        return Queries(self.engine)

    def open_store(self, role: str) -> Store:
        """The writing side, under a name in the chain of audit events that was never used before."""
        return open_store(self.url, self.clock, f"{role}-{self.clock.new_id().hex}")

    def write(self, command: Command[R]) -> R:
        """Write one command at once, whoever else has the journal open; raises what it refuses."""
        with self._writing:
            if self._store is None:
                self._require_journal()
                self._store = self.open_store("lgsp")
            written = self._store.write([command])
            # One list of facts: what a command does is told in the same log as what the bus does.
            self._told = self._told or logs.configure(self.settings)
            self._told([orjson.loads(event) for event in written.events])
        result: Any = written.results[0]
        if isinstance(result, BusError):
            raise result
        return result  # type: ignore[no-any-return]

    def _require_journal(self) -> None:
        """SQLite would make an empty file, and then complain of it."""
        if self.settings.database_url:
            return
        journal, data = self.settings.data / "journal.sqlite", self.settings.data
        if not journal.exists() or not journal.stat().st_size:
            hint = f"there is no bus in {data} yet; `lgsp up --data {data}` or `lgsp apply` makes one"
            raise SettingInvalid(name="data", hint=hint)

    def close(self) -> None:
        if self._store:
            self._store.close()
        if self._engine:
            self._engine.dispose()
        self._store = self._engine = None

    @property
    def secrets(self) -> Secrets:
        return Secrets(self.settings.secrets_folder)

    def keep_up(self) -> Upkeep:
        """Make room in the journal for what comes, and let go what has had its time. Blocks."""
        return keep_up(self.url, kept_for(self.queries))

    def set_secret(self, agency: str, name: str, value: str) -> None:
        """Set it, and have whoever serves this folder read it: a revision of its own, in which no document changes."""
        self.secrets.set(agency, name, value)
        event = Event("secret.changed", self.actor, facts={"agency": agency, "name": name})
        self.write(PutDocuments((), event))

    def keys(self) -> KeyRing:
        """The key ring, opened with the master key."""
        master = load_master_key(self.settings.master_key_file)
        rows = (SealedKey(**row._mapping) for row in self.queries.key_rows())  # noqa: SLF001 - SQLAlchemy's public name
        return KeyRing(open_key(row, master) for row in rows)

    def credentials(self) -> dict[str, Credential]:
        rows = (Credential(**row._mapping) for row in self.queries.credential_rows())  # noqa: SLF001 - see above
        return {credential.id: credential for credential in rows}

    def issue_credential(
        self, system: str, life: int | None = None, *, readable: bool = False, actor: str | None = None
    ) -> tuple[Credential, str]:
        """A new credential of a system and its secret; `life` in milliseconds, None: until revoked. `readable`: for
        WS-Security's digest alone. `actor` is who issues it, None: whose home this is."""
        now = self.clock.now()
        end = now + life if life else None
        if readable:
            credential, secret = issue_readable(system, now, self.clock.new_id, self.keys(), end)
        else:
            credential, secret = issue_credential(system, now, self.clock.new_id, end)
        self._put_credential(credential, "credential.issued", actor)
        return credential, secret

    def revoke_credential(self, credential: Credential, *, actor: str | None = None) -> None:
        revoked = replace(credential, revoked_at=self.clock.now(), sealed=None)
        self._put_credential(revoked, "credential.revoked", actor)

    def token(self, system: str) -> str:
        """A token for an operator who acts as a system. Its credential is the system's own, or one that lives no longer
        than the token and whose secret nobody has."""
        now = self.clock.now()
        live = (each for each in self.credentials().values() if each.system == system and each.live(now))
        credential = next(live, None) or self.issue_credential(system, LIFE * 1000)[0]
        return issue_token(system, credential.id, self.keys(), now)

    def _put_credential(self, credential: Credential, event: str, actor: str | None) -> None:
        row: dict[str, str | int | bytes | None] = {
            "id": credential.id,
            "system": credential.system,
            "digest": credential.digest,
            "created_at": credential.created_at,
            "expires_at": credential.expires_at,
            "revoked_at": credential.revoked_at,
            "sealed": credential.sealed,
        }
        facts: dict[str, str | int] = {"credential": credential.id, "system": credential.system}
        self.write(PutRow("credentials", row, Event(event, actor or self.actor, facts=facts)))

    def _put_key(self, purpose: Purpose) -> None:
        key = new_key(purpose, self.clock.now(), self.clock.new_id)
        sealed = seal_key(key, load_master_key(self.settings.master_key_file))
        row: dict[str, str | int | bytes | None] = {
            "kid": sealed.kid,
            "purpose": sealed.purpose,
            "algorithm": sealed.algorithm,
            "sealed": sealed.sealed,
            "created_at": sealed.created_at,
            "retired_at": sealed.retired_at,
        }
        self.write(PutRow("keys", row, Event("key.made", self.actor, facts={"kid": key.kid, "purpose": purpose})))


@contextmanager
def serving(settings: Settings) -> Iterator[None]:
    """Hold the data folder alone, as long as the process lives. Raises `FolderInUse`."""
    _own(settings.data)
    with (settings.data / "lock").open("a") as lock:
        _lock(lock)
        # Where it was served before is not where it is served now.
        (settings.data / SERVED_AT).unlink(missing_ok=True)
        try:
            yield
        finally:
            (settings.data / SERVED_AT).unlink(missing_ok=True)


def _own(folder: Path) -> None:
    """Make the data folder, or close it to others: bodies of messages lie in it. Raises `SettingInvalid` where it is
    not ours to close, or everybody's as /tmp is."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = folder.stat().st_mode
        if mode & 0o077:
            if mode & stat.S_ISVTX:
                raise PermissionError
            folder.chmod(0o700)
    except FileExistsError:
        raise SettingInvalid(name="data", hint=f"{folder} is not a folder") from None
    except OSError:
        hint = f"{folder} cannot be made private: choose another folder, or `chmod 700` it as its owner"
        raise SettingInvalid(name="data", hint=hint) from None


def _lock(lock: IO[str]) -> None:
    """Another command that looks who serves the folder holds the lock for an instant: a few tries."""
    for pause in (0.05, 0.1, 0.2, None):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if pause is None:
                raise FolderInUse from None
            time.sleep(pause)
        else:
            return


def announce(settings: Settings, url: str) -> None:
    """Leave word for other commands where this folder is served."""
    aside = settings.data / f"{SERVED_AT}.new"
    aside.write_bytes(orjson.dumps({"url": url, "pid": os.getpid()}))
    aside.replace(settings.data / SERVED_AT)


def served_at(settings: Settings) -> str | None:
    """Where this folder is being served, if it is, and answers already."""
    try:
        with (settings.data / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        with suppress(OSError):
            return str(orjson.loads((settings.data / SERVED_AT).read_bytes())["url"])
    except OSError:
        return None
    return None


def me() -> str:
    """Who runs this command, as audit events name them."""
    import getpass  # noqa: PLC0415 - only people have names

    try:
        return f"user:{getpass.getuser()}"
    except (KeyError, OSError):
        return f"user:{os.getuid()}" if sys.platform != "win32" else "user"
