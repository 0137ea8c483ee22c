"""Guests and live updates: what they subscribed to, as long as it admits them, and nothing else."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from quickpoll.settings import Settings
from tests.builders import create_poll, vote
from tests.conftest import bearer
from tests.guests import forged, join, with_guests
from tests.integration.realtime_harness import Live, Screen, running

owner = "65f1c0ffee0000000000d001"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return with_guests(settings)


async def screen_of_guest(live: Live, token: str) -> Screen:
    screen = await live.open()
    await screen.join({"token": token})
    return screen


async def update(rest: httpx.AsyncClient, poll: dict[str, Any], **fields: Any) -> None:
    path = f"/api/poll/update-poll/{poll['id']}"
    answer = await rest.patch(path, json=fields, headers=bearer(owner))
    assert answer.status_code == 200, answer.text


async def test_a_guest_follows_what_admits_them(live: Live, rest: httpx.AsyncClient) -> None:
    poll = await create_poll(rest, owner, guests="open")
    screen = await screen_of_guest(live, (await join(rest))["token"])
    said = await screen.subscribe(poll["id"], "0" * 24)
    assert [one["pollId"] for one in said["polls"]] == [poll["id"]]
    assert said["unknown"] == ["0" * 24]
    await vote(rest, poll, 0, "a" * 24)
    assert (await screen.until("vote-update"))["votersCount"] == 1


async def test_one_that_does_not_admit_them_joins_nothing(
    live: Live, rest: httpx.AsyncClient
) -> None:
    admits = await create_poll(rest, owner, guests="open")
    refuses = await create_poll(rest, owner)
    known = await create_poll(rest, owner, guests="open")
    screen = await screen_of_guest(live, (await join(rest))["token"])
    await screen.subscribe(known["id"])

    said = await screen.subscribe(admits["id"], refuses["id"], "0" * 24)

    assert said["error"]["code"] == "guests_not_allowed"
    assert said["unknown"] == ["0" * 24]
    for poll in (admits, refuses, known):
        await vote(rest, poll, 0, "a" * 24)
    await screen.until("vote-update", pollId=known["id"])
    assert {payload["pollId"] for _, payload in screen.events} == {known["id"]}


async def test_not_even_while_they_are_refused(
    live: Live, rest: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is refused was never in: nothing slips through between joining and leaving."""
    poll = await create_poll(rest, owner)
    screen = await screen_of_guest(live, (await join(rest))["token"])
    joined: list[Any] = []
    follow = live.services.audience.follow

    def seen(*said: Any) -> Any:
        joined.append(said)
        return follow(*said)

    monkeypatch.setattr(live.services.audience, "follow", seen)
    assert (await screen.subscribe(poll["id"]))["error"]["code"] == "guests_not_allowed"
    assert joined == []


async def test_a_guest_who_subscribed_to_nothing_hears_of_nothing(
    live: Live, rest: httpx.AsyncClient
) -> None:
    screen = await screen_of_guest(live, (await join(rest))["token"])
    account = await live.screen()
    poll = await create_poll(rest, owner, guests="open")
    await vote(rest, poll, 0, "a" * 24)
    await account.until("vote-update", pollId=poll["id"])
    await screen.subscribe("0" * 24)  # answered after whatever would have been sent
    refused = await screen.subscribe((await create_poll(rest, owner))["id"])
    assert refused["error"]["code"] == "guests_not_allowed"
    await vote(rest, poll, 1, "b" * 24)
    await account.until("vote-update", votersCount=2)
    await screen.unsubscribe(poll["id"])
    assert screen.events == []


async def test_what_is_changed_shuts_them_out_on_every_instance(
    settings: Settings, live: Live, rest: httpx.AsyncClient
) -> None:
    async with running(settings) as other:
        poll = await create_poll(rest, owner, guests="open")
        path = f"/api/poll/invite-guests/{poll['id']}"
        made = await rest.post(path, json={"count": 1}, headers=bearer(owner))
        invited = await screen_of_guest(
            other, (await join(rest, invite=made.json()["invites"][0]))["token"]
        )
        anybody = await screen_of_guest(other, (await join(rest))["token"])
        account = await other.screen()
        for screen in (invited, anybody, account):
            assert "polls" in await screen.subscribe(poll["id"])

        await update(rest, poll, guests="invited")
        for screen in (invited, anybody, account):
            await screen.until("poll-update", change="updated")
        await vote(rest, poll, 0, "a" * 24)
        for screen in (invited, account):
            await screen.until("vote-update", votersCount=1)

        assert anybody.heard_of(poll["id"], "vote-update") == []
        again = await anybody.subscribe(poll["id"])
        assert again["error"]["code"] == "guests_not_allowed"


async def test_a_screen_ends_with_its_token(live: Live) -> None:
    screen = await live.open()
    await screen.join({"token": forged(seconds=-1)})
    assert screen.refused is not None
    assert screen.refused["data"]["code"] == "expired_token"
