"""This machine: its folder, its disk, its limits."""

import os
import resource
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509

from bus.errors import BusError, SettingInvalid
from documents.certificates import WARNED
from identity.keyring import load_master_key
from running.doctor.finding import Finding, failure, warning, well
from running.home import Home
from running.tls import server_context

MIB: Final = 1024 * 1024

ROOM: Final = 2048 * MIB
"""Bytes below which a disk is worth a word: a busy day of log lines and SQLite pages."""

FEW_FILES: Final = 4096
"""Descriptors: each caller that waits holds one, and so does each call to a receiver."""


def folder(home: Home) -> Iterator[Finding]:
    data = home.settings.data
    if not data.is_dir():
        yield warning("data folder", f"{data} is not there", "it is made when the bus starts; or set LGSP_DATA")
        return
    if data.stat().st_mode & 0o077:
        yield failure("data folder", f"others may read {data}", f"chmod 700 {data}")
    if not os.access(data, os.W_OK):
        yield failure("data folder", f"{data} cannot be written by this user", "run the bus as its owner")
        return
    yield well("data folder", str(data))


def master_key(home: Home) -> Iterator[Finding]:
    path = home.settings.master_key_file
    if not path.exists():
        mend = (
            "it is made when the bus first starts; a journal that has keys already needs its own: take it from backup"
        )
        yield warning("master key", f"{path} is not there", mend)
        return
    try:
        load_master_key(path)
    except BusError as refused:
        yield failure("master key", refused.text, f"chmod 600 {path}, or take it from backup")
        return
    yield well("master key", f"{path}: keep a copy apart from the journal's backups")


def disk(home: Home) -> Iterator[Finding]:
    seen: set[int] = set()
    for path in (home.settings.data, Path(home.settings.log or ".").parent):
        if not path.exists() or path.stat().st_dev in seen:
            continue
        seen.add(path.stat().st_dev)
        free = shutil.disk_usage(path).free
        text = f"{free // MIB:,} MiB free at {path.resolve()}"
        yield well("disk", text) if free > ROOM else warning("disk", text, "make room; a full disk stops acceptance")


def open_files(_: Home) -> Iterator[Finding]:
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < FEW_FILES:
        mend = f"raise it to {FEW_FILES} or more: LimitNOFILE= of systemd, or ulimit -n"
        yield warning("open files", f"at most {soft} a process", mend)
        return
    yield well("open files", "no limit" if soft == resource.RLIM_INFINITY else f"at most {soft} a process")


def tls(home: Home) -> Iterator[Finding]:
    """The data plane's own certificate, where it ends TLS itself."""
    file = home.settings.tls_certificate
    try:
        context = server_context(home.settings)
    except SettingInvalid as wrong:
        yield failure("TLS", wrong.text, "set it right, or end TLS at a proxy")
        return
    if file is None or context is None:
        return
    ends = x509.load_pem_x509_certificates(file.read_bytes())[0].not_valid_after_utc
    left = ends - datetime.fromtimestamp(home.clock.now() / 1000, UTC)
    text, mend = f"the certificate of the data plane ends on {ends:%Y-%m-%d}", f"put its successor into {file}"
    if left < timedelta(0):
        yield failure("TLS", text, mend)
    else:
        yield warning("TLS", text, mend) if left <= WARNED else well("TLS", text)
