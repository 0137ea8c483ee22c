"""The list of changes, read from ``changes.toml`` and held against the tree."""

from __future__ import annotations

import ast
import tomllib
from dataclasses import dataclass
from pathlib import Path

from lupa import lua51  # type: ignore[import-untyped]

changes_file = Path(__file__).with_name("changes.toml")


class CatalogueError(ValueError):
    """The list does not fit the tree; the message names the entry and says why."""


@dataclass(frozen=True)
class Change:
    """One change of one file.

    ``tests`` are pytest node ids or paths, the ones that should notice; ``more`` are run where
    those do not.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    more: tuple[str, ...] = ()

    def applied(self, root: Path) -> str:
        """The text of the file with the change in it.

        Raises :class:`CatalogueError` unless the old text is there exactly once.
        """
        path = root / self.file
        if not path.is_file():
            raise CatalogueError(f"{self.name}: there is no {self.file}")
        text = path.read_text()
        if (times := text.count(self.old)) != 1:
            raise CatalogueError(f"{self.name}: {self.file} has the old text {times} times")
        return text.replace(self.old, self.new)

    def check(self, root: Path) -> None:
        """Raises :class:`CatalogueError` where the change cannot be made, is none, would not even
        compile (any test notices that), or names a test that is not there."""
        if self.old == self.new:
            raise CatalogueError(f"{self.name}: nothing is changed")
        _check_compiles(self.name, self.file, self.applied(root))
        for test in (*self.tests, *self.more):
            _check_there(self.name, root, test)


def read_changes(file: Path = changes_file) -> list[Change]:
    """The changes of a file. Raises :class:`CatalogueError` where an entry is not complete."""
    listed = tomllib.loads(file.read_text())
    more: dict[str, list[str]] = listed.get("more", {})
    changes = [_change(entry, more) for entry in listed.get("change", [])]
    names = [change.name for change in changes]
    if doubled := {name for name in names if names.count(name) > 1}:
        raise CatalogueError(f"named twice: {', '.join(sorted(doubled))}")
    return changes


def _change(entry: dict[str, object], more: dict[str, list[str]]) -> Change:
    wanted = {"file", "old", "new", "breaks", "tests"}
    if entry.keys() != wanted or not entry["tests"]:
        raise CatalogueError(f"an entry has exactly {sorted(wanted)}, and a test: {entry}")
    file, tests = str(entry["file"]), entry["tests"]
    assert isinstance(tests, list)
    wider = [test for prefix, some in more.items() if file.startswith(prefix) for test in some]
    return Change(
        str(entry["breaks"]),
        file,
        _without_ends(str(entry["old"])),
        _without_ends(str(entry["new"])),
        tuple(map(str, tests)),
        tuple(dict.fromkeys(wider)),
    )


def _without_ends(text: str) -> str:
    """Several lines are written between triple quotes, each on a line of its own."""
    return text.removesuffix("\n") if "\n" in text else text


def _check_compiles(name: str, file: str, text: str) -> None:
    if not file.endswith(".py"):
        return
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        raise CatalogueError(f"{name}: {file} would not compile: {error}") from None
    runtime = lua51.LuaRuntime()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and _is_lua(node.value):
            try:
                runtime.compile(str(node.value))
            except lua51.LuaSyntaxError as error:
                raise CatalogueError(f"{name}: a script would not compile: {error}") from None


def _is_lua(value: object) -> bool:
    return isinstance(value, str) and "redis.call(" in value


def _check_there(name: str, root: Path, test: str) -> None:
    path, _, inside = test.partition("::")
    if not (root / path).exists():
        raise CatalogueError(f"{name}: there is no {path}")
    function = inside.rpartition("::")[2].partition("[")[0]
    if function and f"def {function}(" not in (root / path).read_text():
        raise CatalogueError(f"{name}: {path} has no {function}")
