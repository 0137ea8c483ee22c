"""Creating and reading polls."""

from __future__ import annotations

import httpx

from tests.conftest import bearer


async def test_a_new_poll_can_be_read(client: httpx.AsyncClient) -> None:
    asked = {"question": " When? ", "options": [{"text": "Mon"}, {"text": "Tue"}]}
    created = await client.post("/api/poll/create-poll", json=asked, headers=bearer())

    assert created.status_code == 201
    read = await client.get(created.headers["Location"], headers=bearer())
    assert read.status_code == 200
    assert read.json()["question"] == "When?"
    assert set(read.json()["counts"].values()) == {0}
