"""Over all routes: each says whether guests may use it, and those that they may ask the very poll.

A route that is new is not in the table, so it refuses guests. One that is in the table must refuse
those whom its poll or session does not admit: how each is asked is in ``about`` below.
"""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from quart import Quart

from quickpoll.auth.guest_routes import GUESTS_MAY, is_for_guests
from quickpoll.settings import Settings
from tests.builders import create_poll, option
from tests.guests import as_guest, join, with_guests
from tests.integration.log_harness import log_settings

owner = "65f1c0ffee0000000000d001"

about_polls = {
    "poll/get-poll-by-id",
    "poll/vote-on-poll",
    "poll/ballot",
    "poll/receipt",
    "poll/like-poll",
    "poll/poll-timeline",
    "poll/poll-history",
}
about_sessions = {"session/get-session"}
about_themselves = {"user/me", "user/export-user", "user/erase-user", "user/erasure"}

Route = tuple[str, str]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """With logs, too, so that every route is there."""
    return with_guests(settings, **{name.lower(): one for name, one in log_settings.items()})


def routes(app: Quart) -> set[Route]:
    """Method and rule of each route under ``/api/``."""
    return {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/")
        for method in (rule.methods or set()) - {"OPTIONS"}
    }


def name_of(rule: str) -> str:
    return "/".join(rule.removeprefix("/api/").split("/")[:2])


def address(rule: str, **ids: str) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: ids.get(found[1], "0" * 24), rule)


def test_the_table_says_what_each_is_about() -> None:
    assert about_polls | about_sessions | about_themselves == set(GUESTS_MAY)


async def test_what_is_not_in_the_table_refuses_guests(
    app: Quart, client: httpx.AsyncClient
) -> None:
    guest = as_guest((await join(client))["token"])
    refusing = {one for one in routes(app) if not is_for_guests(*one)}
    assert len(refusing) >= 14
    for method, rule in sorted(refusing):
        answer = await client.request(method, address(rule), headers=guest)
        assert answer.status_code == 403, f"{method} {rule}"
        assert method == "HEAD" or answer.json()["code"] == "guests_not_allowed"


async def test_what_is_in_the_table_asks_the_poll(app: Quart, client: httpx.AsyncClient) -> None:
    guest = as_guest((await join(client))["token"])
    poll = await create_poll(client, owner)
    ids = {"poll_id": poll["id"], "option_id": option(poll, 0)}
    bodies: dict[str, Any] = {"PUT poll/ballot": {"optionIds": [option(poll, 0)]}}
    asked = {one for one in routes(app) if is_for_guests(*one) and name_of(one[1]) in about_polls}
    assert {name_of(rule) for _, rule in asked} == about_polls
    for method, rule in sorted(asked):
        body = bodies.get(f"{method} {name_of(rule)}")
        answer = await client.request(method, address(rule, **ids), headers=guest, json=body)
        assert answer.status_code == 403, f"{method} {rule}"
        assert method == "HEAD" or answer.json()["code"] == "guests_not_allowed"
