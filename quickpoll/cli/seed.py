"""seed: polls, votes and likes to try the service with, made the same way as real ones."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from random import Random
from typing import Any

import click
from bson import ObjectId
from pydantic import TypeAdapter, ValidationError

from quickpoll.cli.running import with_services
from quickpoll.composition import Services
from quickpoll.likes.rules import Act
from quickpoll.polls.bodies import NewPoll
from quickpoll.polls.store import KnownPoll

at_once = 256
"""Votes under way at a time: enough to fill the batches."""

_subjects = ("lunch", "the next talk", "our mascot", "the team day", "the new logo", "Friday")
_answers = (
    "Apple", "Birch", "Cedar", "Dahlia", "Elm", "Fern", "Ginkgo", "Hazel", "Iris", "Juniper",
)  # fmt: skip


@click.command()
@click.option("--polls", type=click.IntRange(0), default=5, show_default=True)
@click.option("--voters", type=click.IntRange(0), default=100, show_default=True)
@click.option("--votes", type=click.IntRange(0), default=300, show_default=True, help="In all.")
@click.option("--likes", type=click.IntRange(0), default=50, show_default=True, help="In all.")
@click.option("--random-seed", type=int, default=None, help="The same seed, the same polls.")
@click.option("--user-id", metavar="HEX", default=None, help="Owner of the polls.")
@click.option(
    "--file", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=None,
    help="A list of polls to create, as POST /create-poll takes them.",
)  # fmt: skip
@with_services
async def seed(
    services: Services,
    polls: int,
    voters: int,
    votes: int,
    likes: int,
    random_seed: int | None,
    user_id: str | None,
    file: Path | None,
) -> None:
    """Create polls, and votes and likes on them."""
    random = Random(random_seed)  # noqa: S311 - demo data
    wanted = read_polls(file) if file else [make_poll(random) for _ in range(polls)]
    owner = user_id or make_id(random)
    crowd = [make_id(random) for _ in range(voters)]
    made = [await services.creation.create(new, owner) for new in wanted]
    check_room(made, crowd, votes, likes)
    ballots = pick_ballots(random, made, crowd, votes)
    await _all("Votes", ballots, lambda one: services.casting.cast(one[0], one[1].id, one[2]))
    likers = pick_pairs(random, made, crowd, likes)
    await _all("Likes", likers, lambda one: services.liking.act(one[0], one[1].id, Act.SET))
    click.echo(f"{len(made)} polls, {len(ballots)} votes, {len(likers)} likes.")
    for known in made:
        click.echo(f"{known.id} {known.poll.question}")


def read_polls(file: Path) -> list[NewPoll]:
    """The polls in a file. Raises :class:`click.ClickException` naming what is wrong."""
    try:
        return TypeAdapter(list[NewPoll]).validate_python(json.loads(file.read_text("utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise click.ClickException(f"{file}: {place}: {first['msg']}") from error
    except (ValueError, OSError) as error:
        raise click.ClickException(f"{file}: {error}") from error


def make_poll(random: Random) -> NewPoll:
    """A poll made up by chance."""
    texts = random.sample(_answers, random.randint(2, 6))
    question = f"What about {random.choice(_subjects)}?"
    return NewPoll.model_validate({"question": question, "options": [{"text": t} for t in texts]})


def make_id(random: Random) -> str:
    """An id made up by chance."""
    return str(ObjectId(random.randbytes(12)))


def check_room(made: list[KnownPoll], crowd: list[str], votes: int, likes: int) -> None:
    """Raises :class:`click.ClickException` when there are fewer pairs of voter and poll."""
    most = len(made) * len(crowd)
    if max(votes, likes) > most:
        raise click.ClickException(
            f"{len(crowd)} voters on {len(made)} polls can give at most {most} votes and likes."
        )


def pick_pairs(
    random: Random, made: list[KnownPoll], crowd: list[str], count: int
) -> list[tuple[str, KnownPoll]]:
    """So many different pairs of a voter and a poll."""
    places = random.sample(range(len(made) * len(crowd)), count)
    return [(crowd[place % len(crowd)], made[place // len(crowd)]) for place in places]


def pick_ballots(
    random: Random, made: list[KnownPoll], crowd: list[str], count: int
) -> list[tuple[str, KnownPoll, list[str]]]:
    """Ballots for so many pairs, each with choices that the poll allows; some options are liked
    better than others."""
    ballots = []
    for user, known in pick_pairs(random, made, crowd, count):
        options = known.poll.option_ids()
        choices = random.randint(known.poll.min_choices, known.poll.max_choices)
        ranked = sorted(options, key=lambda one: random.random() * (options.index(one) + 2))
        ballots.append((user, known, ranked[:choices]))
    return ballots


async def _all(label: str, items: Iterable[Any], work: Callable[[Any], Awaitable[object]]) -> None:
    waiting = list(items)
    with click.progressbar(length=len(waiting), label=label) as bar:
        for start in range(0, len(waiting), at_once):
            part = waiting[start : start + at_once]
            await asyncio.gather(*map(work, part))
            bar.update(len(part))
