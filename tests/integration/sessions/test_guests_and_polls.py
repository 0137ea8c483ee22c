"""What the polls of a session may not become, and which guests both admit."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from bson import ObjectId
from pymongo.errors import AutoReconnect
from quart import Quart

from quickpoll.composition import Services
from quickpoll.errors import GuestsDiffer
from quickpoll.sessions.models import Session
from tests.builders import create_poll
from tests.conftest import bearer
from tests.guests import as_guest, join
from tests.integration.session_harness import Evening, an_evening, create, error, owner


async def test_a_session_and_its_polls_admit_the_same_guests(
    client: httpx.AsyncClient, polls: list[dict[str, Any]]
) -> None:
    open_one = await create_poll(client, owner, guests="open")
    assert error(await create(client, [*polls, open_one])) == (409, "guests_differ")
    assert error(await create(client, polls, guests="open")) == (409, "guests_differ")
    evening = await an_evening(client, polls)
    assert error(await evening.update(pollIds=[open_one["id"]])) == (409, "guests_differ")

    async def admit(poll: dict[str, Any], guests: str) -> httpx.Response:
        path = f"/api/poll/update-poll/{poll['id']}"
        return await client.patch(path, json={"guests": guests}, headers=bearer(owner))

    assert error(await admit(polls[0], "open")) == (409, "guests_differ")
    assert (await admit(polls[0], "off")).status_code == 200
    assert (await evening.update(pollIds=[polls[1]["id"]])).status_code == 200
    assert (await admit(polls[0], "open")).status_code == 200
    await evening.do("DELETE", "delete-session")
    assert (await admit(polls[1], "open")).status_code == 200
    both = await create(client, [polls[0], polls[1]], guests="open")
    assert both.status_code == 201


async def test_no_race_gets_a_poll_of_other_guests_into_a_session(
    client: httpx.AsyncClient, other: httpx.AsyncClient
) -> None:
    for turn in range(8):
        poll = await create_poll(client, owner)
        path = f"/api/poll/update-poll/{poll['id']}"
        changing = other.patch(path, json={"guests": "open"}, headers=bearer(owner))
        made, changed = await asyncio.gather(create(client, [poll]), changing)
        assert {made.status_code, changed.status_code} <= {200, 201, 409}, turn
        assert made.status_code == 409 or changed.status_code == 409
        assert made.status_code != 409 or changed.status_code == 200
        found = await client.get("/api/session/get-sessions", headers=bearer(owner))
        with_poll = [one for one in found.json() if poll["id"] in one["pollIds"]]
        assert len(with_poll) == (made.status_code == 201)


@pytest.mark.parametrize("first", ["session", "guests"])
async def test_a_poll_that_is_taken_up_while_its_guests_change_keeps_one_of_the_two(
    client: httpx.AsyncClient, services: Services, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    """A session is stored with the poll after the change has found none: whichever is first at
    the poll itself is what stands."""
    poll, made, changed = await create_poll(client, owner), asyncio.Event(), asyncio.Event()
    check, take_up = services.changes.uses.check_guests, services.polls.take_up
    creating: list[asyncio.Task[httpx.Response]] = []

    async def check_and_let_a_session_come(poll_id: str, guests: str) -> None:
        await check(poll_id, guests)
        if not creating:
            creating.append(asyncio.create_task(create(client, [poll])))
            await made.wait()

    async def take_up_in_turn(poll_id: str, guests: str) -> bool:
        if first == "guests":
            made.set()
            await changed.wait()
        taken = await take_up(poll_id, guests)
        made.set()
        return taken

    monkeypatch.setattr(services.changes.uses, "check_guests", check_and_let_a_session_come)
    monkeypatch.setattr(services.polls, "take_up", take_up_in_turn)
    path = f"/api/poll/update-poll/{poll['id']}"
    async with asyncio.timeout(10):
        change = await client.patch(path, json={"guests": "open"}, headers=bearer(owner))
        changed.set()
        answers = [await creating[0], change]
    refused = answers.pop(0 if first == "guests" else 1)
    assert error(refused) == (409, "guests_differ")
    assert answers[0].status_code in {200, 201}


async def test_guests_see_sessions_that_admit_them(client: httpx.AsyncClient, app: Quart) -> None:
    closed, admitting = await create(client, []), await create(client, [], guests="open")
    guest = as_guest((await join(client))["token"])
    for answer, expected in ((closed, 403), (admitting, 200)):
        path = f"/api/session/get-session/{answer.json()['id']}"
        found = await client.get(path, headers=guest)
        assert found.status_code == expected
        if expected == 403:
            assert found.json()["code"] == "guests_not_allowed"


async def test_a_deleted_poll_leaves_the_session_unless_its_place_was_seen(
    client: httpx.AsyncClient, evening: Evening, polls: list[dict[str, Any]]
) -> None:
    a, b, c = (poll["id"] for poll in polls)
    before = (await evening.step(1, evening.fields["version"])).json()

    async def delete(poll_id: str) -> None:
        path = f"/api/poll/delete-poll/{poll_id}"
        assert (await client.delete(path, headers=bearer(owner))).status_code == 204

    await delete(c)
    now = await evening.now()
    assert (now["pollIds"], now["at"]) == ([a, b], 1)
    assert now["version"] > before["version"]
    await delete(a)
    await delete(b)
    now = await evening.now()
    assert (now["pollIds"], now["at"]) == ([a, b], 1)
    more = (await create_poll(client, owner))["id"]
    assert (await evening.update(pollIds=[a, b, more])).json()["pollIds"] == [a, b, more]


async def test_a_poll_is_changed_and_deleted_while_its_session_is_deleted(
    client: httpx.AsyncClient,
    evening: Evening,
    polls: list[dict[str, Any]],
    services: Services,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = services.sessions.store
    with_poll = store.with_poll

    async def deleted_since(poll_id: str) -> list[Session]:
        found = await with_poll(poll_id)
        assert (await evening.do("DELETE", "delete-session")).status_code == 204
        return found

    found = await with_poll(polls[0]["id"])
    assert [str(one.id) for one in found] == [evening.id]
    monkeypatch.setattr(store, "with_poll", deleted_since)
    path = f"/api/poll/delete-poll/{polls[0]['id']}"
    assert (await client.delete(path, headers=bearer(owner))).status_code == 204

    async def as_before(poll_id: str) -> list[Session]:
        return found

    monkeypatch.setattr(store, "with_poll", as_before)
    path = f"/api/poll/update-poll/{polls[1]['id']}"
    answer = await client.patch(path, json={"question": "Or else?"}, headers=bearer(owner))
    assert answer.status_code == 200


def now() -> datetime:
    """This moment."""
    return datetime.now(UTC)


async def taken_up(services: Services, poll: dict[str, Any]) -> bool:
    """Whether a poll knows that it is in a session."""
    found = await services.engine.database["poll"].find_one({"_id": ObjectId(poll["id"])})
    return bool(found and found.get("takenUp"))


async def test_a_session_that_its_first_try_has_stored_takes_its_polls_up(
    services: Services, polls: list[dict[str, Any]]
) -> None:
    changes = services.sessions.changes
    ids = [ObjectId(poll["id"]) for poll in polls]
    session = Session(
        id=ObjectId(), title="x", user_id=ObjectId(owner), created_at=now(), poll_ids=ids
    )
    assert await services.sessions.store.insert(session)  # and no answer came
    assert not await changes.store_once(session.model_dump_doc())
    assert all([await taken_up(services, poll) for poll in polls])


async def test_a_session_of_a_first_try_goes_when_its_poll_admits_others_by_now(
    client: httpx.AsyncClient, services: Services
) -> None:
    poll = await create_poll(client, owner, guests="open")
    ids = [ObjectId(poll["id"])]
    session = Session(
        id=ObjectId(), title="x", user_id=ObjectId(owner), created_at=now(), poll_ids=ids
    )
    assert await services.sessions.store.insert(session)
    with pytest.raises(GuestsDiffer):
        await services.sessions.changes.store_once(session.model_dump_doc())
    assert await services.sessions.store.known(str(session.id)) is None


async def test_polls_of_a_change_that_was_cut_short_are_taken_up_by_the_next_try(
    client: httpx.AsyncClient,
    services: Services,
    polls: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    evening = await an_evening(client, polls[:2])

    async def fail(poll_id: str, guests: str) -> bool:
        raise AutoReconnect("cut")

    wanted = [poll["id"] for poll in polls]
    with monkeypatch.context() as patched:
        patched.setattr(services.polls, "take_up", fail)
        assert (await evening.update(pollIds=wanted)).status_code == 503
    assert not await taken_up(services, polls[2])
    assert (await evening.update(pollIds=wanted)).status_code == 200
    assert await taken_up(services, polls[2])
