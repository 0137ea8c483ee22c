"""Builders: polls and ballots through the API, as a user makes them."""

from __future__ import annotations

from typing import Any

import httpx

from tests.conftest import bearer


async def create_poll(client: httpx.AsyncClient, owner: str, **fields: Any) -> dict[str, Any]:
    """A new poll with three options."""
    texts = fields.pop("texts", ("red", "green", "blue"))
    asked = {"question": "Which colour?", "options": [{"text": t} for t in texts], **fields}
    answer = await client.post("/api/poll/create-poll", json=asked, headers=bearer(owner))
    assert answer.status_code == 201, answer.text
    poll: dict[str, Any] = answer.json()
    return poll


def option(poll: dict[str, Any], place: int) -> str:
    """The id of one of the options."""
    found: str = poll["options"][place]["id"]
    return found


async def vote(
    client: httpx.AsyncClient, poll: dict[str, Any], place: int, user: str
) -> httpx.Response:
    """Vote for one option."""
    path = f"/api/poll/vote-on-poll/{poll['id']}/{option(poll, place)}"
    return await client.post(path, headers=bearer(user))


async def look(client: httpx.AsyncClient, poll: dict[str, Any], user: str, **claims: Any) -> Any:
    """The poll as a user sees it."""
    path = f"/api/poll/get-poll-by-id/{poll['id']}"
    return (await client.get(path, headers=bearer(user, **claims))).json()
