"""What a parent tells its child to be, and what the child answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import orjson

READY: Final = b"ready\n"
"""A child's one line: it does its work from now on."""

WRONG: Final = 2
"""A child's exit status where no other child would fare better: a setting is not right."""


@dataclass(frozen=True, slots=True)
class Task:
    """A gateway that listens at an inherited socket, or a worker. `endpoints` override those of systems."""

    role: Literal["gateway", "worker"]
    settings: Mapping[str, Any] = field(repr=False)
    socket: int = -1
    endpoints: Mapping[str, str] = field(default_factory=dict)

    def encode(self) -> bytes:
        """One line: settings hold passwords, which a command line would show to everybody."""
        return orjson.dumps((self.role, self.settings, self.socket, self.endpoints)) + b"\n"

    @classmethod
    def decode(cls, line: bytes) -> "Task":
        return cls(*orjson.loads(line))
