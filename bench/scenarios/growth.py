"""Does the cost of a vote grow: with the number of polls voted on, with what is stored."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import click
from bson import ObjectId

from bench.report import Table
from bench.scenarios.voting import columns
from bench.services import PollHandle, Service
from bench.workbench import Workbench

many_polls = 1_000
batch = 2_000


def spread(bench: Workbench) -> list[Table]:
    """All votes on one poll, and the same spread over a thousand."""
    table = Table(
        "spread",
        f"All votes on one poll, and spread over {many_polls:,} (64 connections)",
        columns,
        compared="rate",
        baseline=f"over {many_polls:,} polls",
    )
    for service in bench.chosen("quickpoll"):
        for _ in range(bench.extent.rounds):
            polls = [service.create_poll() for _ in range(many_polls)]
            measured = bench.vote(service, polls)
            table.add(f"over {many_polls:,} polls", measured.sample(), measured.faults)
            measured = bench.vote(service, [service.create_poll()])
            table.add("on one poll", measured.sample(), measured.faults)
    return [table]


def stored(bench: Workbench) -> list[Table]:
    """Votes into an almost empty database, and into one with much in it."""
    votes, polls = bench.extent.stored_votes, bench.extent.stored_polls
    full = f"{votes:,} votes and {polls:,} polls stored"
    table = Table(
        "stored",
        "Votes into an almost empty database and into a filled one (64 connections)",
        columns,
        compared="rate",
        baseline="almost empty",
    )
    if not bench.chosen("quickpoll"):
        return []
    empty, filled = (bench.service("quickpoll", f"quickpoll-{kind}") for kind in ("few", "many"))
    click.echo(f"filling: {full} ...", err=True)
    fill(filled, votes, polls)
    for _ in range(bench.extent.rounds):
        for label, service in (("almost empty", empty), (full, filled)):
            measured = bench.vote(service, [service.create_poll()])
            table.add(label, measured.sample(), measured.faults)
    return [table]


def fill(service: Service, votes: int, polls: int) -> None:
    """Store polls and votes like those that the service itself stores, straight into MongoDB."""
    database = service.stores.client[service.stores.database(service.key)]
    made = service.create_poll()
    service.ask("POST", made.vote_paths()[0])
    poll = database["poll"].find_one({"_id": ObjectId(made.id)})
    vote = database["vote"].find_one({"pollId": ObjectId(made.id)})
    assert poll is not None
    assert vote is not None
    handles = [_handle(poll) for _ in range(polls)]
    _insert(database["poll"], (_poll_like(poll, handle) for handle in handles))
    targets = itertools.islice(itertools.cycle(handles), votes)
    _insert(database["vote"], (_vote_like(vote, handle) for handle in targets))


def _handle(poll: dict[str, Any]) -> PollHandle:
    return PollHandle(str(ObjectId()), tuple(str(ObjectId()) for _ in poll["options"]))


def _poll_like(poll: dict[str, Any], handle: PollHandle) -> dict[str, Any]:
    options = [
        {**option, next(name for name in ("id", "_id") if name in option): ObjectId(identity)}
        for option, identity in zip(poll["options"], handle.options, strict=True)
    ]
    return {**poll, "_id": ObjectId(handle.id), "options": options}


def _vote_like(vote: dict[str, Any], handle: PollHandle) -> dict[str, Any]:
    return {
        **vote,
        "_id": ObjectId(),
        "userId": ObjectId(),
        "pollId": ObjectId(handle.id),
        "optionIds": [ObjectId(handle.options[0])],
    }


def _insert(collection: Any, documents: Iterator[dict[str, Any]]) -> None:
    while some := list(itertools.islice(documents, batch)):
        collection.insert_many(some, ordered=False)
