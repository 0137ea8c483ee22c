"""Invites to a session are good for it and for its polls, and for nothing else."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from quickpoll.factory import create_app
from quickpoll.settings import Settings
from tests.builders import create_poll, option
from tests.conftest import bearer, served
from tests.guests import as_guest, join, with_guests

owner, stranger = "65f1c0ffee0000000000d001", "65f1c0ffee0000000000d002"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return with_guests(settings)


def vote_path(poll: dict[str, Any], place: int) -> str:
    return f"/api/poll/vote-on-poll/{poll['id']}/{option(poll, place)}"


async def evening(client: httpx.AsyncClient, *polls: dict[str, Any]) -> str:
    body = {"title": "Tonight", "pollIds": [one["id"] for one in polls], "guests": "invited"}
    made = await client.post("/api/session/create-session", json=body, headers=bearer(owner))
    assert made.status_code == 201, made.text
    session_id: str = made.json()["id"]
    return session_id


async def invited(client: httpx.AsyncClient, session_id: str) -> dict[str, str]:
    """The header of a guest who has come by an invite to the session."""
    path = f"/api/session/invite-guests/{session_id}"
    answer = await client.post(path, json={"count": 1}, headers=bearer(owner))
    assert answer.status_code == 201, answer.text
    return as_guest((await join(client, invite=answer.json()["invites"][0]))["token"])


async def test_one_is_good_for_the_session_and_its_polls(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, guests="invited")
    other = await create_poll(client, owner, guests="invited")
    session_id = await evening(client, poll)
    guest, uninvited = await invited(client, session_id), as_guest((await join(client))["token"])
    path = f"/api/session/get-session/{session_id}"
    assert (await client.get(path, headers=guest)).status_code == 200
    assert (await client.get(path, headers=uninvited)).status_code == 403
    assert (await client.post(vote_path(poll, 0), headers=guest)).status_code == 201
    for who, where in ((guest, other), (uninvited, poll)):
        refused = await client.post(vote_path(where, 0), headers=who)
        assert (refused.status_code, refused.json()["code"]) == (403, "guests_not_allowed")


async def test_they_are_the_owners_to_make_and_go_with_the_session(
    client: httpx.AsyncClient,
) -> None:
    session_id = await evening(client)
    path = f"/api/session/invite-guests/{session_id}"
    refused = await client.post(path, json={"count": 1}, headers=bearer(stranger))
    assert refused.status_code == 403
    assert (await client.delete(path, headers=bearer(stranger))).status_code == 403
    made = await client.post(path, json={"count": 2}, headers=bearer(owner))
    used, unused = made.json()["invites"]
    await join(client, invite=used)
    assert (await client.delete(path, headers=bearer(owner))).status_code == 204
    assert (await client.post("/guest", json={"invite": unused})).status_code == 404
    assert (await client.post("/guest", json={"invite": used})).status_code == 200
    delete = f"/api/session/delete-session/{session_id}"
    assert (await client.delete(delete, headers=bearer(owner))).status_code == 204
    assert (await client.post("/guest", json={"invite": used})).status_code == 404
    missing = await client.post(path, json={"count": 1}, headers=bearer(owner))
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


async def test_where_no_guests_are_nothing_is_there(settings: Settings) -> None:
    path = "/api/session/invite-guests/65f1c0ffee0000000000e001"
    without = create_app(settings.model_copy(update={"api_guests": "off"}))
    async with served(without) as client:
        for method in ("POST", "DELETE"):
            answer = await client.request(method, path, headers=bearer(owner))
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
