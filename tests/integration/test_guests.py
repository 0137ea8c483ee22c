"""Guests: who is one, how they come in, and a service that has none."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from quickpoll.factory import create_app
from quickpoll.settings import Settings
from tests.builders import create_poll
from tests.conftest import bearer, secret, served, sign
from tests.guests import as_guest, forged, guest_key, join, with_guests

owner = "65f1c0ffee0000000000d001"
me = "/api/user/me"
month = 30 * 24 * 3600


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return with_guests(settings)


async def code_of(client: httpx.AsyncClient, token: str, path: str = me) -> tuple[int, str]:
    answer = await client.get(path, headers=as_guest(token))
    return answer.status_code, answer.json().get("code", "")


async def test_a_guest_comes_in_and_is_known(client: httpx.AsyncClient) -> None:
    answer = await client.post("/guest", json={})
    guest = answer.json()
    assert answer.status_code == 201
    assert set(guest) == {"token", "userId", "expiresAt"}
    assert answer.headers["Cache-Control"] == "no-store"
    seen = (await client.get(me, headers=as_guest(guest["token"]))).json()
    assert seen == {"userId": guest["userId"], "roles": ["guest"], "expiresAt": guest["expiresAt"]}
    assert (await join(client))["userId"] != guest["userId"]


async def test_a_device_stays_one_person(client: httpx.AsyncClient) -> None:
    guest = await join(client)
    for token in (
        guest["token"],
        forged(sub=guest["userId"], seconds=-10),
        forged(sub=guest["userId"], seconds=60 - month),
    ):
        again = await client.post("/guest", json={}, headers=as_guest(token))
        assert (again.status_code, again.json()["userId"]) == (200, guest["userId"])
        assert await code_of(client, again.json()["token"]) == (200, "")


@pytest.mark.parametrize(
    "token",
    [
        sign(owner),
        sign(owner, iss="quickpoll", aud="quickpoll", roles=["guest"]),
        forged(secret),
        forged(seconds=-60 - month),
        forged(roles=["guest", "admin"]),
        "not a token",
        "",
    ],
)
async def test_any_other_token_there_is_refused(client: httpx.AsyncClient, token: str) -> None:
    answer = await client.post("/guest", json={}, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "claims",
    [
        {"roles": ["admin"]},
        {"roles": ["guest", "admin"]},
        {"roles": []},
        {"roles": "guest"},
        {"iss": "https://id.example"},
        {"aud": "another"},
        {"sub": "somebody"},
        {"sub": 7},
        {"exp": "soon"},
        {"exp": None},
        {"nbf": time.time() + 86_400},
    ],
)
async def test_the_key_of_guests_makes_nobody_else(
    client: httpx.AsyncClient, claims: dict[str, Any]
) -> None:
    assert await code_of(client, forged(**claims)) == (401, "invalid_token")


async def test_a_guests_token_ends(client: httpx.AsyncClient) -> None:
    assert await code_of(client, forged(seconds=-1)) == (401, "expired_token")


async def test_no_other_key_makes_guests(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner)
    for claims in ({"roles": ["guest"]}, {"roles": ["guest"], "iss": "quickpoll"}):
        token = sign(aud="quickpoll", **claims) if "iss" in claims else sign(**claims)
        path = f"/api/poll/get-poll-by-id/{poll['id']}"
        assert await code_of(client, token, path) == (200, ""), "an account, whatever its roles"
    other = "another key altogether, 32 bytes or more, too"
    assert await code_of(client, forged(other)) == (401, "invalid_token")


async def test_the_users_issuer_has_no_say(settings: Settings) -> None:
    strict = settings.model_copy(
        update={
            "jwt_issuer": "https://id.example",
            "jwt_audience": ("shop",),
            "jwt_user_id_claim": "uid",
            "jwt_roles_claim": "realm.roles",
            "jwt_user_ids": "any",
        }
    )
    async with served(create_app(strict)) as client:
        guest = await join(client)
        seen = (await client.get(me, headers=as_guest(guest["token"]))).json()
        assert (seen["userId"], seen["roles"]) == (guest["userId"], ["guest"])


async def test_bodies_are_read_strictly(client: httpx.AsyncClient) -> None:
    for body, field in (
        ({"name": "x"}, "name"),
        ({"invite": 7}, "invite"),
        ({"invite": None}, "invite"),
        ({"invite": ["7K3M"]}, "invite"),
        ({"proof": {}}, "proof"),
    ):
        answer = await client.post("/guest", json=body)
        assert answer.status_code == 422, body
        assert [one["field"] for one in answer.json()["errors"]] == [field]
    assert (await client.post("/guest")).status_code == 415
    head = {"Content-Type": "application/json"}
    assert (await client.post("/guest", content=b"", headers=head)).status_code == 400
    assert (await client.post("/guest", json=[])).status_code == 422


async def test_pages_of_other_origins_may_ask(client: httpx.AsyncClient) -> None:
    origin = {"Origin": "https://www.example"}
    asked = {**origin, "Access-Control-Request-Method": "POST"}
    before = await client.options("/guest", headers=asked)
    assert before.headers["Access-Control-Allow-Origin"] == origin["Origin"]
    answer = await client.post("/guest", json={}, headers=origin)
    assert answer.headers["Access-Control-Allow-Origin"] == origin["Origin"]


@pytest.fixture
async def without(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a service that admits no guests, though it has a key."""
    async with served(create_app(settings.model_copy(update={"api_guests": "off"}))) as client:
        yield client


async def test_a_service_without_guests(without: httpx.AsyncClient) -> None:
    for body in ({}, {"invite": "7K3M-9QTX-2HVC"}, {"nonsense": 1}):
        answer = await without.post("/guest", json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    poll = await create_poll(without, owner)
    path = f"/api/poll/invite-guests/{poll['id']}"
    assert (await without.post(path, json={"count": 1})).status_code == 401
    for method in ("POST", "DELETE"):
        answer = await without.request(method, path, headers=bearer(owner))
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert await code_of(without, forged()) == (401, "invalid_token")
    asked = {"question": "q", "options": [{"text": "a"}, {"text": "b"}], "guests": "open"}
    refused = await without.post("/api/poll/create-poll", json=asked, headers=bearer(owner))
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "guests")


def test_the_key_is_a_key_of_its_own(settings: Settings) -> None:
    with pytest.raises(ValueError, match="API_GUEST_KEY"):
        with_guests(settings, jwt_secret_key=guest_key)
