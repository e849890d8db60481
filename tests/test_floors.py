"""The rooms of the house: who may import whom, and what the command line imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

from ixs_core.cli import load_command, mounted_commands

REPOSITORY = Path(__file__).resolve().parent.parent

# What each package may import, itself included.
MAY_IMPORT = {
    "ixs_core": {"ixs_core"},
    "ixs_reduce": {"ixs_core", "ixs_reduce"},
    "mem": {"ixs_core", "mem"},
    "simulate": {"ixs_core", "ixs_reduce", "mem", "simulate"},
    "gui": {"ixs_core", "ixs_reduce", "mem", "simulate", "gui"},
}
QT = {"PySide6", "PySide2", "PyQt5", "PyQt6", "pyqtgraph", "qtpy", "shiboken6"}
HEAVY = {
    *("lmfit", "phonopy", "numba", "scipy", "matplotlib", "h5py", "pydantic", "dask"),
    *("numpy", "ase", "jinja2", "emcee", "gemmi", "fabio", *QT),
}


def imports(file: Path, root: Path) -> Iterator[tuple[str, int]]:
    """Full name and line of everything a file imports, wherever it does so."""
    inside = file.relative_to(root).parent.parts
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            base = inside[: len(inside) - node.level + 1]
            yield ".".join([*base, node.module or ""]), node.lineno
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module), node.lineno
        elif _imports_by_name(node):
            yield node.args[0].value, node.lineno


def _imports_by_name(node: ast.AST) -> bool:
    """Whether this is `import_module("name")`."""
    if not (isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)):
        return False
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    return name in ("import_module", "__import__", "importorskip")


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_no_package_imports_one_of_a_higher_floor(package: str) -> None:
    files = list((REPOSITORY / package).rglob("*.py"))
    assert files
    forbidden = MAY_IMPORT.keys() - MAY_IMPORT[package] | (set() if package == "gui" else QT)
    forbidden |= {"tests", "benchmarks"}
    wrong = [
        f"{file.relative_to(REPOSITORY)}:{line} imports {name}"
        for file in files
        for name, line in imports(file, REPOSITORY)
        if name.split(".")[0] in forbidden
    ]
    assert wrong == []


def test_the_search_for_imports_finds_all_kinds(tmp_path: Path) -> None:
    text = (
        "import a.b, c\nfrom d import e\nfrom . import f\nfrom .g import h\n"
        "def i():\n    import PySide6\n    import_module('j')\n"
    )
    source = tmp_path / "mem" / "x.py"
    source.parent.mkdir()
    source.write_text(text)
    found = {name for name, _ in imports(source, tmp_path)}
    assert found == {"a.b", "c", "d", "mem.", "mem.g", "PySide6", "j"}


def modules_after(program: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after a program."""
    program += "\nimport sys; print('MODULES', *{name.split('.')[0] for name in sys.modules})"
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(ended.stdout.split("MODULES ")[1].split())


def test_science_leaves_qt_alone() -> None:
    loaded = modules_after("import ixs_core, ixs_reduce, mem, simulate")
    assert {"ixs_core", "ixs_reduce", "mem", "simulate"} <= loaded
    assert not loaded & QT


def test_help_starts_light() -> None:
    loaded = modules_after(
        "from ixs_core.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as end:\n    assert not end.code"
    )
    assert "typer" in loaded
    assert sorted(loaded & HEAVY) == []


def test_help_lists_every_mounted_command() -> None:
    program = "from ixs_core.cli import main; main(['--help'])"
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    words = ended.stdout.split()
    assert mounted_commands()
    assert [name for name in mounted_commands() if name not in words] == []


@pytest.mark.parametrize("name", mounted_commands())
def test_every_mounted_command_exists_and_explains_itself(name: str) -> None:
    command = mounted_commands()[name]
    module, _, attribute = command.target.partition(":")
    assert hasattr(import_module(module), attribute)
    loaded = load_command(command)
    assert loaded.help
    assert "ixs " + name in loaded.help, "the help has no example"


LAZY = [
    str(file.parent.relative_to(REPOSITORY)).replace("/", ".")
    for package in MAY_IMPORT
    for file in sorted((REPOSITORY / package).rglob("__init__.py"))
    if "lazy_exports" in file.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("package", LAZY)
def test_lazy_packages_export_what_they_promise(package: str) -> None:
    module = import_module(package)
    for name in module.__all__:
        exported = getattr(module, name)
        # A submodule of the same name would take its place once it is imported.
        assert exported is not None
        assert not isinstance(exported, ModuleType), f"{package}.{name} is a module"
        assert find_spec(f"{package}.{name}") is None, f"{package}.{name} is hidden by a module"
