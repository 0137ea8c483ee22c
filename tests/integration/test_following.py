"""Following a session: what its followers hear, on every instance, and in which order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from quickpoll.auth.caller import Caller
from quickpoll.sessions.bodies import Step
from quickpoll.settings import Settings
from tests.builders import create_poll, vote
from tests.conftest import bearer
from tests.guests import forged, with_guests
from tests.instances import free_port
from tests.integration.realtime_harness import Live, Screen, running
from tests.integration.session_harness import Evening, an_evening, create, owner, stranger


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return with_guests(settings)


@pytest.fixture
async def evening(rest: httpx.AsyncClient) -> Evening:
    """A session of two polls, on the first instance."""
    polls = [await create_poll(rest, owner, question=f"Question {n}?") for n in range(2)]
    return await an_evening(rest, polls)


@pytest.fixture
async def second(settings: Settings) -> AsyncIterator[Live]:
    """Another instance of the same service."""
    async with running(settings) as live:
        yield live


async def follow(screen: Screen, session_id: str) -> Any:
    """Follow a session."""
    return await screen.ask("follow", {"sessionId": session_id})


def versions(screen: Screen) -> list[int]:
    """The versions that came, in their order."""
    return [said["version"] for name, said in screen.events if name == "session-update"]


async def test_followers_on_every_instance_hear_the_whole_session_and_its_poll(
    live: Live, second: Live, evening: Evening
) -> None:
    screens = [await one.screen(stranger) for one in (live, second)]
    for screen in screens:
        assert await follow(screen, evening.id.upper()) == {
            "session": evening.fields,
            "poll": None,
        }
    stepped = (await evening.step(1, evening.fields["version"])).json()
    path = f"/api/poll/get-poll-by-id/{stepped['pollIds'][1]}"
    poll = (await evening.client.get(path, headers=bearer(owner))).json()
    for screen in screens:
        said = await screen.until("session-update", version=stepped["version"])
        shown = {key: poll[key] for key in ("id", "question", "options")}
        assert said == {**stepped, "poll": shown}
    ended = (await evening.do("POST", "end-session")).json()
    for screen in screens:
        assert await screen.until("session-update", status="ended") == {**ended, "poll": None}


async def test_who_comes_late_is_told_where_it_is(live: Live, evening: Evening) -> None:
    await evening.step(0, evening.fields["version"])
    told = await follow(await live.screen(stranger), evening.id)
    assert told["session"]["at"] == 0
    assert told["poll"]["id"] == told["session"]["pollIds"][0]


async def test_a_deleted_session_says_so_last_on_every_instance(
    live: Live, second: Live, evening: Evening
) -> None:
    screens = [await one.screen(stranger) for one in (live, second)]
    for screen in screens:
        await follow(screen, evening.id)
    await evening.do("DELETE", "delete-session")
    for screen in screens:
        said = await screen.until("session-update", status="deleted")
        assert said["version"] > evening.fields["version"]
        assert (said["id"], said["title"], said["poll"]) == (evening.id, "Summer party", None)
        told = await follow(screen, evening.id)
        assert told["error"]["code"] == "not_found"


async def test_what_cannot_be_followed_is_said(live: Live, evening: Evening) -> None:
    screen = await live.screen(stranger)
    for asked, code in (
        ({"sessionId": "0" * 24}, "not_found"),
        ({"sessionId": "x"}, "invalid_request"),
        ({"sessionId": [evening.id]}, "invalid_request"),
        ({}, "invalid_request"),
        (None, "invalid_request"),
    ):
        told = await screen.ask("follow", asked)
        assert told["error"]["code"] == code
        assert set(told) == {"error"}
    assert await screen.ask("unfollow", {"sessionId": evening.id}) == {}
    assert (await screen.ask("unfollow", {}))["error"]["code"] == "invalid_request"
    guest = await live.open()
    await guest.join({"token": forged()})
    told = await follow(guest, evening.id)
    assert told["error"]["code"] == "guests_not_allowed"


async def test_who_unfollows_hears_no_more(live: Live, evening: Evening) -> None:
    stays, leaves = await live.screen(stranger), await live.screen(stranger)
    for screen in (stays, leaves):
        await follow(screen, evening.id)
    await leaves.ask("unfollow", {"sessionId": evening.id})
    stepped = (await evening.step(0, evening.fields["version"])).json()
    await stays.until("session-update", version=stepped["version"])
    await follow(leaves, evening.id)  # whatever was on its way has come before the answer
    assert versions(leaves) == []


async def test_following_a_session_changes_nothing_about_polls(
    live: Live, rest: httpx.AsyncClient, evening: Evening
) -> None:
    screen = await live.screen(stranger)
    await follow(screen, evening.id)
    poll = await create_poll(rest, owner)
    await screen.until("poll-update", pollId=poll["id"])  # still on the firehose
    many = [(await create_poll(rest, owner))["id"] for _ in range(3)]
    assert len((await screen.subscribe(*many)).get("polls")) == 3
    await screen.ask("unfollow", {"sessionId": evening.id})
    await vote(rest, {"id": many[0], "options": poll["options"]}, 0, stranger)
    for wrong in range(101):
        told = await follow(screen, f"{wrong:024x}")
        assert told["error"]["code"] == "not_found"  # what is refused takes no place


async def test_a_client_may_follow_a_hundred_sessions(live: Live, rest: httpx.AsyncClient) -> None:
    screen = await live.screen(stranger)
    made = [(await create(rest, [])).json()["id"] for _ in range(101)]
    for one in made[:100]:
        assert "session" in await follow(screen, one)
    told = await follow(screen, made[100])
    assert told["error"]["code"] == "too_many_subscriptions"
    await screen.ask("unfollow", {"sessionId": made[0]})
    assert "session" in await follow(screen, made[100])


async def test_versions_grow_and_the_last_state_comes_however_fast_it_changes(
    live: Live, second: Live, evening: Evening
) -> None:
    screens = [await one.screen(stranger) for one in (live, second)]
    for screen in screens:
        await follow(screen, evening.id)
    version = evening.fields["version"]
    for turn in range(20):
        version = (await evening.step(turn % 2, version)).json()["version"]
    for screen in screens:
        await screen.until("session-update", version=version)
        heard = versions(screen)
        assert heard == sorted(set(heard))


async def test_what_nobody_was_told_of_is_found_out(
    live: Live, second: Live, evening: Evening, monkeypatch: pytest.MonkeyPatch
) -> None:
    screens = [await one.screen(stranger) for one in (live, second)]
    for screen in screens:
        await follow(screen, evening.id)
    silent = live.services.sessions.events

    async def nothing(session_id: str, version: int) -> None:
        """The process has died before it could say so."""

    monkeypatch.setattr(silent, "announce", nothing)
    stepped = (await evening.step(0, evening.fields["version"])).json()
    for screen in screens:
        await screen.until("session-update", version=stepped["version"])


async def test_the_word_alone_reaches_other_instances(
    live: Live, second: Live, evening: Evening
) -> None:
    await second.services.session_relay._loop.aclose()  # it does not look by itself
    screen = await second.screen(stranger)
    await follow(screen, evening.id)
    stepped = (await evening.step(0, evening.fields["version"])).json()
    await screen.until("session-update", version=stepped["version"])


async def test_a_step_whose_presenter_has_hung_up_is_announced(
    live: Live, evening: Evening, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = live.services.sessions
    reached, go_on, announced = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def held(session_id: str, version: int) -> None:
        reached.set()
        await go_on.wait()
        announced.set()

    monkeypatch.setattr(sessions.events, "announce", held)
    asked = Step.model_validate({"at": 0, "ifVersion": evening.fields["version"]})
    request = asyncio.create_task(sessions.changes.step(Caller(owner), evening.id, asked))
    await reached.wait()
    request.cancel()
    await asyncio.gather(request, return_exceptions=True)
    go_on.set()
    await asyncio.wait_for(announced.wait(), 5)


async def test_a_new_question_of_the_present_poll_is_a_new_version(
    live: Live, evening: Evening
) -> None:
    screen = await live.screen(stranger)
    stepped = (await evening.step(0, evening.fields["version"])).json()
    await follow(screen, evening.id)
    path = f"/api/poll/update-poll/{stepped['pollIds'][0]}"
    await evening.client.patch(path, json={"question": "And now?"}, headers=bearer(owner))
    said = await screen.until("session-update", status="running")
    assert said["poll"]["question"] == "And now?"
    assert said["version"] > stepped["version"]
    await evening.client.delete(
        f"/api/poll/delete-poll/{stepped['pollIds'][0]}", headers=bearer(owner)
    )
    said = await screen.until("session-update", poll=None)
    assert (said["at"], said["status"]) == (0, "running")


async def test_ten_followers_of_one_instance_cost_one_reading(
    live: Live, evening: Evening, monkeypatch: pytest.MonkeyPatch
) -> None:
    screens = [await live.screen(stranger) for _ in range(10)]
    for screen in screens:
        await follow(screen, evening.id)
    read: list[list[str]] = []
    topics = live.services.session_relay._topics
    reading = topics.read

    async def counted(session_ids: Any) -> Any:
        read.append(list(session_ids))
        return await reading(session_ids)

    monkeypatch.setattr(topics, "read", counted)
    stepped = (await evening.step(0, evening.fields["version"])).json()
    for screen in screens:
        await screen.until("session-update", version=stepped["version"])
    assert len(read) <= 2


async def test_without_redis_every_instance_follows(settings: Settings) -> None:
    gone = settings.model_copy(update={"api_redis_port": free_port()})
    async with running(gone) as first, running(gone) as second:
        rest = await first.http()
        evening = Evening(rest, (await create(rest, [])).json())
        screen = await second.screen(stranger)
        await follow(screen, evening.id)
        changed = (await evening.update(title="Winter")).json()
        assert await screen.until("session-update", title="Winter") == {**changed, "poll": None}
