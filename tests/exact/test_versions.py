"""Holes 5 and 8: one version is one state, and a newer version is a later state."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from secrets import token_hex

import httpx
import pytest

from tests.exact.framing import mongo_command
from tests.exact.pair import Pair, Poll, owner, settles
from tests.exact.seen import Seen

Screens = list[tuple[str, dict[str, object]]]


async def look_everywhere(pair: Pair, poll: Poll, seen: Seen) -> None:
    """Note what both instances say."""
    for name, member in (("A", pair.a), ("B", pair.b)):
        seen.saw(await member.look(poll), name)


async def keep_looking(pair: Pair, poll: Poll, seen: Seen) -> None:
    """Note it again and again."""
    while True:
        await look_everywhere(pair, poll, seen)


@pytest.mark.parametrize("act", ["close-poll", "reopen-poll", "update-poll"])
async def test_a_change_has_a_version_of_its_own_before_anybody_is_told(
    pair: Pair, act: str
) -> None:
    """The owner's instance has written the change, and cannot tell Redis yet."""
    poll, seen = await pair.poll(), Seen()
    assert (await pair.b.vote(poll, 0, token_hex(12))).status_code == 201
    if act == "reopen-poll":
        assert (await pair.a.act("POST", "close-poll", poll)).status_code == 200
    await look_everywhere(pair, poll, seen)
    written = pair.a.mongo.catch(mongo_command("update", "poll"), answers=True)
    changing = asyncio.create_task(change(pair, poll, act))
    await written.caught()
    await asyncio.sleep(0.1)  # the store has done it; its answer waits on the wire
    untold = [pair.a.redis.catch(b"EVALSHA", poll["id"].encode()) for _ in range(8)]
    written.release()
    for _ in range(10):
        await look_everywhere(pair, poll, seen)
        await asyncio.sleep(0.02)
    for one in untold:
        one.release()
    assert (await changing).status_code == 200
    await look_everywhere(pair, poll, seen)
    assert seen.wrong == []


async def change(pair: Pair, poll: Poll, act: str) -> httpx.Response:
    """A change of a poll by its owner on A."""
    if act == "update-poll":
        return await pair.a.act("PATCH", act, poll, body={"results": "owner"})
    return await pair.a.act("POST", act, poll)


async def test_a_deadline_is_a_version_by_itself(pair: Pair) -> None:
    """At its very moment, before anything has run: ``open`` and ``closed`` never share one."""
    soon = datetime.now(UTC) + timedelta(seconds=1.5)
    poll, seen = await pair.poll(closesAt=soon.isoformat()), Seen()
    assert (await pair.b.vote(poll, 0, token_hex(12))).status_code == 201
    looking = asyncio.create_task(keep_looking(pair, poll, seen))
    while (await pair.b.look(poll))["status"] == "open":
        pass
    await asyncio.sleep(1.5)
    looking.cancel()
    assert {state["status"] for state in seen.states.values()} == {"open", "closed"}
    assert seen.wrong == []


@pytest.mark.parametrize("how", ["close", "deadline"])
async def test_what_a_close_reveals_is_newer_than_the_close(pair: Pair, how: str) -> None:
    """A client that takes both by the rule, *ignore what is not newer*, has the results."""
    fields = {"results": "after_close"}
    if how == "deadline":
        fields["closesAt"] = (datetime.now(UTC) + timedelta(seconds=1.5)).isoformat()
    poll = await pair.poll(**fields)
    screen = await pair.b.screen(poll, user=token_hex(12))
    assert (await pair.b.vote(poll, 0, token_hex(12))).status_code == 201
    if how == "close":
        assert (await pair.a.act("POST", "close-poll", poll)).status_code == 200
    closed = await screen.until("poll-update", change="closed")
    revealed = await screen.until("vote-update", votersCount=1)
    assert revealed["version"] > closed["version"]


