"""The programs that `make check` installs beside the service (requirements/operations.txt)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkout import root


def run(program: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a checker in the project's folder; skips the test where it is not installed."""
    found = Path(sys.executable).with_name(program)
    if not found.is_file():
        missing(program)
    return subprocess.run(
        [str(found), *arguments],
        cwd=root,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def missing(what: str) -> None:
    """Skip the test; where everything has to be checked, fail it."""
    said = f"{what} is not installed; `make check` does that"
    if os.environ.get("CI") == "true":
        pytest.fail(said)
    pytest.skip(said)
