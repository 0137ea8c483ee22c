"""The smoke test that `make smoke` runs in the containers, here against processes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.checkout import root
from tests.conftest import secret
from tests.instances import Instance
from tests.journeys import proxy

script = (root / "config" / "smoke.py").read_bytes()


async def smoke(
    proxy_url: str, instances: tuple[Instance, ...]
) -> subprocess.CompletedProcess[bytes]:
    """The script as compose hands it to an instance: on standard input."""
    places = {"SMOKE_PROXY": proxy_url, "SMOKE_INSTANCES": ",".join(i.url for i in instances)}
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-"],
        input=script,
        capture_output=True,
        env={"JWT_SECRET_KEY": secret, **places},
        timeout=60,
        check=False,
    )


@proxy.needs_nginx
async def test_smoke_test_passes_on_a_stack_that_works(
    start_instance: Callable[..., Instance], tmp_path: Path
) -> None:
    instances = (start_instance(), start_instance())
    nginx = proxy.Nginx(instances, tmp_path).start()
    try:
        done = await smoke(nginx.url, instances)
    finally:
        nginx.stop()
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.decode().splitlines()] == ["ok"] * 9


async def test_smoke_test_fails_on_instances_that_do_not_share_their_counts(
    start_instance: Callable[..., Instance], name: str
) -> None:
    here = start_instance()
    database = here.variables["API_DATABASE_URL"].replace(f"/{name}", f"/{name}b")
    elsewhere = start_instance(API_DATABASE_URL=database)
    done = await smoke(here.url, (here, elsewhere))
    assert done.returncode == 1
    assert done.stderr.decode().startswith("failed: GET")