async def test_a_slow_reading_is_never_newer_than_a_later_one(pair: Pair) -> None:
    """A reader of MongoDB that began before a vote, and ends after others have read the vote's
    count from Redis."""
    poll, seen = await pair.poll(), Seen()
    assert (await pair.b.vote(poll, 0, token_hex(12))).status_code == 201
    await pair.exact(poll)
    pair.a.redis.cut()
    await pair.a.look(poll)  # it has noticed by now
    held = pair.a.mongo.catch(b"\0vote\0", b"optionIds", answers=True)
    reading = asyncio.create_task(pair.a.look(poll))
    await held.caught()
    await asyncio.sleep(0.05)  # the store has answered; the answer waits on the wire
    pair.a.redis.mend()
    assert (await pair.b.vote(poll, 1, token_hex(12))).status_code == 201
    await pair.a.has_redis()
    await look_everywhere(pair, poll, seen)
    held.release()
    seen.saw(await reading, "the slow reader")
    await look_everywhere(pair, poll, seen)
    assert seen.wrong == []
    assert seen.never_goes_back() == []


async def test_the_last_state_reaches_a_screen_past_a_slow_reading(pair: Pair) -> None:
    """Hole 8 as a watcher meets it: by the rule of versions, the screen ends up right."""
    poll = await pair.poll()
    screen = await pair.a.screen(poll)
    assert (await pair.b.vote(poll, 0, token_hex(12))).status_code == 201
    await screen.until("vote-update", votersCount=1)
    pair.a.redis.cut()
    await pair.a.look(poll)
    held = pair.a.mongo.catch(b"\0vote\0", b"optionIds", answers=True)
    reading = asyncio.create_task(pair.a.screen(poll))  # a snapshot for another watcher
    await held.caught()
    await asyncio.sleep(0.05)
    pair.a.redis.mend()
    assert (await pair.b.vote(poll, 1, token_hex(12))).status_code == 201
    await pair.a.has_redis()
    await screen.until("vote-update", votersCount=2)
    held.release()
    other = await reading

    async def behind() -> list[str]:
        return [
            f"a screen shows {shown}"
            for one in (screen, other)
            if (shown := shown_on(one.events, poll)) is None or shown["votersCount"] != 2
        ]

    await settles(behind)


def shown_on(events: Screens, poll: Poll) -> dict[str, object] | None:
    """What a client shows that ignores what is not newer."""
    shown: dict[str, object] | None = None
    for name, payload in events:
        if name != "vote-update" or payload["pollId"] != poll["id"]:
            continue
        if shown is None or payload["version"] > shown["version"]:  # type: ignore[operator]
            shown = payload
    return shown


async def test_a_reading_is_not_torn_by_a_change_of_a_ballot(pair: Pair) -> None:
    """Suspected: options that are counted one after the other, while the only ballot moves from
    one to the next. There is one voter, before and after."""
    poll, user = await pair.poll(allowVoteChange=True), token_hex(12)
    assert (await pair.b.vote(poll, 0, user)).status_code == 201
    await pair.exact(poll)
    pair.a.redis.cut()
    await pair.a.look(poll)
    of_first = bytes.fromhex(poll["options"][0]["id"])
    held = pair.a.mongo.catch(b"\0vote\0", b"optionIds", of_first)
    reading = asyncio.create_task(pair.a.look(poll))
    try:
        await held.caught(1.0)
        await asyncio.sleep(0.2)  # the other options are counted
        assert (await pair.b.vote(poll, 1, user)).status_code == 200
    except TimeoutError:
        pass  # it does not count them one by one
    held.release()
    view = await reading
    assert (view["votersCount"], view["votesCount"]) == (1, 1), view
    pair.a.redis.mend()


async def test_the_owner_sees_their_change_under_a_newer_version(pair: Pair) -> None:
    """Redis away or not, on the instance that made it."""
    poll = await pair.poll()
    before = await pair.a.look(poll, owner)
    pair.a.redis.cut()
    answer = await pair.a.act("PATCH", "update-poll", poll, body={"question": "Another?"})
    assert answer.status_code == 200
    after = await pair.a.look(poll, owner)
    assert after["question"] == "Another?"
    assert after["version"] > before["version"]
    pair.a.redis.mend()
