"""After a run: do MongoDB, Redis, the service and what was acknowledged agree?"""

from __future__ import annotations

from collections.abc import Sequence

import redis
from bson import ObjectId

from bench.services import PollHandle, Service
from quickpoll.localrun.child_process import LOOPBACK

answers_asked = 20
"""At how many of many polls the service itself is asked; the stores are asked at all."""


def deviations(
    service: Service, polls: Sequence[PollHandle], acknowledged: int, doubtful: int = 0
) -> list[str]:
    """Every way in which the numbers disagree; nothing where all are exact.

    Of votes that were answered by a failure (``doubtful``), any may be stored.
    """
    stored = {poll.id: _stored(service, poll) for poll in polls}
    total = sum(sum(counts.values()) for counts in stored.values())
    found = []
    if not acknowledged <= total <= acknowledged + doubtful:
        found.append(f"{acknowledged} votes acknowledged, {total} stored")
    found += _differences("Redis", stored, _counted(service, polls))
    some = polls[:: max(1, len(polls) // answers_asked)]
    found += _differences("the service", stored, {poll.id: _said(service, poll) for poll in some})
    return found


def _differences(
    name: str, stored: dict[str, dict[str, int]], said: dict[str, dict[str, int]]
) -> list[str]:
    return [
        f"poll {poll}: stored {stored[poll]}, {name} says {counts}"
        for poll, counts in said.items()
        if counts != stored[poll]
    ]


def _stored(service: Service, poll: PollHandle) -> dict[str, int]:
    votes = service.stores.client[service.stores.database(service.key)]["vote"]
    field = "optionIds" if service.form.name.startswith("quickpoll") else "optionId"
    return {
        option: votes.count_documents({"pollId": ObjectId(poll.id), field: ObjectId(option)})
        for option in poll.options
    }


def _counted(service: Service, polls: Sequence[PollHandle]) -> dict[str, dict[str, int]]:
    keys = [f"poll:{poll.id}:option:{option}" for poll in polls for option in poll.options]
    with redis.Redis(LOOPBACK, service.stores.redis_port(service.key)) as client:
        values = iter(client.mget(keys))
    return {poll.id: {option: int(next(values) or 0) for option in poll.options} for poll in polls}


def _said(service: Service, poll: PollHandle) -> dict[str, int]:
    if service.form.name == "quart":  # it only takes votes
        return _stored(service, poll)
    counts = service.poll_view(poll)["counts"]
    return {option: counts[option] for option in poll.options}
