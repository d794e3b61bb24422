"""The stacks: how each one is had, started and asked."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.interop.sample import REFUSED

HERE: Final = Path(__file__).parent
CLIENTS, SERVERS, JAVA_SOURCES, DOTNET, WSDL = (
    HERE / "clients",
    HERE / "servers",
    HERE / "java",
    HERE / "dotnet",
    HERE / "province" / "service.wsdl",
)

NODE_SOAP: Final = "1.1.11"
"""The newest of the package that runs on the Node of Debian bookworm (18)."""

SPYNE: Final = "2.14.0"
PIP: Final = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]

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
    """One stack. `cannot` gives for each side and case that is beyond it the reason."""

    name: str
    title: str
    tools: tuple[str, ...] = ()
    client: Client | None = field(default=None, repr=False)
    server: Server | None = field(default=None, repr=False)
    cannot: Mapping[tuple[str, str], str] = field(default_factory=dict)
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


def _cache(name: str) -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lgsp-interop" / name


def _spyne() -> Mapping[str, str]:
    """The package lies in a cache folder, where pip puts it when it is first wanted."""
    if sys.version_info >= (3, 12):
        raise Missing("spyne does not run on this Python")
    cache = _cache(f"spyne-{SPYNE}")
    if not (cache / "spyne").exists():
        wanted = ["--no-deps", "--target", str(cache), f"spyne=={SPYNE}", "pytz"]  # lxml is ours
        try:
            subprocess.run([*PIP, *wanted], check=True, capture_output=True, timeout=WITHIN)
        except (subprocess.SubprocessError, OSError):
            shutil.rmtree(cache, ignore_errors=True)
            raise Missing("pip could not fetch spyne") from None
    return {"PYTHONPATH": str(cache)}


def _node() -> Mapping[str, str]:
    """The package lies in a cache folder, where npm puts it when it is first wanted."""
    cache = _cache(f"soap-{NODE_SOAP}")
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


WSDLS: Final = {"record": "stand-in.record", "note": "stand-in.note", "view": "stand-in.view", "inbox": "inbox"}
"""What the stacks load from the bus, by the names that they give it."""

GSOAP: Final = Path("/usr/share/gsoap")
"""Where Debian has its plugins."""


def _gsoap(folder: Path, side: str, source: Path, wsdls: Sequence[str], *asking: str) -> list[str]:
    """Made of the WSDLs: each of its generators and the compiler in turn."""
    done(["wsdl2h", *asking, "-c", "-o", "api.h", *wsdls], folder)
    with (folder / "api.h").open("a", encoding="ascii") as declared:
        declared.write('#import "wsa5.h"\n')
    done(["soapcpp2", "-c", side, "-x", "-L", f"-I{GSOAP / 'import'}", "api.h"], folder)
    made = ["soapC.c", "soapClient.c" if side == "-C" else "soapServer.c"]
    plugin = GSOAP / "plugin" / "wsaapi.c"
    done(["gcc", "-w", "-I.", f"-I{plugin.parent}", "-o", "made", str(source), *made, str(plugin), "-lgsoap"], folder)
    return [str(folder / "made")]


def _gsoap_client(folder: Path, caller: Caller) -> list[str]:
    wsdls = [f"{caller.base}/{name}?wsdl" for name in WSDLS.values()]
    return _gsoap(folder, "-C", CLIENTS / "client.c", wsdls, f"-r:{caller.name}:{caller.secret}")


def _gsoap_server(folder: Path, port: int) -> list[str]:
    return [*_gsoap(folder, "-S", SERVERS / "server.c", [str(WSDL)]), str(port)]


MCS: Final = ["mcs", "-nologo", "-warn:0", "-r:System.Web.dll", "-r:System.Web.Services.dll"]

JAVA: Final = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
"""Java for a few seconds: what takes long to pay is left out."""

JARS: Final = Path("/usr/share/java")
"""Where Debian has them."""


def _built(folder: Path, source: Path, wsdls: Mapping[str, str]) -> list[str]:
    """What runs a class that uses those which wsimport makes of the WSDLs, by package."""
    described = [word for pair in wsdls.items() for word in pair]
    tools = ["-cp", str(JARS / "jaxws-tools.jar"), str(JAVA_SOURCES / "Build.java")]
    done([*JAVA, *tools, str(folder), str(source), *described], folder)
    return [*JAVA, "-cp", f"{folder}:{JARS / 'jaxws-rt.jar'}", source.stem]


def _java(folder: Path, caller: Caller) -> list[str]:
    """Its classes are made of the WSDLs, which wsimport asks for as the sender."""
    wsdls = {name: f"{caller.base}/{place}?wsdl" for name, place in WSDLS.items()}
    known = f"//{caller.name}:{caller.secret}@"
    lines = "".join(f"{url.replace('//', known)}\n" for url in wsdls.values())
    (folder / "authorization").write_text(lines, encoding="ascii")
    return _built(folder, JAVA_SOURCES / "Client.java", wsdls)


def _java_server(folder: Path, port: int) -> list[str]:
    return [*_built(folder, JAVA_SOURCES / "Server.java", {"service": str(WSDL)}), str(port)]


def _jaxws() -> Mapping[str, str]:
    if not (JARS / "jaxws-tools.jar").exists():
        raise Missing("Java has no JAX-WS")
    return {}


def _dotnet(folder: Path, caller: Caller) -> list[str]:
    """Its proxies are made of the WSDLs, as Visual Studio makes those of a web reference."""
    known, made = [f"-username:{caller.name}", f"-password:{caller.secret}"], []
    for name, place in WSDLS.items():
        made.append(f"{name}.cs")
        space, url = f"-n:Made.{name.capitalize()}", f"{caller.base}/{place}?wsdl"
        done(["wsdl", "-nologo", *known, space, f"-out:{made[-1]}", url], folder)
    done([*MCS, "-out:client.exe", str(DOTNET / "Client.cs"), *made], folder)
    return ["mono", "client.exe"]


def _dotnet_server(folder: Path, port: int) -> list[str]:
    """ASP.NET looks for a service in bin."""
    (folder / "bin").mkdir()
    done(["wsdl", "-nologo", "-server", "-n:Made.Service", "-out:service.cs", str(WSDL)], folder)
    sources = [str(DOTNET / "Server.cs"), str(DOTNET / "Host.cs"), "service.cs"]
    done([*MCS, "-out:bin/Server.dll", *sources], folder)
    return ["mono", "bin/Server.dll", str(port)]


ATTACHMENT: Final = {("client", "attachment"): "it has no attachments of SOAP, or they are not tried here"}
MTOM: Final = {("client", "mtom"): "it sends no MTOM, or is not tried with it"}
NO_MTOM: Final = MTOM | {("server", "mtom"): "it reads no MTOM"}
ADDRESSING: Final = {(side, "addressing"): "it has no WS-Addressing of its own" for side in ("client", "server")}

STACKS: Final = (
    Stack(
        "php",
        "PHP, its own SOAP",
        ("php",),
        lambda folder, caller: ["php", str(CLIENTS / "client.php")],
        lambda folder, port: ["php", "-S", f"127.0.0.1:{port}", str(SERVERS / "server.php")],
        cannot=ADDRESSING | ATTACHMENT | NO_MTOM,
        environment=_php,
    ),
    Stack(
        "perl",
        "Perl, SOAP::Lite",
        ("perl",),
        lambda folder, caller: ["perl", str(CLIENTS / "client.pl")],
        lambda folder, port: ["perl", str(SERVERS / "server.pl"), str(port)],
        cannot=ADDRESSING | MTOM,
        environment=_perl,
    ),
    Stack(
        "node",
        "Node, the package soap",
        ("node", "npm"),
        lambda folder, caller: ["node", str(CLIENTS / "client.js")],
        lambda folder, port: ["node", str(SERVERS / "server.js"), str(WSDL), str(port)],
        cannot=ADDRESSING | ATTACHMENT | NO_MTOM,
        environment=_node,
        in_ci=False,
    ),
    Stack(
        "zeep",
        "Python, zeep",
        (),
        lambda folder, caller: [sys.executable, str(CLIENTS / "client_of_zeep.py")],
        cannot=ATTACHMENT | MTOM,
    ),
    Stack(
        "spyne",
        "Python, spyne",
        (),
        server=lambda folder, port: [sys.executable, "-W", "ignore", str(SERVERS / "server_of_spyne.py"), str(port)],
        cannot=ADDRESSING | ATTACHMENT | NO_MTOM,
        environment=_spyne,
        in_ci=False,
    ),
    Stack("java", "Java, JAX-WS (Metro)", ("javac",), _java, _java_server, ATTACHMENT, environment=_jaxws),
    Stack(
        "gsoap",
        "C, gSOAP",
        ("wsdl2h", "soapcpp2", "gcc"),
        _gsoap_client,
        _gsoap_server,
        cannot=MTOM | {("server", "us-ascii"): "it leaves the semicolon of a reference beyond the basic plane"},
    ),
    Stack(
        "dotnet",
        ".NET, ASMX (Mono)",
        ("wsdl", "mcs", "mono"),
        _dotnet,
        _dotnet_server,
        ADDRESSING | ATTACHMENT | NO_MTOM,
    ),
)
