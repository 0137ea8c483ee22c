"""A verifiable poll on two instances, one of which is killed: every promise is kept, and the
command says so to somebody who has nothing but an address."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from secrets import token_hex

import httpx

from tests.builders import create_poll, look, vote
from tests.conftest import sign
from tests.instances import Instance, bare_environment
from tests.integration.log_harness import act, log_settings, published

owner = "65f1c0ffee0000000000f201"


def verify(url: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the command, as somebody who has no settings."""
    command = [str(Path(sys.executable).parent / "quart"), "--app", "quickpoll", "verify", url]
    return subprocess.run(
        [*command, *options],
        env=bare_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def test_every_promise_is_kept_though_an_instance_is_killed(
    start_instance: Callable[..., Instance],
    http: Callable[[str], httpx.AsyncClient],
    tmp_path: Path,
) -> None:
    first, second = start_instance(**log_settings), start_instance(**log_settings)
    a, b = http(first.url), http(second.url)
    poll = await create_poll(a, owner, verifiable=True, allowVoteChange=True)
    users = [token_hex(12) for _ in range(40)]
    answers: list[httpx.Response] = []

    enough = asyncio.Event()

    async def storm(client: httpx.AsyncClient, some: list[str]) -> None:
        for place, user in enumerate(some):
            try:
                answers.append(await vote(client, poll, place % 3, user))
            except httpx.TransportError:
                return  # the instance was killed
            if len(answers) == 15:
                enough.set()

    storms = [asyncio.create_task(storm(a, users[:20])), asyncio.create_task(storm(b, users[20:]))]
    await enough.wait()
    first.kill()
    await asyncio.gather(*storms)
    promised = [one for one in answers if one.status_code == 201]
    assert len(promised) >= 20
    seen = await published(b, poll, 1 + len(promised))
    await act(b, "POST", "close-poll", poll, owner)
    voters = (await look(b, poll, owner))["votersCount"]
    await published(b, poll, 2 + voters)
    options = []
    for number, one in enumerate(promised):
        file = tmp_path / f"promise-{number}"
        file.write_bytes(one.content)
        options += ["--promise", str(file)]
    receipt = tmp_path / "receipt"
    user = promised[0].json()["userId"]
    receipt.write_bytes((await act(b, "GET", "receipt", poll, user)).content)
    since = tmp_path / "since"
    since.write_bytes(seen.checkpoint)
    options += ["--receipt", str(receipt), "--since", str(since), "--token", sign(owner)]
    address = f"{second.url}/polls/{poll['id']}"
    ended = await asyncio.to_thread(verify, address, *options)
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout
    assert f"Closed with {voters} ballots." in ended.stdout
