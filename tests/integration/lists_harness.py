"""Lists of polls, as a caller asks for them and goes from page to page."""

from __future__ import annotations

from itertools import chain
from typing import Any

import httpx

from tests.builders import create_poll
from tests.conftest import bearer

owner, other, admin = (f"65f1c0ffee0000000000f00{n}" for n in range(3))
everything = "/api/poll/get-all-polls"
own = f"/api/poll/get-poll-by-user-id/{owner}"


async def questions(client: httpx.AsyncClient, path: str = everything, **query: Any) -> list[str]:
    """The questions of one page."""
    answer = await client.get(path, params=query, headers=bearer(owner))
    assert answer.status_code == 200, answer.text
    return [poll["question"] for poll in answer.json()]


async def pages(client: httpx.AsyncClient, url: str) -> list[list[str]]:
    """The questions of every page, from link to link."""
    found = []
    while url:
        answer = await client.get(url, headers=bearer(owner))
        assert answer.status_code == 200
        found.append([poll["question"] for poll in answer.json()])
        url = answer.links.get("next", {}).get("url", "")
    return found


async def all_pages(client: httpx.AsyncClient, url: str) -> list[str]:
    """The questions of all pages, one after the other."""
    return list(chain.from_iterable(await pages(client, url)))


async def create_many(client: httpx.AsyncClient, count: int, **fields: Any) -> list[dict[str, Any]]:
    """So many polls, whose questions are Q0, Q1 and so on."""
    return [await create_poll(client, owner, question=f"Q{n}", **fields) for n in range(count)]
