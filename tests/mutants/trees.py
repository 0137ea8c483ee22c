"""Copies of the tree in which a change can be tried, and pytest run on them.

Invariants: a change is made in a copy and never in the tree itself; a copy has one user at a time,
and is whole again before the next; what is cached there of the code is told apart by what the
source says (PEP 552), not by second and size: so the code from before a change is never handed out,
and a run does not compile what is as it was.
"""

from __future__ import annotations

import compileall
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from py_compile import PycInvalidationMode

from tests.mutants.catalogue import CatalogueError, Change

longest_run = 300.0
"""Seconds for one run of pytest; longer than any list of tests here takes."""


class Verdict(Enum):
    """What pytest said."""

    PASSED = "passed"
    FAILED = "failed"
    BROKEN = "broken"
    """No test ran: nothing was collected, or a module could not be imported."""


_verdicts = {0: Verdict.PASSED, 1: Verdict.FAILED}


class Tree:
    """One copy of the files that git knows or would take."""

    def __init__(self, root: Path, target: Path) -> None:
        self.root = target
        self.output = ""
        """What the last run printed."""
        for name in _files(root):
            copy = target / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, copy, follow_symlinks=False)
        by_source = PycInvalidationMode.CHECKED_HASH
        compileall.compile_dir(target, quiet=2, invalidation_mode=by_source)

    @contextmanager
    def changed(self, change: Change) -> Iterator[None]:
        """The tree with that change in it, for the time of the ``with`` block."""
        file = self.root / change.file
        before = file.read_bytes()
        file.write_text(change.applied(self.root))
        try:
            yield
        finally:
            file.write_bytes(before)

    def run(self, tests: Sequence[str], seconds: float = longest_run) -> Verdict:
        """Run tests up to the first failure. One that hangs is one that fails."""
        command = [sys.executable, "-m", "pytest", "-x", "-q", "--tb=line", "--no-header"]
        process = subprocess.Popen(
            [*command, "-p", "no:cacheprovider", "-o", "timeout=60", *tests],
            cwd=self.root,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            self.output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.output = f"still running after {seconds:.0f} s"
            return Verdict.FAILED
        finally:
            _end_all_of(process)
        return _verdicts.get(process.returncode, Verdict.BROKEN)

    def _environment(self) -> dict[str, str]:
        # An editable install leads to the tree itself; PYTHONPATH comes first, in children, too.
        own = {"PYTHONPATH": str(self.root), "PYTHONDONTWRITEBYTECODE": "1"}
        return {**os.environ, **own}


def _end_all_of(process: subprocess.Popen[str]) -> None:
    """Nothing that a run has started outlives it."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    finally:
        process.wait()


def _files(root: Path) -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        raise CatalogueError(f"needs a checkout by git: {listed.stderr.strip()}")
    names = sorted(set(listed.stdout.split("\0")) - {""})
    return [name for name in names if (root / name).is_file()]
