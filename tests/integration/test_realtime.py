"""Live updates, as a client of the protocol sees them."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any

import httpx
import pytest

from quickpoll.localrun.embedded import StoreAddresses
from quickpoll.settings import Settings
from quickpoll.socketio import server as sending
from tests.builders import create_poll, look, option, vote
from tests.conftest import bearer, environment, settings_from, sign
from tests.integration.live_contract import example
from tests.integration.realtime_harness import Live, query_token, running

# Who may connect


an_update = example("vote-update")


@pytest.mark.parametrize(
    ("auth", "code"),
    [
        (None, "missing_token"),
        ({}, "missing_token"),
        ({"token": ""}, "missing_token"),
        ({"token": 7}, "missing_token"),
        ({"token": "x.y.z"}, "invalid_token"),
        ({"token": sign(seconds=-1)}, "expired_token"),
        ({"token": sign("no user id")}, "invalid_token"),
    ],
)
async def test_without_a_valid_token_the_connection_is_refused(
    live: Live, auth: dict[str, Any] | None, code: str
) -> None:
    screen = await live.open()
    await screen.join(auth)
    assert screen.refused is not None
    assert set(screen.refused["data"]) == {"code", "detail"}
    assert screen.refused["data"]["code"] == code
    assert screen.refused["message"] == screen.refused["data"]["detail"]


async def test_a_token_comes_in_one_of_three_ways(live: Live) -> None:
    token = sign()
    screens = [
        await live.open(),
        await live.open(headers={"Authorization": f"Bearer {token}"}),
        await live.open(query_token(token)),
    ]
    for screen, auth in zip(screens, [{"token": token}, None, None], strict=True):
        await screen.join(auth)
        assert screen.refused is None


async def test_the_acknowledgement_of_a_connection_comes_before_any_event(live: Live) -> None:
    async def shake() -> None:
        while True:
            live.services.sio.manager.send("vote-update", an_update, room="firehose")
            await asyncio.sleep(0)

    shaking = asyncio.create_task(shake())
    screens = [await live.screen() for _ in range(10)]
    for screen in screens:
        await screen.until("vote-update")
    shaking.cancel()
    for screen in screens:
        assert screen.packets[1].startswith("40")
        assert screen.packets[2].startswith("42")


async def test_a_user_has_a_bounded_number_of_connections(
    stores: StoreAddresses, name: str
) -> None:
    variables = environment(stores, name, API_SOCKET_CLIENTS_PER_USER="3")
    async with running(settings_from(variables)) as live:
        user = token_hex(12)
        screens = [await live.screen(user) for _ in range(4)]
        assert [s.refused for s in screens[:-1]] == [None] * 3
        assert screens[-1].refused is not None
        assert screens[-1].refused["data"]["code"] == "rate_limited"
        await screens[0].close()
        while len(live.services.audience) == 3:  # noqa: ASYNC110 - nothing to wait on
            await asyncio.sleep(0.01)
        assert (await live.screen(user)).refused is None


async def test_an_instance_has_a_bounded_number_of_clients(
    stores: StoreAddresses, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "SPARE_CONNECTIONS", 1)
    async with running(settings_from(environment(stores, name, API_SOCKET_CLIENTS="1"))) as live:
        first, second = await live.screen(), await live.screen()
        assert first.refused is None
        assert second.refused is not None
        assert second.refused["data"]["code"] == "overloaded"
        rest = await live.http()
        one_more = await rest.get("/ws/updates/?EIO=4&transport=polling")
        assert one_more.status_code == 503
        assert len(live.services.sio.eio.sockets) == 2


async def test_whoever_stays_outside_is_shown_out(live: Live) -> None:
    outside, refused, inside = await live.open(), await live.open(), await live.screen()
    await refused.join({"token": "no"})
    for _ in range(2):
        await live.services.idle_reaper.round()
    for screen in (outside, refused):
        await asyncio.wait_for(screen.ended.wait(), 5)
    assert not inside.ended.is_set()


async def test_one_who_answers_no_ping_is_let_go(live: Live) -> None:
    silent, other = await live.screen(), await live.screen()
    manager, sockets = live.services.sio.manager, live.services.sio.eio.sockets
    sid = json.loads(silent.packets[1][2:])["sid"]
    sockets[manager.eio_sid_from_sid(sid, "/")].last_ping = time.time() - 60
    await live.services.idle_reaper.round()
    await asyncio.wait_for(silent.ended.wait(), 5)
    assert not other.ended.is_set()
    await live.services.idle_reaper.round()
    assert len(sockets) == 1


async def test_a_client_is_told_when_its_token_expires_and_let_go(live: Live) -> None:
    screen = await live.screen(seconds=1)
    told = await screen.until("session-ended")
    assert told["code"] == "expired_token"
    await asyncio.wait_for(screen.ended.wait(), 5)
    assert screen.packets[-1] == "41"
    assert len(live.services.audience) == 0


# Subscribing


async def test_a_snapshot_has_the_whole_state(live: Live, rest: httpx.AsyncClient) -> None:
    poll = await create_poll(rest, token_hex(12))
    await vote(rest, poll, 1, token_hex(12))
    screen = await live.screen()
    seen = await look(rest, poll, token_hex(12))

    answer = await screen.subscribe(poll["id"])

    assert answer == {
        "polls": [
            {
                "pollId": poll["id"],
                "counts": seen["counts"],
                "votersCount": 1,
                "votesCount": 1,
                "status": "open",
                "version": seen["version"],
            }
        ],
        "unknown": [],
    }


async def test_what_is_no_poll_is_named_and_not_followed(
    live: Live, rest: httpx.AsyncClient
) -> None:
    poll, none = await create_poll(rest, token_hex(12)), token_hex(12)
    screen = await live.screen()

    answer = await screen.subscribe(none.upper(), poll["id"].upper(), none, poll["id"])

    assert [one["pollId"] for one in answer["polls"]] == [poll["id"]]
    assert answer["unknown"] == [none]
    assert live.services.audience.followed() == [poll["id"]]


@pytest.mark.parametrize(
    "asked",
    [
        [],
        [None],
        [7],
        ["x"],
        [[]],
        [{}],
        [{"pollIds": None}],
        [{"pollIds": "a" * 24}],
        [{"pollIds": ["no id"]}],
        [{"pollIds": [7, "a" * 24]}],
        [{"pollIds": {"a" * 24: 1}}],
        [{"pollIds": ["a" * 24, "é" * 24]}],
    ],
)
async def test_what_is_no_id_is_an_invalid_request(live: Live, asked: list[Any]) -> None:
    screen = await live.screen()
    answer = await screen.ask("subscribe", *asked)
    assert set(answer) == {"error", "unknown"}
    assert answer["error"]["code"] == "invalid_request"
    assert answer["unknown"] == []
    assert (await screen.ask("unsubscribe", *asked))["error"]["code"] == "invalid_request"


async def test_a_hundred_polls_are_the_most_and_more_change_nothing(
    live: Live, rest: httpx.AsyncClient
) -> None:
    poll = await create_poll(rest, token_hex(12))
    public = await create_poll(rest, token_hex(12))
    screen = await live.screen()

    answer = await screen.subscribe(poll["id"], *[token_hex(12) for _ in range(100)])

    assert set(answer) == {"error", "unknown"}
    assert answer["error"]["code"] == "too_many_subscriptions"
    assert answer["unknown"] == []
    await vote(rest, public, 0, token_hex(12))  # still on the firehose
    await screen.until("vote-update", pollId=public["id"])
    ids = [(await create_poll(rest, token_hex(12)))["id"] for _ in range(3)]
    assert (await screen.subscribe(*ids, *ids))["unknown"] == []
    assert len((await screen.subscribe(*[token_hex(12) for _ in range(97)]))["unknown"]) == 97


async def test_one_who_follows_gets_only_that_and_never_the_rest_again(
    live: Live, rest: httpx.AsyncClient
) -> None:
    mine, other = [await create_poll(rest, token_hex(12)) for _ in range(2)]
    screen, everything = await live.screen(), await live.screen()
    await screen.subscribe(mine["id"])

    await vote(rest, other, 0, token_hex(12))
    await everything.until("vote-update", pollId=other["id"])
    await vote(rest, mine, 0, token_hex(12))
    await screen.until("vote-update", pollId=mine["id"])
    assert screen.heard_of(other["id"], "vote-update") == []

    assert await screen.unsubscribe(mine["id"].upper()) == {}
    for poll in (mine, other):
        await vote(rest, poll, 1, token_hex(12))
        await everything.until("vote-update", pollId=poll["id"], votersCount=2)
    assert screen.heard_of(other["id"], "vote-update") == []
    assert len(screen.heard_of(mine["id"], "vote-update")) == 1


async def test_an_unknown_event_is_answered(live: Live) -> None:
    screen = await live.screen()
    assert (await screen.ask("dance", {"pollIds": []}))["error"]["code"] == "not_found"


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
