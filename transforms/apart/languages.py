"""Programs as functions that block until a child process has answered. Both raise what `Pool.run` raises."""

from dataclasses import dataclass

import orjson

from bus.errors import TransformFailed
from contracts.json_body import parse_json
from transforms.apart.pool import Pool
from transforms.apart.program import Program


@dataclass(frozen=True, slots=True)
class Jsonata:
    """From one JSON view to another."""

    program: Program
    pool: Pool

    @property
    def name(self) -> str:
        return self.program.name

    def __call__(self, document: object) -> object:
        return parse_json(self.pool.run(self.program, orjson.dumps(document)).data)


@dataclass(frozen=True, slots=True)
class Stylesheet:
    """From one XML document to another."""

    program: Program
    pool: Pool

    @property
    def name(self) -> str:
        return self.program.name

    def __call__(self, document: bytes, expected: str = "") -> bytes:
        """Also raises `TransformFailed` where the root is not the one expected, written ``{namespace}Name``."""
        made = self.pool.run(self.program, document)
        if expected and made.root != expected:
            raise TransformFailed(transform=self.name, rule=f"the root {made.root} is not {expected}", place="/")
        return made.data
