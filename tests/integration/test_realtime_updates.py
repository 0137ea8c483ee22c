"""Live updates: what is sent, to whom, and how often, as a client of the protocol sees it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from secrets import token_hex

import httpx
import pytest

from quickpoll.settings import Settings
from tests.builders import create_poll, option, vote
from tests.conftest import bearer
from tests.integration.realtime_harness import Live, running

# What is sent


async def test_the_updates_have_exactly_their_fields(live: Live, rest: httpx.AsyncClient) -> None:
    owner, user = token_hex(12), token_hex(12)
    screens = [await live.screen(), await live.screen()]
    poll = await create_poll(rest, owner)
    await screens[0].subscribe(poll["id"])
    created = await screens[1].until("poll-update", pollId=poll["id"])
    await vote(rest, poll, 2, user)
    await rest.post(f"/api/poll/like-poll/{poll['id']}", headers=bearer(user))
    counts = {"likes": 1, option(poll, 0): 0, option(poll, 1): 0, option(poll, 2): 1}

    assert set(created) == {"pollId", "change", "version", "at"}
    for screen in screens:
        voted = await screen.until("vote-update", votersCount=1)
        liked = await screen.until("like-update", likes=1)
        assert set(voted) == {"pollId", "counts", "votersCount", "votesCount", "version", "at"}
        assert set(liked) == {"pollId", "likes", "counts", "version", "at"}
        assert voted["votesCount"] == 1
        assert liked["counts"] == counts
        assert liked["version"] >= voted["version"] > created["version"]
        at = datetime.fromisoformat(voted["at"])
        assert voted["at"].endswith("Z")
        assert abs(datetime.now(UTC) - at) < timedelta(seconds=30)


async def test_every_change_of_a_poll_is_told(live: Live, rest: httpx.AsyncClient) -> None:
    owner = token_hex(12)
    follower, everything = await live.screen(), await live.screen()
    poll = await create_poll(rest, owner)
    await everything.until("poll-update", pollId=poll["id"])
    await follower.subscribe(poll["id"])
    path = "/api/poll/{}/" + poll["id"]

    for change, method, name, body in [
        ("updated", "PATCH", "update-poll", {"question": "Which one?"}),
        ("closed", "POST", "close-poll", None),
        ("reopened", "POST", "reopen-poll", None),
        ("deleted", "DELETE", "delete-poll", None),
    ]:
        answer = await rest.request(method, path.format(name), json=body, headers=bearer(owner))
        assert answer.status_code < 300
        for screen in (follower, everything):
            await screen.until("poll-update", change=change)

    for screen in (follower, everything):
        versions = [one["version"] for one in screen.heard_of(poll["id"], "poll-update")]
        assert versions == sorted(set(versions))
    assert live.services.audience.followed() == []


async def test_a_poll_that_nobody_here_has_seen_is_deleted_for_all(
    settings: Settings, live: Live, rest: httpx.AsyncClient
) -> None:
    owner = token_hex(12)
    public = await create_poll(rest, owner)
    unlisted = await create_poll(rest, owner, visibility="unlisted")
    async with running(settings) as elsewhere:
        screens = [await live.screen(), await elsewhere.screen()]
        for poll in (unlisted, public):
            await rest.delete(f"/api/poll/delete-poll/{poll['id']}", headers=bearer(owner))
        for screen in screens:
            await screen.until("poll-update", pollId=public["id"], change="deleted")
            assert screen.heard_of(unlisted["id"]) == []


async def test_a_deadline_is_told_soon(live: Live, rest: httpx.AsyncClient) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=1)
    poll = await create_poll(rest, token_hex(12), closesAt=soon.isoformat())
    screen = await live.screen()
    await screen.subscribe(poll["id"])
    closed = await screen.until("poll-update", change="closed")
    assert timedelta() <= datetime.fromisoformat(closed["at"]) - soon < timedelta(seconds=3)
    assert (await screen.subscribe(poll["id"]))["polls"][0]["status"] == "closed"


async def test_unlisted_polls_are_for_those_who_follow_them(
    live: Live, rest: httpx.AsyncClient
) -> None:
    owner = token_hex(12)
    everything, follower = await live.screen(), await live.screen()
    poll = await create_poll(rest, owner, visibility="unlisted")
    await follower.subscribe(poll["id"])
    path = f"/api/poll/update-poll/{poll['id']}"

    async def is_heard(visibility: str, voters: int) -> None:
        await rest.patch(path, json={"visibility": visibility}, headers=bearer(owner))
        await vote(rest, poll, 0, token_hex(12))
        await follower.until("vote-update", votersCount=voters)

    await vote(rest, poll, 0, token_hex(12))
    await follower.until("vote-update", votersCount=1)
    assert everything.heard_of(poll["id"]) == []
    await is_heard("public", 2)
    await everything.until("vote-update", pollId=poll["id"], votersCount=2)
    before = len(everything.heard_of(poll["id"]))
    await is_heard("unlisted", 3)
    assert len(everything.heard_of(poll["id"])) == before


# Hidden results


async def test_hidden_results_reach_nobody_who_may_not_see_them(
    live: Live, rest: httpx.AsyncClient
) -> None:
    owner, voter = token_hex(12), token_hex(12)
    poll = await create_poll(rest, owner, results="after_vote", allowVoteChange=True)
    stranger, everything = await live.screen(), await live.screen()
    own, voting = await live.screen(owner), await live.screen(voter)
    snapshots = [await s.subscribe(poll["id"]) for s in (stranger, own, voting)]
    hidden = snapshots[0]["polls"][0]
    assert set(hidden) == {"pollId", "status", "counts", "version", "resultsHidden"}
    assert hidden["counts"] == {"likes": 0}
    assert snapshots[2]["polls"][0] == hidden
    assert "votersCount" in snapshots[1]["polls"][0]

    await vote(rest, poll, 0, token_hex(12))
    await own.until("vote-update", votersCount=1)
    await vote(rest, poll, 0, voter)
    await voting.until("vote-update", votersCount=2)
    again = (await stranger.subscribe(poll["id"]))["polls"][0]
    assert again == hidden  # its version included: no step tells of a vote
    await rest.put(f"/api/poll/like-poll/{poll['id']}", headers=bearer(voter))
    await own.until("like-update", likes=1)
    for screen in (stranger, everything):
        liked = await screen.until("like-update", pollId=poll["id"])
        assert set(liked) == {"pollId", "likes", "counts", "version", "at"}
        assert liked["counts"] == {"likes": 1}
        assert screen.heard_of(poll["id"], "vote-update") == []

    await rest.post(f"/api/poll/close-poll/{poll['id']}", headers=bearer(owner))
    for screen in (stranger, everything):
        seen = await screen.until("vote-update", pollId=poll["id"])
        assert seen["votersCount"] == 2
        names = [name for name, one in screen.events if one["pollId"] == poll["id"]]
        assert names[-2:] == ["poll-update", "vote-update"]


@pytest.mark.parametrize(("results", "seen"), [("after_close", True), ("owner", False)])
async def test_results_after_the_close(
    live: Live, rest: httpx.AsyncClient, results: str, seen: bool
) -> None:
    owner, voter = token_hex(12), token_hex(12)
    poll = await create_poll(rest, owner, results=results)
    own, admin = await live.screen(owner), await live.screen(roles=["admin"])
    other = await live.screen(voter)
    for screen in (own, admin, other):
        await screen.subscribe(poll["id"])
    await vote(rest, poll, 1, voter)
    for screen in (own, admin):
        await screen.until("vote-update", votersCount=1)
    assert other.heard_of(poll["id"], "vote-update") == []
    await rest.post(f"/api/poll/close-poll/{poll['id']}", headers=bearer(owner))
    await other.until("poll-update", change="closed")
    await rest.put(f"/api/poll/like-poll/{poll['id']}", headers=bearer(owner))
    liked = await other.until("like-update", likes=1)
    assert (option(poll, 1) in liked["counts"]) is seen
    assert bool(other.heard_of(poll["id"], "vote-update")) is seen


async def test_results_that_are_opened_are_shown_at_once(
    live: Live, rest: httpx.AsyncClient
) -> None:
    owner = token_hex(12)
    poll = await create_poll(rest, owner, results="owner")
    screen = await live.screen()
    await screen.subscribe(poll["id"])
    await vote(rest, poll, 1, token_hex(12))
    await rest.post(f"/api/poll/close-poll/{poll['id']}", headers=bearer(owner))
    await screen.until("poll-update", change="closed")
    path = f"/api/poll/update-poll/{poll['id']}"
    changed = await rest.patch(path, json={"results": "always"}, headers=bearer(owner))
    assert changed.status_code == 200
    assert (await screen.until("vote-update"))["votersCount"] == 1


# How often


async def test_many_votes_are_few_updates_and_the_last_state_is_among_them(
    live: Live, rest: httpx.AsyncClient
) -> None:
    poll = await create_poll(rest, token_hex(12))
    screen = await live.screen()
    await screen.subscribe(poll["id"])
    began = datetime.now(UTC)
    for _ in range(10):
        await asyncio.gather(*[vote(rest, poll, 0, token_hex(12)) for _ in range(30)])
    last = await screen.until("vote-update", votersCount=300)
    updates = screen.heard_of(poll["id"], "vote-update")
    lasted = (datetime.now(UTC) - began).total_seconds()
    assert len(updates) <= 1 + lasted * 10
    assert updates[-1] == last
    versions = [one["version"] for one in updates]
    assert versions == sorted(set(versions))
    assert [one["votersCount"] for one in updates] == sorted(one["votersCount"] for one in updates)
