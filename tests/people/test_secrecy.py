"""No line in the log says who was erased, at whatever level."""

from __future__ import annotations

import json

import pytest
from bson import ObjectId

from quickpoll.factory import create_app
from quickpoll.settings import Settings
from tests.conftest import bearer, served
from tests.people.life import erased, live

user, others = "65f1c0ffee0000000009e001", "65f1c0ffee0000000009e002"


async def test_no_line_names_whoever_is_exported_or_erased(
    settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    app = create_app(settings.model_copy(update={"log_level": "DEBUG"}))
    async with served(app) as client:
        await live(client, user, others)
        path = f"/api/user/export-user/{user}"
        assert (await client.get(path, headers=bearer(user))).status_code == 200
        assert (await client.get(path, headers=bearer(others))).status_code == 403
        await erased(client, app.extensions["quickpoll"], user)
        scraped = (await client.get("/metrics")).text
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    ours = [line for line in lines if line["logger"] != "httpx"]  # which is the test's own client
    assert {"poll_created", "poll_deleted", "person_erased"} <= {line["event"] for line in ours}
    for place in (json.dumps(ours), scraped):
        for spelling in (user, user.upper(), str(ObjectId(user).binary)):
            assert spelling not in place
