"""Polls in the hands of their owners: who asks, what is asked, and what the history says."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.builders import create_poll, option
from tests.conftest import bearer

owner, other, admin = (f"65f1c0ffee0000000000e00{n}" for n in range(3))
nobody = "0" * 24
past, ahead, further = (
    "2020-01-01T00:00:00Z",
    "2098-01-01T00:00:00.000Z",
    "2099-01-01T00:00:00.000Z",
)

Poll = dict[str, Any]


async def patch(
    client: httpx.AsyncClient, poll: Poll, user: str = owner, **fields: Any
) -> httpx.Response:
    """Ask for a change of a poll."""
    path = f"/api/poll/update-poll/{poll['id']}"
    return await client.patch(path, json=fields, headers=bearer(user))


async def act(client: httpx.AsyncClient, name: str, poll: Poll, user: str = owner) -> Any:
    """Close, reopen or the like; answers what came of it."""
    answer = await client.post(f"/api/poll/{name}-poll/{poll['id']}", headers=bearer(user))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def history(client: httpx.AsyncClient, poll: Poll) -> list[dict[str, Any]]:
    """The history of a poll, as anybody sees it."""
    answer = await client.get(f"/api/poll/poll-history/{poll['id']}", headers=bearer(other))
    assert answer.status_code == 200
    rows: list[dict[str, Any]] = answer.json()
    return rows


def changes(rows: list[dict[str, Any]]) -> list[tuple[Any, Any, Any]]:
    """What changed, from what and to what, row by row."""
    return [(row["change"], row["from"], row["to"]) for row in rows]


def texts(poll: Poll, *words: str) -> list[dict[str, str]]:
    """The first options of a poll with other texts."""
    return [{"id": option(poll, n), "text": word} for n, word in enumerate(words)]


async def poll_past_its_deadline(client: httpx.AsyncClient, **fields: Any) -> Poll:
    """A poll whose deadline has just passed."""
    closes_at = datetime.now(UTC) + timedelta(milliseconds=150)
    poll = await create_poll(client, owner, closesAt=closes_at.isoformat(), **fields)
    while datetime.now(UTC) < closes_at:  # noqa: ASYNC110 - the server's clock is this one
        await asyncio.sleep(0.01)
    return poll
