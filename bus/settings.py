"""What an operator may set, by ``LGSP_*`` variables or by options of the command."""

import os
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from bus.errors import SettingInvalid

PREFIX = "LGSP_"

MOST_PORT = 65535

EMBEDDED = "memory://"
"""The broker inside one process."""


class Settings(BaseSettings):
    """Read once at start and handed on; nothing else reads the environment."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    data: Path = Field(Path("var/lgsp"), description="Folder of the embedded journal, keys, secrets and logs.")
    database_url: str = Field("", description="URL of the journal; empty: SQLite in the data folder.")
    broker: str = Field(
        EMBEDDED,
        description="URL of the broker: memory:// inside `lgsp up`, amqp://user:password@host:5672/vhost for RabbitMQ.",
    )
    host: str = Field("127.0.0.1", description="Address on which the data plane listens.")
    port: int = Field(8080, ge=0, le=65535, description="Port of the data plane; 0 takes a free one.")
    url: str = Field(
        "",
        description="Where the bus answers, as others call it: in the WSDLs that it gives (else there the address that"
        " a caller came to), in what events say of their schemas, and for `lgsp send` on a machine whose data folder is"
        " not served.",
    )
    tls_certificate: Path | None = Field(
        None,
        description="File of the data plane's own certificate with its chain (PEM): it speaks HTTPS then. None where a"
        " proxy ends TLS.",
    )
    tls_key: Path | None = Field(
        None, description="File of the private key to it (PEM, no passphrase); default: in the same file."
    )
    tls_clients: Path | None = Field(
        None,
        description="File of certificates (PEM): callers may show these, or what they have issued. Empty: callers are"
        " asked for none.",
    )
    proxies: tuple[IPv4Network | IPv6Network, ...] = Field(
        (),
        description='Networks of the bus\'s own proxies, as a JSON list: ["10.0.0.5/32"]. What they say of callers by'
        " X-Forwarded-For and Client-Cert is believed, and nobody else.",
    )
    grace: float = Field(
        5.0,
        ge=0,
        description="Seconds for which `lgsp serve` goes on answering after SIGTERM, not ready any more, so that a load"
        " balancer sees it in time.",
    )
    egress: tuple[IPv4Network | IPv6Network, ...] = Field(
        (),
        description='Networks that the bus may call, as a JSON list: ["10.0.0.0/8"]. Empty: any but loopback,'
        " link-local and the bus itself. `lgsp up` adds loopback.",
    )
    fetch_hosts: tuple[str, ...] = Field(
        (),
        description='Hosts that `lgsp import --fetch` may fetch from, as a JSON list: ["dan-cu.example.vn"]. Without'
        " LGSP_EGRESS, at public addresses only.",
    )
    secrets_dir: Path | None = Field(
        None, description="Folder of secrets, AGENCY-CODE/NAME; default: `secrets` in the data folder."
    )
    master_key: Path | None = Field(
        None,
        description="File of the key that the key ring is encrypted under; default: `master.key` in the data folder.",
    )
    log: str = Field(
        "",
        description="File for audit and process log lines, rotated; `-` is standard error. `lgsp serve` and `lgsp work`"
        " write to standard error where nothing is set, and leave it to others to rotate a file.",
    )
    log_bytes: int = Field(64 * 1024 * 1024, ge=1024, description="Size at which the log file is rotated.")
    log_files: int = Field(10, ge=1, description="Rotated log files that are kept.")
    disk_low: int = Field(
        256 * 1024 * 1024,
        ge=0,
        description="Bytes: with less free where the embedded journal or the log file lies, messages are answered 503"
        " `disk-low`.",
    )
    metrics_host: str = Field("127.0.0.1", description="Address on which `/metrics` answers.")
    metrics_port: int = Field(0, ge=0, le=65535, description="Port on which `/metrics` answers; 0: nowhere.")
    manage_host: str = Field("127.0.0.1", description="Address on which the management plane listens.")
    manage_port: int | None = Field(
        None, ge=0, le=65535, description="Port of the management plane; default: the one after `port`; 0: a free one."
    )
    body_timeout: float = Field(30.0, gt=0, description="Seconds within which a request's body must have arrived.")

    @property
    def log_file(self) -> Path | None:
        """None: standard error."""
        if self.log == "-":
            return None
        return Path(self.log) if self.log else self.data / "log" / "lgsp.jsonl"

    @property
    def manage_at(self) -> int:
        """The port of the management plane; beside a free port of the data plane, a free one."""
        after = self.port + 1 if 0 < self.port < MOST_PORT else 0
        return after if self.manage_port is None else self.manage_port

    @property
    def secrets_folder(self) -> Path:
        return self.secrets_dir or self.data / "secrets"

    @property
    def master_key_file(self) -> Path:
        return self.master_key or self.data / "master.key"


def read_settings(environment: Mapping[str, str] | None = None, **options: object) -> Settings:
    """Settings out of the environment, options of the command (not None) before it.

    Raises `SettingInvalid` for a value that does not fit and for an ``LGSP_*`` variable that does not exist.
    """
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    for variable in os.environ if environment is None else environment:
        if variable.startswith(PREFIX) and variable not in known:
            raise SettingInvalid(name=variable, hint=f"there is no such setting; there are {', '.join(sorted(known))}")
    try:
        return Settings(**{name: value for name, value in options.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as invalid:
        first = invalid.errors(include_input=False, include_url=False)[0]
        name = PREFIX + str(first["loc"][0]).upper()
        raise SettingInvalid(name=name, hint=first["msg"]) from None
