"""What is installed: the flat names, and every file that runs need."""

import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from email import message_from_string
from importlib.metadata import entry_points, packages_distributions, version
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SHIPPED = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
NAMES = sorted(name.removesuffix(".py") for name in SHIPPED)
BESIDE = {"bench", "tests"}
"""Folders of Python that are not installed."""

NEEDED = (
    "contracts/catalog/soap-envelope-1.1.xsd",
    "documents/schemas/contract.schema.json",
    "journal/migrations/env.py",
    "journal/migrations/versions/0001_the_first_tables.py",
    "provinces/model/agencies.yaml",
    "provinces/model/population/dan-cu.wsdl",
)

CLAIMS = (
    "import sys; from importlib.metadata import packages_distributions as of;"
    "print(*sorted(f'{name} {\" \".join(sorted(set(of()[name])))}' for name in sys.argv[1:]), sep='\\n')"
)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZipFile]:
    """The wheel, built by the back end itself: nothing is fetched."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60)
    (path,) = folder.glob("*.whl")
    with ZipFile(path) as wheel:
        yield wheel


@pytest.fixture(scope="session")
def installed(wheel: ZipFile, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds what the wheel installs."""
    folder = tmp_path_factory.mktemp("installed")
    wheel.extractall(folder)
    return folder


def run(installed: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Python in another folder, where the installed wheel comes before everything else."""
    environment = os.environ | {"PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=installed.parent,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_nobody_else_has_our_names() -> None:
    """No other distribution of this environment ships a folder or module of our name: it would overwrite ours, and
    nothing else would say so."""
    claims = packages_distributions()
    assert {name: set(claims.get(name, ["lgsp"])) for name in NAMES} == {name: {"lgsp"} for name in NAMES}


def test_installed_names_are_this_distributions_alone(installed: Path) -> None:
    """Installed, each of our names belongs to this distribution and to no other."""
    told = run(installed, "-c", CLAIMS, *NAMES)
    assert told.stdout.splitlines() == [f"{name} lgsp" for name in NAMES], told.stderr


def test_no_folder_is_forgotten() -> None:
    """Every package of the house is shipped, checked for types, and held to the direction of imports."""
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - BESIDE
    modules = {path.stem for path in ROOT.glob("*.py")}
    tool = PROJECT["tool"]
    assert set(NAMES) == packages | modules
    assert {name.removesuffix(".py") for name in tool["mypy"]["files"]} == packages | modules | BESIDE
    assert set(tool["importlinter"]["root_packages"]) == packages
    assert set(tool["deptry"]["known_first_party"]) >= packages | modules


def test_wheel_holds_every_file(wheel: ZipFile) -> None:
    """The wheel holds every file of the shipped folders, code and data, and nothing besides."""
    written = {
        path for name in SHIPPED for path in ((ROOT / name).rglob("*") if (ROOT / name).is_dir() else [ROOT / name])
    }
    expected = {str(path.relative_to(ROOT)) for path in written if path.is_file() and "__pycache__" not in path.parts}
    held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert held == expected
    assert held >= set(NEEDED)
    assert not [name for name in held if name.startswith(("tests/", "bench/", "docs/", "var/"))]


def test_installed_command_finds_its_data(installed: Path) -> None:
    """From the wheel alone, in any folder, the command checks the model province: schemas and catalogue are there."""
    checked = run(installed, "-c", "from cli import main; main()", "check", str(installed / "provinces" / "model"))
    assert checked.returncode == 0, checked.stderr
    assert all(" has no secret " in line for line in checked.stderr.splitlines())
    assert " Contract, " in checked.stdout
    where = run(installed, "-c", "import cli, documents; print(cli.__file__, documents.__file__)")
    assert where.stdout.split() == [str(installed / "cli.py"), str(installed / "documents" / "__init__.py")]


def test_version_is_the_same_everywhere(wheel: ZipFile) -> None:
    """The project, the wheel and what is installed here name one version."""
    (metadata,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    told = message_from_string(wheel.read(metadata).decode())
    assert told["Name"] == "lgsp"
    assert told["Version"] == version("lgsp") == PROJECT["project"]["version"]
    assert Path(wheel.filename or "").name.split("-")[1] == told["Version"]


def test_command_is_installed() -> None:
    """`lgsp` is the one command of this distribution."""
    commands = [each for each in entry_points(group="console_scripts") if each.value == "cli:main"]
    assert {each.name for each in commands} == {"lgsp"}
    assert (Path(sys.executable).parent / "lgsp").exists()
