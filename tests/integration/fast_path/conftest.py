"""Fixtures: the lane beside Quart, and one poll of each kind."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from quart import Quart

from tests.builders import create_poll, vote
from tests.conftest import bearer
from tests.integration.fast_path.both import Both, owner, voter


@pytest.fixture
def both(app: Quart, client: httpx.AsyncClient) -> Both:
    return Both(app)


@pytest.fixture
async def polls(client: httpx.AsyncClient) -> dict[str, dict[str, Any]]:
    """One poll of each kind, with one vote of ``voter`` on the first option."""
    kinds: dict[str, dict[str, Any]] = {
        "open": {},
        "changeable": {"allowVoteChange": True},
        "hidden": {"results": "owner"},
        "two": {"minChoices": 2, "maxChoices": 2},
        "closed": {},
    }
    made = {kind: await create_poll(client, owner, **fields) for kind, fields in kinds.items()}
    for kind in ("open", "changeable", "hidden", "closed"):
        assert (await vote(client, made[kind], 0, voter)).status_code == 201
    closed = await client.post(
        f"/api/poll/close-poll/{made['closed']['id']}", headers=bearer(owner)
    )
    assert closed.status_code == 200
    return made
