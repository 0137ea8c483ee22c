"""Live updates: following polls, and what a snapshot holds."""

from __future__ import annotations

from secrets import token_hex
from typing import Any

import httpx
import pytest

from tests.builders import create_poll, look, vote
from tests.integration.realtime_harness import Live


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
