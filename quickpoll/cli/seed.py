"""seed: polls, votes and likes to try the service with, made the same way as real ones."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TypeVar

import click

from quickpoll.cli.evening import make_session
from quickpoll.cli.made_up import make_id, make_polls, pick_ballots, pick_pairs
from quickpoll.cli.poll_file import read_polls, refuse_what_is_not_offered
from quickpoll.cli.running import BadArguments, Command, HexId, with_services
from quickpoll.composition import Services
from quickpoll.errors import ServiceUnavailable
from quickpoll.likes.rules import Act
from quickpoll.polls.models import Poll
from quickpoll.sessions.models import Session

AT_ONCE = 256
"""Votes under way at a time: enough to fill the batches."""

USUAL_POLLS = 5

REPEATED = 60
"""How often what was refused for a moment is tried again."""

PAUSE_SECONDS = 0.5

Item = TypeVar("Item")
Made = TypeVar("Made")


@dataclass(frozen=True)
class Wanted:
    """What is to be made; nothing beside it is."""

    polls: list[Poll]
    crowd: list[str]
    votes: int
    likes: int
    random: Random
    session: Session | None = None


@click.command(cls=Command)
@click.option(
    "--polls", type=click.IntRange(0), default=None,
    help=f"Polls to make up.  [default: {USUAL_POLLS}]",
)  # fmt: skip
@click.option("--voters", type=click.IntRange(0), default=100, show_default=True)
@click.option("--votes", type=click.IntRange(0), default=0, show_default=True, help="In all.")
@click.option("--likes", type=click.IntRange(0), default=0, show_default=True, help="In all.")
@click.option("--random-seed", type=int, default=None, help="The same seed, the same polls.")
@click.option("--user-id", type=HexId(), default=None, help="Owner of the polls.")
@click.option(
    "--file", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=None,
    help="A list of polls to create, as POST /create-poll takes them; needs --user-id.",
)  # fmt: skip
@click.option("--session", default=None, help="Title of a session of these polls.")
def seed(
    polls: int | None,
    voters: int,
    votes: int,
    likes: int,
    random_seed: int | None,
    user_id: str | None,
    file: Path | None,
    session: str | None,
) -> None:
    """Create polls, and the votes and likes on them that are asked for."""
    random = Random(random_seed)  # noqa: S311 - demo data
    made_up = make_id(random)
    owner = user_id or made_up
    if file is None:
        found = make_polls(random, owner, USUAL_POLLS if polls is None else polls)
    elif user_id is None:
        raise BadArguments("--file needs --user-id: whose polls are they?")
    elif polls is not None:
        raise BadArguments(
            "--file and --polls exclude each other: the polls are those of the file."
        )
    else:
        found = read_polls(file, owner)
    crowd = [make_id(random) for _ in range(voters)]
    check_room("votes", votes, len(found) * len(crowd))
    check_room("likes", likes, len(found) * len(crowd))
    evening = None if session is None else make_session(session, found, owner)
    _create(Wanted(found, crowd, votes, likes, random, evening))


def check_room(what: str, asked: int, most: int) -> None:
    """Raises :class:`BadArguments` when so many do not fit: a voter has one ballot and one like on
    a poll."""
    if asked > most:
        raise BadArguments(f"--{what} {asked}: the voters can give {most} on these polls at most.")


@with_services
async def _create(services: Services, wanted: Wanted) -> None:
    random, crowd = wanted.random, wanted.crowd
    refuse_what_is_not_offered(wanted.polls, services.offers)
    made = await _all("Polls", wanted.polls, services.creation.store)
    ballots = pick_ballots(random, made, crowd, wanted.votes)
    cast, like = services.casting.cast, services.liking.act
    await _all("Votes", ballots, lambda one: _sure(lambda: cast(one[0], one[1].id, one[2])))
    likers = pick_pairs(random, made, crowd, wanted.likes)
    await _all("Likes", likers, lambda one: _sure(lambda: like(one[0], one[1].id, Act.SET)))
    if wanted.session is not None:
        await services.sessions.changes.create(wanted.session)
    click.echo(f"{len(made)} polls, {len(ballots)} votes, {len(likers)} likes.")
    for known in made:
        click.echo(f"{known.id} {known.poll.question}")


async def _sure(work: Callable[[], Awaitable[Made]]) -> Made:
    """Do what may be repeated until it is done: MongoDB may be slow, and the queue full."""
    for _ in range(REPEATED):
        try:
            return await work()
        except ServiceUnavailable:
            await asyncio.sleep(PAUSE_SECONDS)
    return await work()


async def _all(
    label: str, items: Iterable[Item], work: Callable[[Item], Awaitable[Made]]
) -> list[Made]:
    """What the work makes of each item, with a bar that shows how far it is."""
    waiting, made = list(items), list[Made]()
    if not waiting:
        return made
    with click.progressbar(length=len(waiting), label=label) as bar:
        for start in range(0, len(waiting), AT_ONCE):
            part = waiting[start : start + AT_ONCE]
            made += await asyncio.gather(*map(work, part))
            bar.update(len(part))
    return made
