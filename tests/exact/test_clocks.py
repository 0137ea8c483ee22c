"""Hole 5: clocks that differ. Versions grow and mean one state, whichever instance answers.

An instance with another clock is a process of its own whose ``time.time`` is ahead, as that of a
machine with a wrong clock is; Redis keeps the right time.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from secrets import token_hex

import httpx
import pytest

from quickpoll.localrun.embedded import StoreAddresses
from tests.builders import create_poll, look, vote
from tests.checkout import root, without_env_file
from tests.conftest import environment
from tests.exact.pair import Pair, Wires, owner, settles, two_running
from tests.exact.seen import Seen
from tests.instances import Instance

apart = pytest.mark.parametrize(
    "ahead", [(0.3, 0.0), (0.0, -1.0), (-1.0, -0.5), (1.0, 0.0)], ids=str
)

with_another_clock = """
import runpy, sys, time
right, ahead = time.time, float(sys.argv.pop(1))
time.time = lambda: right() + ahead
sys.argv[0] = "hypercorn"
runpy.run_module("hypercorn", run_name="__main__")
"""


class ShiftedInstance(Instance):
    """A process whose clock is some seconds ahead."""

    def __init__(self, variables: dict[str, str], ahead: float) -> None:
        super().__init__(variables)
        self._ahead = ahead

    def command(self) -> tuple[list[str], Path]:
        """What starts it, and in which folder."""
        serve = ["--config", str(root / "hypercorn.toml"), "--bind", f"127.0.0.1:{self.port}"]
        shift = [sys.executable, "-c", with_another_clock, str(self._ahead)]
        return [*shift, *serve, "quickpoll.asgi:app"], without_env_file


class Apart:
    """Two processes whose clocks differ, their wires, and their clients."""

    def __init__(self) -> None:
        self.wires: list[Wires] = []
        self.clients: list[httpx.AsyncClient] = []

    def cut_redis(self) -> None:
        """Redis is away for both."""
        for wires in self.wires:
            wires.redis.cut()

    def mend(self) -> None:
        """Everything is there again."""
        for wires in self.wires:
            wires.mend()


@asynccontextmanager
async def processes(
    stores: StoreAddresses, name: str, ahead: tuple[float, float]
) -> AsyncIterator[Apart]:
    """Start two of them."""
    async with AsyncExitStack() as stack:
        both = Apart()
        for seconds in ahead:
            wires = Wires(stores)
            for wire in (wires.mongo, wires.redis):
                wire.start()
                stack.callback(wire.close)
            instance = ShiftedInstance(environment(wires.addresses(), name), seconds)
            stack.callback(instance.close)
            await asyncio.to_thread(instance.start)
            client = httpx.AsyncClient(base_url=instance.url, timeout=10)
            both.wires.append(wires)
            both.clients.append(await stack.enter_async_context(client))
        yield both


@pytest.fixture
async def both(
    stores: StoreAddresses, name: str, ahead: tuple[float, float]
) -> AsyncIterator[Apart]:
    """Two processes whose clocks are so much ahead."""
    async with processes(stores, name, ahead) as found:
        yield found


@apart
async def test_versions_mean_one_state_when_redis_is_lost_after_a_vote(both: Apart) -> None:
    """Both read MongoDB then, each by its own clock, while votes go on."""
    a, b = both.clients
    poll, seen = await create_poll(a, owner), Seen()

    async def looked() -> None:
        for name, client in (("A", a), ("B", b)):
            seen.saw(await look(client, poll, owner), name)

    for client in both.clients:
        assert (await vote(client, poll, 0, token_hex(12))).status_code == 201
    await looked()
    both.cut_redis()
    for step in range(8):
        seen.saw(await look(a, poll, owner), "A")
        assert (await vote(both.clients[step % 2], poll, 1, token_hex(12))).status_code == 201
        seen.saw(await look(b, poll, owner), "B")
    await looked()
    both.mend()

    async def behind() -> list[str]:
        views = [await look(client, poll, owner) for client in both.clients]
        for name, view in zip("AB", views, strict=True):
            seen.saw(view, name)
        return [str(view) for view in views if view["votersCount"] != 10]

    await settles(behind)
    assert (await vote(a, poll, 2, token_hex(12))).status_code == 201
    await looked()
    assert seen.wrong == []
    assert seen.never_goes_back() == []


@apart
async def test_versions_of_clocks_that_were_handed_in(
    stores: StoreAddresses, name: str, ahead: tuple[float, float]
) -> None:
    """The same with applications in this process, which get their clocks from outside."""
    async with two_running(stores, name, ahead=ahead) as pair:
        poll, seen = await pair.poll(), Seen()
        assert (await pair.a.vote(poll, 0, token_hex(12))).status_code == 201
        await _look(pair, poll, seen)
        pair.a.redis.cut()
        pair.b.redis.cut()
        for step in range(8):
            seen.saw(await pair.a.look(poll), "A")
            voted = await pair.both[step % 2].vote(poll, 1, token_hex(12))
            assert voted.status_code == 201
            seen.saw(await pair.b.look(poll), "B")
        for member in pair.both:
            member.redis.mend()
            await member.has_redis()
        await pair.exact(poll)
        assert (await pair.a.vote(poll, 2, token_hex(12))).status_code == 201
        await _look(pair, poll, seen)
    assert seen.wrong == []
    assert seen.never_goes_back() == []


async def _look(pair: Pair, poll: dict[str, object], seen: Seen) -> None:
    for name, member in (("A", pair.a), ("B", pair.b)):
        seen.saw(await member.look(poll), name)
