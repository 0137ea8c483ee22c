"""Nothing opens at import: no connection, no file that is written, no process, no thread."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.architecture.house import root
from tests.conftest import secret
from tests.instances import bare_environment

program = root / "tests" / "architecture" / "opening_nothing.py"


def test_nothing_opens_at_import(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, str(program)],
        cwd=tmp_path,
        env={
            **bare_environment(),
            "PYTHONDONTWRITEBYTECODE": "1",
            # `quickpoll.asgi` makes an application, which opens nothing either.
            "API_DATABASE_URL": "mongodb://nowhere.invalid/quickpoll",
            "API_REDIS_HOST": "nowhere.invalid",
            "JWT_SECRET_KEY": secret,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
