"""The AsyncAPI document: whole, valid, and what is really sent. (Every test with a screen of
:mod:`.realtime_harness` holds what came against it.)"""

from __future__ import annotations

import json
from secrets import token_hex
from typing import Any

import httpx
import pytest
from jsonschema import Draft7Validator

from quickpoll.counting.events import EventKind
from quickpoll.errors import leaves
from quickpoll.settings import Settings
from tests.builders import create_poll, vote
from tests.clients.generators import node_modules, require
from tests.conftest import bearer
from tests.integration.live_contract import document, misfits, misfits_of_answer
from tests.integration.realtime_harness import running

of_polls = {"subscribe", "unsubscribe", "connect", "connect_error", "session-ended", *EventKind}


async def test_it_is_open_to_all_and_names_every_event(client: httpx.AsyncClient) -> None:
    answer = await client.get("/asyncapi.json")
    assert answer.headers["Content-Type"] == "application/json"
    said = answer.json()
    assert said == document()
    assert said["asyncapi"] == "3.0.0"
    assert of_polls <= {one["name"] for one in said["components"]["messages"].values()}
    assert set(said["channels"]["live"]["messages"]) == set(said["components"]["messages"])
    assert "/asyncapi.json" in (await client.get("/openapi.json")).json()["paths"]


@pytest.mark.node
def test_it_is_valid() -> None:
    specification = node_modules / "@asyncapi/specs/schemas/3.0.0.json"
    require("@asyncapi/specs", specification.is_file(), "npm ci --prefix tests/js")
    schema = json.loads(specification.read_text("utf-8"))
    assert [one.message for one in Draft7Validator(schema).iter_errors(document())] == []


def test_every_reference_leads_somewhere_and_every_example_fits() -> None:
    for place in references(document()):
        found: Any = document()
        for part in place.removeprefix("#/").split("/"):
            found = found[part]
    for name, message in document()["components"]["messages"].items():
        for one in message["examples"]:
            assert misfits(one["payload"], name) == []


def references(value: Any) -> list[str]:
    """Every reference in a document."""
    if isinstance(value, list):
        return [one for inner in value for one in references(inner)]
    if not isinstance(value, dict):
        return []
    own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
    return own + [one for inner in value.values() for one in references(inner)]


def test_every_request_has_its_answers_and_every_error_is_named() -> None:
    operations = document()["operations"]
    for name in ("subscribe", "unsubscribe"):
        replies = [one["$ref"].rpartition("/")[2] for one in operations[name]["reply"]["messages"]]
        assert replies == [f"{name}-answer", f"{name}-refusal"]
    codes = document()["components"]["schemas"]["LiveRefusal"]["properties"]["code"]["enum"]
    assert codes == [leaf.code for leaf in leaves()]


async def test_what_is_sent_is_what_it_says(settings: Settings) -> None:
    async with running(settings) as live:
        api = await live.http()
        owner = token_hex(12)
        open_one = await create_poll(api, owner)
        hidden = await create_poll(api, owner, results="owner")
        screen = await live.screen()
        await screen.subscribe(open_one["id"], hidden["id"], token_hex(12))
        assert "error" in await screen.ask("subscribe", {"pollIds": "no list"})
        assert "error" in await screen.ask("unsubscribe", 5)
        assert "error" in await screen.ask("no-such-event", {})
        await vote(api, open_one, 0, owner)
        await api.put(f"/api/poll/like-poll/{hidden['id']}", headers=bearer(owner))
        await api.delete(f"/api/poll/delete-poll/{open_one['id']}", headers=bearer(owner))
        await screen.until("like-update")
        await screen.until("poll-update", change="deleted")
        await screen.unsubscribe(hidden["id"])
        refused = await live.open()
        await refused.join(None)
        assert refused.refused is not None
        ending = await live.screen(seconds=1.5)
        await ending.until("session-ended")
        kinds = {name for name, _ in screen.events}
    assert kinds == {"vote-update", "like-update", "poll-update"}


def test_what_does_not_fit_would_be_noticed() -> None:
    assert misfits({"pollId": "no id"}, "vote-update")
    assert misfits({}, "no-such-event")
    assert misfits_of_answer({"error": {"code": "no_such_code", "detail": ""}}, "unsubscribe")
