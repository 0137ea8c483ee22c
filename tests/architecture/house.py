"""The house as its source says: modules, what they import, the floors they are on."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

root = Path(__file__).parents[2]
package = "quickpoll"


@dataclass(frozen=True)
class Module:
    """One module of the package, read and never imported."""

    name: str
    path: Path
    tree: ast.Module
    lines: int

    @property
    def place(self) -> str:
        """Its path inside the package, such as ``polls/rules.py``."""
        return self.path.relative_to(root / package).as_posix()

    @property
    def room(self) -> str:
        """The package or module right below ``quickpoll`` that it belongs to."""
        return self.place.split("/", maxsplit=1)[0].removesuffix(".py")

    @property
    def parent(self) -> str:
        """The package that its relative imports start from."""
        return self.name if self.path.stem == "__init__" else self.name.rpartition(".")[0]


@cache
def modules() -> dict[str, Module]:
    """Every module of the package by its name."""
    found = {}
    for path in sorted((root / package).rglob("*.py")):
        name = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
        text = path.read_text("utf-8")
        found[name] = Module(name, path, ast.parse(text), len(text.splitlines()))
    return found


def python_files(folder: Path) -> Iterator[Path]:
    """Every Python file below a folder, except for what was installed there."""
    for path in sorted(folder.rglob("*.py")):
        inside = path.relative_to(folder).parts
        if not any(part.startswith(".") or part == "node_modules" for part in inside):
            yield path


def imports(module: Module) -> set[str]:
    """The modules of the package that one imports, those for types alone included."""
    found = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            source = _source(module, node)
            for alias in node.names:
                below = f"{source}.{alias.name}"
                found.add(below if below in modules() else source)
    return {name for name in found if name.split(".")[0] == package} - {module.name}


def _source(module: Module, node: ast.ImportFrom) -> str:
    if node.level == 0:
        return node.module or ""
    up = module.parent.split(".")
    base = up[: len(up) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


@cache
def floors() -> dict[str, int]:
    """The floor of each room, as ``docs/architecture.md`` draws it."""
    text = (root / "docs" / "architecture.md").read_text("utf-8")
    (drawn,) = re.findall(r"^```floors\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return {
        room: int(number)
        for number, *rooms in (line.split() for line in drawn.splitlines())
        for room in rooms
    }


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def calls(tree: ast.AST, name: str) -> Iterator[ast.Call]:
    """Every call of a method or function of that name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func
            if getattr(called, "attr", getattr(called, "id", None)) == name:
                yield node
