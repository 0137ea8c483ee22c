"""The indexes: made at the start, and what is told where one is there with other keys."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from quart import Quart

from quickpoll.composition import Services
from tests.conftest import bearer, until_ready


async def test_an_index_with_other_keys_is_named_once_and_made_anew_when_it_is_dropped(
    app: Quart, caplog: pytest.LogCaptureFixture
) -> None:
    services: Services = app.extensions["quickpoll"]
    votes = services.mongo[services.settings.database_name]["vote"]
    await votes.create_index([("createdAt", 1)], name="counting")
    asgi = httpx.ASGITransport(app=app.asgi_app)  # type: ignore[arg-type]

    async with app.test_app(), httpx.AsyncClient(transport=asgi, base_url="http://test") as client:
        refused = await client.get("/api/poll/get-all-polls", headers=bearer())
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
        await asyncio.sleep(1.2)  # two more tries
        said = [one for one in caplog.messages if "index_differs" in one]
        assert len(said) == 1
        assert "counting" in said[0]

        await votes.drop_index("counting")
        await until_ready(services)
        answered = await client.get("/api/poll/get-all-polls", headers=bearer())
        assert answered.status_code == 200
        assert "counting" in await votes.index_information()
