"""Invites: one guest each, on however many devices, until they are withdrawn."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import httpx
import pytest

from quickpoll.composition import Services
from quickpoll.factory import create_app
from quickpoll.settings import Settings
from tests.builders import create_poll, look, option
from tests.conftest import bearer, served
from tests.guests import as_guest, join, with_guests

owner = "65f1c0ffee0000000000d001"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return with_guests(settings)


async def invite(client: httpx.AsyncClient, poll: dict[str, Any], count: int = 1) -> list[str]:
    path = f"/api/poll/invite-guests/{poll['id']}"
    answer = await client.post(path, json={"count": count}, headers=bearer(owner))
    assert answer.status_code == 201, answer.text
    made: list[str] = answer.json()["invites"]
    return made


async def withdraw(client: httpx.AsyncClient, poll: dict[str, Any]) -> httpx.Response:
    return await client.delete(f"/api/poll/invite-guests/{poll['id']}", headers=bearer(owner))


async def cast(
    client: httpx.AsyncClient, poll: dict[str, Any], place: int, token: str
) -> httpx.Response:
    path = f"/api/poll/vote-on-poll/{poll['id']}/{option(poll, place)}"
    return await client.post(path, headers=as_guest(token))


async def test_one_invite_is_one_ballot(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, guests="invited")
    (one,) = await invite(client, poll)
    assert re.fullmatch("[23456789ABCDEFGHJKMNPQRSTVWXYZ]{4}(-[2-9A-Z]{4}){2}", one)
    first = await client.post("/guest", json={"invite": one})
    typed = f" {one.lower().replace('-', ' -- ')}\t"
    second = await client.post("/guest", json={"invite": typed})
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["userId"] == second.json()["userId"]
    assert (await cast(client, poll, 0, first.json()["token"])).status_code == 201
    again = await cast(client, poll, 1, second.json()["token"])
    assert (again.status_code, again.json()["code"]) == (409, "already_voted")


async def test_an_invite_wins_over_a_token(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, guests="invited")
    (one,) = await invite(client, poll)
    guest = await join(client)
    for head in (as_guest(guest["token"]), bearer(owner), {"Authorization": "Bearer nonsense"}):
        answer = await client.post("/guest", json={"invite": one}, headers=head)
        assert answer.status_code in (200, 201)
        assert answer.json()["userId"] not in (guest["userId"], owner)


async def test_an_invite_is_good_for_its_poll_alone(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, guests="invited")
    other = await create_poll(client, owner, guests="invited")
    (one,) = await invite(client, poll)
    guest = await join(client, invite=one)
    assert (await cast(client, poll, 0, guest["token"])).status_code == 201
    answer = await cast(client, other, 0, guest["token"])
    assert (answer.status_code, answer.json()["code"]) == (403, "guests_not_allowed")


async def test_an_invite_opens_no_poll_that_admits_nobody(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner)
    guest = await join(client, invite=(await invite(client, poll))[0])
    answer = await cast(client, poll, 0, guest["token"])
    assert (answer.status_code, answer.json()["code"]) == (403, "guests_not_allowed")


async def test_a_fresh_token_of_an_invited_guest_is_as_good(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, guests="invited")
    guest = await join(client, invite=(await invite(client, poll))[0])
    again = await client.post("/guest", json={}, headers=as_guest(guest["token"]))
    assert again.json()["userId"] == guest["userId"]
    assert (await cast(client, poll, 0, again.json()["token"])).status_code == 201


async def test_an_invite_to_a_session_is_good_for_its_polls(
    services: Services, client: httpx.AsyncClient
) -> None:
    inside = await create_poll(client, owner, guests="invited")
    outside = await create_poll(client, owner, guests="invited")
    session = "65f1c0ffee0000000000f001"

    async def holds(session_id: str, poll_id: str) -> bool:
        return (session_id, poll_id) == (session, inside["id"])

    services.guests.doors.session_holds = holds
    assert services.guests.handlers is not None
    reply = await services.guests.handlers.invites.invite(session, 1)
    guest = await join(client, invite=httpx.Response(201, content=reply.body).json()["invites"][0])
    assert (await cast(client, inside, 0, guest["token"])).status_code == 201
    assert (await cast(client, outside, 0, guest["token"])).status_code == 403


@pytest.mark.parametrize("code", ["", "7K3M-9QTX-2HV0", "7K3M-9QTX", "é" * 12, "A" * 13])
async def test_what_is_no_invite(client: httpx.AsyncClient, code: str) -> None:
    answer = await client.post("/guest", json={"invite": code})
    expected = (404, "not_found") if code else (422, "invalid_request")
    assert (answer.status_code, answer.json()["code"]) == expected


async def test_withdrawing_takes_the_unused_alone(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, guests="invited")
    used, unused = await invite(client, poll, 2)
    guest = await join(client, invite=used)
    assert (await withdraw(client, poll)).status_code == 204
    assert (await withdraw(client, poll)).status_code == 204
    assert (await client.post("/guest", json={"invite": unused})).status_code == 404
    assert (await client.post("/guest", json={"invite": used})).status_code == 200
    assert (await cast(client, poll, 0, guest["token"])).status_code == 201


async def test_withdrawn_in_mid_vote_each_is_in_or_out(
    settings: Settings, client: httpx.AsyncClient
) -> None:
    """Over two instances: whoever was let in can vote, whoever was not never could."""
    async with served(create_app(settings)) as other:
        poll = await create_poll(client, owner, guests="invited")
        invites = await invite(client, poll, 60)

        async def enter(code: str) -> str | None:
            answer = await other.post("/guest", json={"invite": code})
            assert answer.status_code in (201, 404)
            return answer.json()["token"] if answer.status_code == 201 else None

        entering = [asyncio.create_task(enter(code)) for code in invites]
        await asyncio.sleep(0)
        assert (await withdraw(client, poll)).status_code == 204
        tokens = await asyncio.gather(*entering)

        let_in = [token for token in tokens if token]
        for token in let_in:
            assert (await cast(client, poll, 0, token)).status_code == 201
        again = [await client.post("/guest", json={"invite": code}) for code in invites]
        assert [one.status_code for one in again] == [200 if one else 404 for one in tokens]
        assert (await look(client, poll, owner))["votersCount"] == len(let_in)


async def test_two_devices_at_once_are_one_guest(
    settings: Settings, client: httpx.AsyncClient
) -> None:
    async with served(create_app(settings)) as other:
        poll = await create_poll(client, owner, guests="invited")
        (one,) = await invite(client, poll)
        answers = await asyncio.gather(
            *[each.post("/guest", json={"invite": one}) for each in (client, other) * 4]
        )
        assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
        assert len({answer.json()["userId"] for answer in answers}) == 1


async def test_invites_are_kept_as_hashes(services: Services, client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, guests="invited")
    made = await invite(client, poll, 3)
    kept = await services.engine.database["invite"].find().to_list(None)
    assert len(kept) == 3
    for one in made:
        for text in (one, one.replace("-", "")):
            assert text.lower() not in str(kept).lower()


async def test_invites_go_with_their_poll(services: Services, client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, guests="invited")
    used, unused = await invite(client, poll, 2)
    await join(client, invite=used)
    await client.delete(f"/api/poll/delete-poll/{poll['id']}", headers=bearer(owner))
    assert await services.engine.database["invite"].count_documents({}) == 0
    for one in (used, unused):
        assert (await client.post("/guest", json={"invite": one})).status_code == 404


async def test_whose_invites_they_are(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, guests="invited")
    path = f"/api/poll/invite-guests/{poll['id']}"
    for method in ("POST", "DELETE"):
        json = {"count": 1} if method == "POST" else None
        strange = await client.request(method, path, json=json, headers=bearer("e" * 24))
        assert (strange.status_code, strange.json()["code"]) == (403, "forbidden")
        nowhere = await client.request(
            method, f"/api/poll/invite-guests/{'0' * 24}", json=json, headers=bearer(owner)
        )
        assert (nowhere.status_code, nowhere.json()["code"]) == (404, "poll_not_found")
    admin = await client.post(path, json={"count": 1}, headers=bearer("e" * 24, roles=["admin"]))
    assert admin.status_code == 201


@pytest.mark.parametrize("body", [{}, {"count": 0}, {"count": 5001}, {"count": "3"}, {"n": 1}])
async def test_how_many(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    poll = await create_poll(client, owner, guests="invited")
    path = f"/api/poll/invite-guests/{poll['id']}"
    answer = await client.post(path, json=body, headers=bearer(owner))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] in ("count", "n")


async def test_five_thousand_at_once(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, guests="invited")
    made = await invite(client, poll, 5000)
    assert len(set(made)) == 5000
    assert (await join(client, invite=made[-1]))["userId"]
