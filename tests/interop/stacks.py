"""The stacks: how each one is had, started and asked."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.interop.sample import REFUSED

HERE: Final = Path(__file__).parent
CLIENTS, SERVERS, WSDL = HERE / "clients", HERE / "servers", HERE / "province" / "service.wsdl"

NODE_SOAP: Final = "1.1.11"
"""The newest of the package that runs on the Node of Debian bookworm (18)."""

WITHIN: Final = 120
"""Seconds for one step of a stack; a full machine is slow."""


class Missing(Exception):
    """A stack is not on this machine."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Where a client finds the bus, and who it is."""

    base: str
    name: str
    secret: str = field(repr=False)


Client = Callable[[Path, Caller], list[str]]
"""What runs the client, made ready in a folder of its own; address, name, secret and a text are added."""

Server = Callable[[Path, int], list[str]]
"""What runs the server at that port."""


@dataclass(frozen=True, slots=True)
class Stack:
    """One stack. `cannot` gives for each case that is beyond it the reason."""

    name: str
    title: str
    tools: tuple[str, ...] = ()
    client: Client | None = field(default=None, repr=False)
    server: Server | None = field(default=None, repr=False)
    cannot: Mapping[str, str] = field(default_factory=dict)
    environment: Callable[[], Mapping[str, str]] = field(default=dict, repr=False)
    in_ci: bool = True
    """Whether it must be there where tests must be whole."""

    def needed(self) -> None:
        """Raises `Missing`."""
        for tool in self.tools:
            if shutil.which(tool) is None:
                raise Missing(f"there is no {tool}")
        self.environment()

    def surroundings(self) -> dict[str, str]:
        known = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return known | {"LC_ALL": "C.UTF-8", "WSDL": str(WSDL), "REASON": REFUSED["reason"], **self.environment()}


def done(command: list[str], folder: Path, environment: Mapping[str, str] | None = None) -> str:
    """Run a step to its end; what it wrote. What it says of an error is told."""
    ended = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=WITHIN, check=False
    )
    assert ended.returncode == 0, f"{Path(command[0]).name}: {ended.stdout[-2000:]}{ended.stderr[-2000:]}"
    return ended.stdout


def _perl() -> Mapping[str, str]:
    if subprocess.run(["perl", "-MSOAP::Lite", "-e1"], capture_output=True, check=False).returncode:
        raise Missing("Perl has no SOAP::Lite")
    return {}


def _php() -> Mapping[str, str]:
    if subprocess.run(["php", "-r", "exit((int) !class_exists('SoapClient'));"], check=False).returncode:
        raise Missing("PHP has no SoapClient")
    return {}


def _node() -> Mapping[str, str]:
    """The package lies in a cache folder, where npm puts it when it is first wanted."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lgsp-interop" / f"soap-{NODE_SOAP}"
    modules = cache / "node_modules"
    if not (modules / "soap").exists():
        cache.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", f"soap@{NODE_SOAP}"]
        try:
            subprocess.run(command, cwd=cache, check=True, capture_output=True, timeout=WITHIN)
        except (subprocess.SubprocessError, OSError):
            shutil.rmtree(modules, ignore_errors=True)
            raise Missing("npm could not fetch the package soap") from None
    return {"NODE_PATH": str(modules)}


def _gsoap(folder: Path, caller: Caller) -> list[str]:
    """Its client is made of the WSDLs: each of its generators and the compiler in turn."""
    wsdls = [f"{caller.base}/stand-in.{name}?wsdl" for name in ("record", "note", "view")]
    done(["wsdl2h", f"-r:{caller.name}:{caller.secret}", "-c", "-o", "api.h", *wsdls], folder)
    done(["soapcpp2", "-c", "-C", "-x", "-L", "api.h"], folder)
    sources = [str(CLIENTS / "client.c"), "soapC.c", "soapClient.c"]
    done(["gcc", "-w", "-I.", "-o", "client", *sources, "-lgsoap"], folder)
    return [str(folder / "client")]


STACKS: Final = (
    Stack(
        "php",
        "PHP, its own SOAP",
        ("php",),
        lambda folder, caller: ["php", str(CLIENTS / "client.php")],
        lambda folder, port: ["php", "-S", f"127.0.0.1:{port}", str(SERVERS / "server.php")],
        environment=_php,
    ),
    Stack(
        "perl",
        "Perl, SOAP::Lite",
        ("perl",),
        lambda folder, caller: ["perl", str(CLIENTS / "client.pl")],
        lambda folder, port: ["perl", str(SERVERS / "server.pl"), str(port)],
        environment=_perl,
    ),
    Stack(
        "node",
        "Node, the package soap",
        ("node", "npm"),
        lambda folder, caller: ["node", str(CLIENTS / "client.js")],
        lambda folder, port: ["node", str(SERVERS / "server.js"), str(WSDL), str(port)],
        environment=_node,
        in_ci=False,
    ),
    Stack("zeep", "Python, zeep", (), lambda folder, caller: [sys.executable, str(CLIENTS / "client_of_zeep.py")]),
    Stack("gsoap", "C, gSOAP", ("wsdl2h", "soapcpp2", "gcc"), _gsoap),
)
