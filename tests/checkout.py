"""The checkout that is tested, and a folder of it where services may run."""

from __future__ import annotations

from pathlib import Path

root = Path(__file__).parent.parent
without_env_file = root / "config"
"""Where services of the tests run: a developer's ``.env`` is none of their business."""
