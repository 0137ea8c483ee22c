"""Sessions, as their owners make them and deal with them."""

from __future__ import annotations

from typing import Any

import httpx

from tests.conftest import bearer

owner, stranger = "0a" * 12, "0b" * 12
admin = bearer("0c" * 12, roles=["admin"])


class Evening:
    """A session, as its owner deals with it."""

    def __init__(self, client: httpx.AsyncClient, fields: dict[str, Any]) -> None:
        self.client = client
        self.fields = fields
        self.id = str(fields["id"])

    async def do(self, method: str, name: str, body: Any = None, **more: Any) -> httpx.Response:
        """Ask for something to be done to it."""
        headers = more.pop("headers", bearer(owner))
        path = f"/api/session/{name}/{self.id}"
        return await self.client.request(method, path, json=body, headers=headers, **more)

    async def step(self, at: int | None, version: int, **more: Any) -> httpx.Response:
        """Go somewhere."""
        return await self.do("POST", "step-session", {"at": at, "ifVersion": version}, **more)

    async def update(self, **fields: Any) -> httpx.Response:
        """Change it."""
        return await self.do("PATCH", "update-session", fields)

    async def now(self) -> dict[str, Any]:
        """What it is now."""
        answer = await self.do("GET", "get-session")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


async def create(client: httpx.AsyncClient, polls: list[dict[str, Any]], **more: Any) -> Any:
    """Ask for a session of these polls."""
    headers = more.pop("headers", bearer(owner))
    body = {"title": "Summer party", "pollIds": [poll["id"] for poll in polls], **more}
    return await client.post("/api/session/create-session", json=body, headers=headers)


async def an_evening(client: httpx.AsyncClient, polls: list[dict[str, Any]]) -> Evening:
    """A session of these polls."""
    answer = await create(client, polls)
    assert answer.status_code == 201, answer.text
    return Evening(client, answer.json())


def error(answer: httpx.Response) -> tuple[int, str]:
    """What was refused."""
    return answer.status_code, answer.json()["code"]
