"""seed: polls, votes and likes to try the service with, made the same way as real ones."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from random import Random
from typing import TypeVar

import click

from quickpoll.cli.made_up import make_id, make_polls, pick_ballots, pick_pairs
from quickpoll.cli.poll_file import read_polls
from quickpoll.cli.running import BadArguments, Command, HexId, with_services
from quickpoll.composition import Services
from quickpoll.likes.rules import Act

at_once = 256
"""Votes under way at a time: enough to fill the batches."""

usual_votes, usual_likes = 300, 50

Item = TypeVar("Item")
Made = TypeVar("Made")


@click.command(cls=Command)
@click.option("--polls", type=click.IntRange(0), default=5, show_default=True)
@click.option("--voters", type=click.IntRange(0), default=100, show_default=True)
@click.option(
    "--votes", type=click.IntRange(0), default=None,
    help=f"In all; {usual_votes}, or as many as the voters can cast.",
)  # fmt: skip
@click.option(
    "--likes", type=click.IntRange(0), default=None,
    help=f"In all; {usual_likes}, or as many as the voters can give.",
)  # fmt: skip
@click.option("--random-seed", type=int, default=None, help="The same seed, the same polls.")
@click.option("--user-id", type=HexId(), default=None, help="Owner of the polls.")
@click.option(
    "--file", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=None,
    help="A list of polls to create, as POST /create-poll takes them.",
)  # fmt: skip
@with_services
async def seed(
    services: Services,
    polls: int,
    voters: int,
    votes: int | None,
    likes: int | None,
    random_seed: int | None,
    user_id: str | None,
    file: Path | None,
) -> None:
    """Create polls, and votes and likes on them."""
    random = Random(random_seed)  # noqa: S311 - demo data
    owner = user_id or make_id(random)
    wanted = read_polls(file, owner) if file else make_polls(random, owner, polls)
    crowd = [make_id(random) for _ in range(voters)]
    most = len(wanted) * len(crowd)
    votes, likes = room("votes", votes, usual_votes, most), room("likes", likes, usual_likes, most)
    made = await _all("Polls", wanted, services.creation.store)
    ballots = pick_ballots(random, made, crowd, votes)
    await _all("Votes", ballots, lambda one: services.casting.cast(one[0], one[1].id, one[2]))
    likers = pick_pairs(random, made, crowd, likes)
    await _all("Likes", likers, lambda one: services.liking.act(one[0], one[1].id, Act.SET))
    click.echo(f"{len(made)} polls, {len(ballots)} votes, {len(likers)} likes.")
    for known in made:
        click.echo(f"{known.id} {known.poll.question}")


def room(what: str, asked: int | None, usual: int, most: int) -> int:
    """How many of them to make. Raises :class:`BadArguments` when so many do not fit: a voter has
    one ballot and one like on a poll."""
    if asked is None:
        return min(usual, most)
    if asked > most:
        raise BadArguments(f"--{what} {asked}: the voters can give {most} on these polls at most.")
    return asked


async def _all(
    label: str, items: Iterable[Item], work: Callable[[Item], Awaitable[Made]]
) -> list[Made]:
    waiting, made = list(items), list[Made]()
    with click.progressbar(length=len(waiting), label=label) as bar:
        for start in range(0, len(waiting), at_once):
            part = waiting[start : start + at_once]
            made += await asyncio.gather(*map(work, part))
            bar.update(len(part))
    return made
