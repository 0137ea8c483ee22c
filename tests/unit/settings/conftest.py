"""Fixtures: a folder of its own and an environment without any setting, or with the least."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.unit.settings.variables import least


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, and an environment without any setting."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("API_", "JWT_", "CORS_", "LOG_")):
            monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment with the least that is needed."""
    for name, value in least.items():
        monkeypatch.setenv(name, value)
    return monkeypatch
