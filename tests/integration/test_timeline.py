"""How the vote went over time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any

import httpx
import pytest
from bson import ObjectId

from quickpoll.composition import Services
from quickpoll.settings import Settings
from tests.builders import create_poll, option, vote
from tests.conftest import bearer

owner, other = "65f1c0ffee0000000000b101", "65f1c0ffee0000000000b102"
noon = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def rows(client: httpx.AsyncClient, poll: dict[str, Any], **query: Any) -> Any:
    path = f"/api/poll/poll-timeline/{poll['id']}"
    return await client.get(path, params=query, headers=bearer(other))


@pytest.fixture
def backdate(services: Services, settings: Settings) -> Any:
    """Moves a user's ballot to another moment, as if it had been cast then."""
    votes = services.mongo[settings.database_name]["vote"]

    async def move(user: str, seconds: float) -> None:
        at = noon + timedelta(seconds=seconds)
        await votes.update_one({"userId": ObjectId(user)}, {"$set": {"castAt": at}})

    return move


async def test_a_row_for_each_bucket_with_the_counts_at_its_end(
    client: httpx.AsyncClient, backdate: Any
) -> None:
    poll = await create_poll(client, owner, maxChoices=2)
    moments = [(0, (0,)), (59.999, (0, 1)), (60, (2,)), (3600, (0, 2))]
    for seconds, places in moments:
        user = token_hex(12)
        ballot = {"optionIds": [option(poll, place) for place in places]}
        await client.put(f"/api/poll/ballot/{poll['id']}", json=ballot, headers=bearer(user))
        await backdate(user, seconds)

    def row(at: str, *counts: int) -> dict[str, Any]:
        named = {option(poll, place): count for place, count in enumerate(counts)}
        return {"at": f"2026-03-01T{at}.000Z", "counts": named}

    assert (await rows(client, poll)).json() == [
        row("12:00:00", 2, 1, 0),
        row("12:01:00", 2, 1, 1),
        row("13:00:00", 3, 1, 2),
    ]
    assert (await rows(client, poll, bucket=7200)).json() == [row("12:00:00", 3, 1, 2)]
    assert (await rows(client, poll, bucket=3600)).json() == [
        row("12:00:00", 2, 1, 1),
        row("13:00:00", 3, 1, 2),
    ]
    fine = (await rows(client, poll, bucket=1)).json()
    assert [one["at"][11:19] for one in fine] == ["12:00:00", "12:00:59", "12:01:00", "13:00:00"]


async def test_a_poll_without_votes_has_no_rows(client: httpx.AsyncClient) -> None:
    assert (await rows(client, await create_poll(client, owner))).json() == []


async def test_a_ballot_counts_from_the_moment_of_its_present_choice(
    client: httpx.AsyncClient, backdate: Any
) -> None:
    poll = await create_poll(client, owner, allowVoteChange=True)
    changed, gone = token_hex(12), token_hex(12)
    for user in (changed, gone):
        await vote(client, poll, 0, user)
        await backdate(user, 0)
    await vote(client, poll, 1, changed)
    await client.delete(f"/api/poll/ballot/{poll['id']}", headers=bearer(gone))

    (only,) = (await rows(client, poll)).json()

    assert only["at"] > "2026-03-01T13"
    assert only["counts"] == {option(poll, 0): 0, option(poll, 1): 1, option(poll, 2): 0}


async def test_at_most_a_thousand_rows(
    client: httpx.AsyncClient, services: Services, settings: Settings
) -> None:
    poll = await create_poll(client, owner)
    votes = services.mongo[settings.database_name]["vote"]
    common = {"pollId": ObjectId(poll["id"]), "optionIds": [ObjectId(option(poll, 0))]}
    ballots = [
        {"userId": ObjectId(), "castAt": noon + timedelta(seconds=n), "createdAt": noon, **common}
        for n in range(1000)
    ]
    await votes.insert_many(ballots)
    full = await rows(client, poll, bucket=1)
    assert len(full.json()) == 1000

    more = {"userId": ObjectId(), "castAt": noon - timedelta(hours=1), "createdAt": noon}
    await votes.insert_one({**more, **common})
    refused = await rows(client, poll, bucket=1)

    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
    assert [one["field"] for one in refused.json()["errors"]] == ["bucket"]
    assert (await rows(client, poll, bucket=60)).status_code == 200


@pytest.mark.parametrize(
    "bucket", ["0", "-1", "abc", "", "1.5", "1e3", "٣", "9" * 30, "60&bucket=1"]
)
async def test_what_is_no_bucket(client: httpx.AsyncClient, bucket: str) -> None:
    poll = await create_poll(client, owner)
    path = f"/api/poll/poll-timeline/{poll['id']}?bucket={bucket}"
    answer = await client.get(path, headers=bearer(other))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert [one["field"] for one in answer.json()["errors"]] == ["bucket"]


async def test_hidden_results_have_no_timeline(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, results="after_vote")
    hidden = await rows(client, poll)
    assert (hidden.status_code, hidden.json()["code"]) == (403, "results_hidden")
    path = f"/api/poll/poll-timeline/{poll['id']}"
    for headers in (bearer(owner), bearer(roles=["admin"])):
        assert (await client.get(path, headers=headers)).status_code == 200
    await vote(client, poll, 0, other)
    assert len((await rows(client, poll)).json()) == 1
    missing = await client.get(f"/api/poll/poll-timeline/{'0' * 24}", headers=bearer(other))
    assert missing.json()["code"] == "poll_not_found"
