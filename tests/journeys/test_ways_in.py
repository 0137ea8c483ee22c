"""The ways in beside ``make run``: Hypercorn as in production, and ``quart run``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import socketio

from quickpoll.localrun.embedded import StoreAddresses
from tests.checkout import root, without_env_file
from tests.conftest import environment, sign
from tests.instances import Instance, bare_environment, free_port


def serve(folder: Path, port: int, **variables: str) -> subprocess.CompletedProcess[str]:
    """Start Hypercorn in a folder without any configuration of ours."""
    command = ["-m", "hypercorn", "--config", str(root / "hypercorn.toml")]
    return subprocess.run(
        [sys.executable, *command, "--bind", f"127.0.0.1:{port}", "quickpoll.asgi:app"],
        cwd=folder,
        env={**bare_environment(), **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("variables", "blamed"),
    [
        ({}, "API_DATABASE_URL"),
        ({"API_DATABASE_URL": "mongodb://localhost/quickpoll"}, "JWT_SECRET_KEY"),
        (
            {"API_DATABASE_URL": "mongodb://localhost/q", "JWT_SECRET_KEY": "short"},
            "JWT_SECRET_KEY",
        ),
    ],
)
def test_a_missing_or_bad_setting_ends_the_start_with_one_line(
    tmp_path: Path, variables: dict[str, str], blamed: str
) -> None:
    ended = serve(tmp_path, free_port(), **variables)
    assert ended.returncode != 0
    assert ended.stderr.startswith(f"QuickPoll cannot start: {blamed}: ")
    assert f"Example: {blamed}=" in ended.stderr
    assert ended.stderr.count("\n") == 1


class QuartRun(Instance):
    """The service as ``quart run`` serves it."""

    def command(self) -> tuple[list[str], Path]:
        """What starts it, and in which folder."""
        run = ["-m", "quart", "--app", "quickpoll", "run", "--port", str(self.port)]
        return [sys.executable, *run], without_env_file


async def test_quart_run_serves_socket_io_too(stores: StoreAddresses, name: str) -> None:
    instance = QuartRun(environment(stores, name))
    try:
        instance.start()
        async with socketio.AsyncSimpleClient() as client:
            token = sign()
            await client.connect(instance.url, socketio_path="/ws/updates", auth={"token": token})
            assert await client.call("subscribe", {"pollIds": []}) == {"polls": [], "unknown": []}
        assert instance.stop() == 0
    finally:
        instance.close()
