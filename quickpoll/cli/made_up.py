"""Polls, people and what they choose, made up by chance: the same seed, the same of each."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

from bson import ObjectId

from quickpoll.polls.bodies import NewPoll
from quickpoll.polls.models import Poll
from quickpoll.polls.rules import make_poll
from quickpoll.polls.store import KnownPoll

_SUBJECTS = ("lunch", "the next talk", "our mascot", "the team day", "the new logo", "Friday")
_ANSWERS = (
    "Apple", "Birch", "Cedar", "Dahlia", "Elm", "Fern", "Ginkgo", "Hazel", "Iris", "Juniper",
)  # fmt: skip

Ballot = tuple[str, KnownPoll, list[str]]
"""A user, a poll and the options chosen."""


def make_polls(random: Random, owner: str, count: int) -> list[Poll]:
    """Polls with a question and a few options."""
    return [make_poll(_new_poll(random), owner, datetime.now(UTC)) for _ in range(count)]


def _new_poll(random: Random) -> NewPoll:
    texts = random.sample(_ANSWERS, random.randint(2, 6))
    question = f"What about {random.choice(_SUBJECTS)}?"
    return NewPoll.model_validate({"question": question, "options": [{"text": t} for t in texts]})


def make_id(random: Random) -> str:
    """An id."""
    return str(ObjectId(random.randbytes(12)))


def pick_pairs(
    random: Random, made: list[KnownPoll], crowd: list[str], count: int
) -> list[tuple[str, KnownPoll]]:
    """So many different pairs of a voter and a poll."""
    places = random.sample(range(len(made) * len(crowd)), count)
    return [(crowd[place % len(crowd)], made[place // len(crowd)]) for place in places]


def pick_ballots(
    random: Random, made: list[KnownPoll], crowd: list[str], count: int
) -> list[Ballot]:
    """Ballots for so many pairs, each with choices that the poll allows; some options are liked
    better than others."""
    ballots = []
    for user, known in pick_pairs(random, made, crowd, count):
        options = known.poll.option_ids()
        choices = random.randint(known.poll.min_choices, known.poll.max_choices)
        weights = {option: random.random() * (place + 2) for place, option in enumerate(options)}
        ballots.append((user, known, sorted(options, key=weights.__getitem__)[:choices]))
    return ballots
