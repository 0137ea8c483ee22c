"""A person's data to take home."""

from __future__ import annotations

from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

import httpx
import pytest
from bson import ObjectId

from quickpoll.composition import Services
from quickpoll.foundation.stores.holdings import SECTIONS
from quickpoll.people.export import PIECE_BYTES
from tests.builders import create_poll, vote
from tests.conftest import bearer
from tests.integration.openapi_contract import validator
from tests.people.life import Life, Places, act, live

user, others, admin = (f"65f1c0ffee00000000009b0{n}" for n in range(3))


@pytest.fixture
async def life(client: httpx.AsyncClient) -> Life:
    return await live(client, user, others)


async def export(client: httpx.AsyncClient, whose: str = user, **claims: Any) -> dict[str, Any]:
    caller = admin if claims else whose
    answer = await client.get(f"/api/user/export-user/{whose}", headers=bearer(caller, **claims))
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


async def test_it_is_a_file_whose_name_pages_of_other_origins_may_read(
    client: httpx.AsyncClient,
) -> None:
    headers = {**bearer(user), "Origin": "https://www.example"}
    answer = await client.get(f"/api/user/export-user/{user.upper()}", headers=headers)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="user-{user}.json"'
    assert "Content-Disposition" in answer.headers["Access-Control-Expose-Headers"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json() == {name: [] for name in SECTIONS}
    head = await client.head(f"/api/user/export-user/{user}", headers=bearer(user))
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Disposition"] == answer.headers["Content-Disposition"]


async def test_everything_is_in_it_and_nothing_of_others(
    client: httpx.AsyncClient, life: Life
) -> None:
    found = await export(client)

    assert list(found) == list(SECTIONS)
    own = {life.alone["id"], life.shared["id"]}
    assert {one["question"] for one in found["polls"]} == {"alone?", "shared?", "keyed?"}
    assert own <= {one["id"] for one in found["polls"]}
    voted = {life.open_poll["id"], life.closed_poll["id"], life.alone["id"]}
    assert {one["pollId"] for one in found["ballots"]} == voted
    assert {one["userId"] for one in found["ballots"]} == {user}
    assert {one["pollId"] for one in found["likes"]} == voted
    changed = {life.changed["id"], life.open_poll["id"], life.shared["id"]}
    assert {one["pollId"] for one in found["changes"]} == changed
    assert len(found["changes"]) == 3
    assert all(one["change"] == "updated" for one in found["changes"])
    assert others not in str({**found, "polls": []})
    assert await export(client, roles=["admin"]) == found


async def test_what_was_taken_back_is_not_in_it(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, others, allowVoteChange=True)
    assert (await vote(client, poll, 0, user)).status_code == 201
    await act(client, "PUT", "like-poll", poll, user)
    for name in ("ballot", "like-poll"):
        await act(client, "DELETE", name, poll, user)
    found = await export(client)
    assert (found["ballots"], found["likes"]) == ([], [])


async def test_hidden_results_stay_hidden(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, others, results="owner")
    for someone in (user, token_hex(12), token_hex(12)):
        assert (await vote(client, poll, 0, someone)).status_code == 201
    found = str(await export(client))
    assert "count" not in found.lower()


async def test_it_keeps_its_schema(client: httpx.AsyncClient, life: Life) -> None:
    document = (await client.get("/openapi.json")).json()
    operation = document["paths"]["/api/user/export-user/{user_id}"]["get"]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    validator(document, schema).validate(await export(client))


async def test_a_large_one_comes_in_pieces(
    client: httpx.AsyncClient, services: Services, places: Places
) -> None:
    """No piece is much larger than it has to be, however much there is."""
    poll = await create_poll(client, others)
    ballot = {
        "userId": ObjectId(user),
        "optionIds": [ObjectId(poll["options"][0]["id"])],
        "createdAt": datetime.now(UTC),
        "castAt": datetime.now(UTC),
        "revision": 0,
    }
    ballots = [{**ballot, "pollId": ObjectId()} for _ in range(2_000)]
    await places.database["vote"].insert_many(ballots)

    sizes = [len(one) async for one in services.people.export.pieces(user)]

    assert len(sizes) > 10
    assert max(sizes) < PIECE_BYTES + 1_000
    assert len((await export(client))["ballots"]) == 2_000
