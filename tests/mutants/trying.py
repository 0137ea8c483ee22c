"""Trying changes: each must be noticed by a test, and the tests must pass without any."""

from __future__ import annotations

import queue
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from tests.mutants.catalogue import CatalogueError, Change
from tests.mutants.trees import Tree, Verdict


@dataclass(frozen=True)
class Tried:
    """What came of one change. ``noticed`` is empty where it survived."""

    change: Change
    noticed: str
    seconds: float
    trouble: str = ""

    @property
    def good(self) -> bool:
        """Whether a test has noticed."""
        return bool(self.noticed) and not self.trouble

    def line(self) -> str:
        """As one line of the report."""
        said = self.trouble or (f"noticed {self.noticed}" if self.noticed else "SURVIVED")
        return f"{said:15} {self.seconds:5.1f} s  {self.change.file}: {self.change.name}"


class Trial:
    """Copies of a tree, so many as run at a time."""

    def __init__(self, root: Path, at_once: int = 2) -> None:
        self._root = root
        self._at_once = at_once
        self._trees: queue.SimpleQueue[Tree] = queue.SimpleQueue()

    def run(self, changes: Sequence[Change], tell: Callable[[str], None]) -> list[Tried]:
        """Try all of them. Raises :class:`CatalogueError` before the first one where the list does
        not fit the tree, or where a test that is named fails without any change."""
        problems = [problem for change in changes if (problem := _problem(change, self._root))]
        if problems:
            raise CatalogueError("\n".join(problems))
        with (
            tempfile.TemporaryDirectory(prefix="quickpoll-mutants-") as folder,
            ThreadPoolExecutor(self._at_once) as pool,
        ):
            for number in range(self._at_once):
                self._trees.put(Tree(self._root, Path(folder).resolve() / str(number)))
            self._check_unchanged(pool, changes, tell)
            tried = []
            for done in as_completed([pool.submit(self._try, change) for change in changes]):
                tried.append(done.result())
                tell(tried[-1].line())
            return tried

    def _check_unchanged(
        self, pool: ThreadPoolExecutor, changes: Sequence[Change], tell: Callable[[str], None]
    ) -> None:
        began = monotonic()
        files: dict[str, dict[str, None]] = {}
        for change in changes:
            for test in change.tests:
                files.setdefault(test.partition("::")[0], {})[test] = None
        tests = [test for some in files.values() for test in some]
        halves = [half for n in range(self._at_once) if (half := tests[n :: self._at_once])]
        for failure in pool.map(self._failure, halves):
            if failure:
                raise CatalogueError(f"tests fail without any change:\n{failure}")
        tell(f"{len(tests)} tests or files pass without a change ({monotonic() - began:.1f} s)")

    def _failure(self, tests: list[str]) -> str:
        tree = self._trees.get()
        try:
            return "" if tree.run(tests) is Verdict.PASSED else tree.output
        finally:
            self._trees.put(tree)

    def _try(self, change: Change) -> Tried:
        tree, began = self._trees.get(), monotonic()
        try:
            noticed, trouble = _notice(tree, change)
            return Tried(change, noticed, monotonic() - began, trouble)
        finally:
            self._trees.put(tree)


def _notice(tree: Tree, change: Change) -> tuple[str, str]:
    """Who notices ('' for nobody), and why that cannot be said ('' where it can)."""
    for tests, when in ((change.tests, "at once"), (change.more, "late")):
        if not tests:
            continue
        with tree.changed(change):
            verdict = tree.run(tests)
        if verdict is Verdict.BROKEN:
            return "", "NO TEST RAN"
        if verdict is Verdict.FAILED:
            # Those of the first kind are known to pass without the change.
            certain = when == "at once" or tree.run(tests) is Verdict.PASSED
            return (when, "") if certain else ("", "FAILS WITHOUT")
    return "", ""


def _problem(change: Change, root: Path) -> str:
    try:
        change.check(root)
    except CatalogueError as error:
        return str(error)
    return ""
