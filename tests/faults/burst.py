"""As many voters as the machine takes, in a process of their own: every vote another user's.

``python -m tests.faults.burst --seconds 5 --url … --poll ID:OPTION`` prints what was acknowledged,
a line for each ballot: the user and the poll.
"""

from __future__ import annotations

import asyncio
import random
import sys
from time import monotonic

import click
import uvloop

from tests.faults.asking import Asker
from tests.faults.crowd import Pair


class Target:
    """An instance by its address alone."""

    def __init__(self, url: str) -> None:
        self.url = url


async def _vote(asker: Asker, chance: random.Random, polls: list[str], end: float) -> list[Pair]:
    acknowledged = []
    while monotonic() < end:
        user, (poll, _, option) = (
            f"{chance.getrandbits(96):024x}",
            chance.choice(polls).partition(":"),
        )
        answer = await asker.ask(chance, "POST", f"vote-on-poll/{poll}/{option}", user)
        if answer is not None and answer[0] in (200, 201):
            acknowledged.append((user, poll))
    return acknowledged


async def _run(seconds: float, voters: int, seed: int, urls: list[str], polls: list[str]) -> None:
    targets = [Target(url) for url in urls]
    asker = Asker(lambda: targets)
    await asker.start()
    end = monotonic() + seconds
    lists = await asyncio.gather(
        *(_vote(asker, random.Random(f"{seed}/{n}"), polls, end) for n in range(voters))
    )
    await asker.aclose()
    for user, poll in (pair for pairs in lists for pair in pairs):
        sys.stdout.write(f"{user} {poll}\n")


@click.command()
@click.option("--seconds", type=float, required=True)
@click.option("--voters", type=int, default=64, show_default=True)
@click.option("--seed", type=int, required=True)
@click.option("--url", "urls", multiple=True, required=True)
@click.option("--poll", "polls", multiple=True, required=True, help="poll:option")
def main(
    seconds: float, voters: int, seed: int, urls: tuple[str, ...], polls: tuple[str, ...]
) -> None:
    """Vote as fast as answers come."""
    uvloop.run(_run(seconds, voters, seed, list(urls), list(polls)))


if __name__ == "__main__":
    main()
