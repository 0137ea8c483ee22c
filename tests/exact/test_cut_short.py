"""Hole 1, by other ways than a client's hang-up: creations, and the time limit of a request."""

from __future__ import annotations

import asyncio
from functools import partial
from secrets import token_hex
from typing import Any

import orjson
import pytest
from quart import Quart

from tests.asgi import Request
from tests.conftest import bearer
from tests.exact.cutting import Moment, ask_and_hang_up
from tests.exact.framing import mongo_command
from tests.exact.pair import Document, Pair, owner, settles
from tests.exact.test_hang_ups import routes
from tests.integration.realtime_harness import Screen

creations = ("create-poll", "create-polls", "duplicate-poll")
"""The routes that make polls; :func:`creation` has a request for each."""


def creation(name: str, question: str, original: str) -> Request:
    """A request that makes a poll with this question (a duplicate: with that of the original)."""
    poll = {"question": question, "options": [{"text": "yes"}, {"text": "no"}]}
    bodies: dict[str, Any] = {"create-poll": poll, "create-polls": {"polls": [poll]}}
    path = f"/api/poll/{name}" + (f"/{original}" if name == "duplicate-poll" else "")
    body = orjson.dumps(bodies[name]) if name in bodies else b""
    return Request("POST", path, {**bearer(owner), "Content-Type": "application/json"}, body=body)


def as_answered(stored: Document) -> dict[str, Any]:
    """A stored poll, as far as these tests need it."""
    return {"id": str(stored["_id"]), "options": [{"id": str(o["_id"])} for o in _options(stored)]}


def _options(stored: Document) -> list[Document]:
    return [{"_id": one.get("_id", one.get("id"))} for one in stored["options"]]


async def unfinished(pair: Pair, question: str, screen: Screen) -> list[str]:
    """What is missing of the polls with this question."""
    wrong = []
    for stored in await pair.database["poll"].find({"question": question}).to_list():
        poll = as_answered(stored)
        wrong += await pair.differences(poll)
        heard = screen.heard_of(poll["id"], "poll-update")
        if not any(one["change"] == "created" for one in heard):
            wrong.append(f"nobody heard of {poll['id']}")
    return wrong


@pytest.mark.parametrize("moment", ["early", "late"])
@pytest.mark.parametrize("route", creations)
async def test_a_creation_that_is_cut_off_is_made_whole_or_not_at_all(
    pair: Pair, route: str, moment: Moment
) -> None:
    """A poll that MongoDB has is told to everybody, and both instances count it."""
    screen = await pair.b.live.screen(token_hex(12))
    questions = []
    for nth in range(60):
        questions.append(f"Question {nth}?")
        original = (await pair.poll(question=questions[-1]))["id"] if "dup" in route else ""
        request = creation(route, questions[-1], original)
        answer = await ask_and_hang_up(pair.a.app, request, nth, moment)
        if answer is not None:
            break
    assert answer is not None
    assert answer.status in (200, 201)
    checks = (settles(partial(unfinished, pair, one, screen)) for one in questions)
    wrong = await asyncio.gather(*checks, return_exceptions=True)
    assert [str(one) for one in wrong if one is not None] == []


@pytest.mark.parametrize("moment", ["early", "late"])
async def test_a_creation_under_a_key_that_is_cut_off_is_one_poll(
    pair: Pair, moment: Moment
) -> None:
    """The same again, at the other instance, finishes what was begun; it is the same for good."""
    screen = await pair.b.live.screen(token_hex(12))
    for nth in range(60):
        question = f"Question {nth}?"
        request = creation("create-poll", question, "")
        request.fields["Idempotency-Key"] = f"key-{nth}"
        first = await ask_and_hang_up(pair.a.app, request, nth, moment)

        body, headers = orjson.loads(request.body), dict(request.fields)
        again = [
            await member.http.post("/api/poll/create-poll", json=body, headers=headers)
            for member in (pair.b, pair.a)
        ]

        assert [one.status_code for one in again] == [201, 201]
        assert again[0].content == again[1].content
        assert await pair.database["poll"].count_documents({"question": question}) == 1
        await settles(partial(unfinished, pair, question, screen))
        if first is not None:
            break
    assert first is not None
    assert first.body == again[0].content


no_state_of_a_poll = {
    ("POST", "share-poll"),
    ("POST", "invite-guests"),
    ("DELETE", "invite-guests"),
}
"""What these write is one document, or some that stand for themselves: nothing is announced."""


def test_every_route_that_writes_is_cut(app: Quart) -> None:
    """The next one is held to the same."""
    writing = {
        (method, rule.rule.split("/")[3])
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/poll/")
    }
    cut = {(route.method, route.name) for route in routes.values()}
    assert writing == cut | no_state_of_a_poll | {("POST", name) for name in creations}


@pytest.mark.parametrize("act", ["close-poll", "delete-poll"])
async def test_the_time_limit_of_a_request_splits_nobody(pair: Pair, act: str) -> None:
    """It strikes between the change and its announcement: MongoDB was slow twice."""
    poll = await pair.poll()
    assert (await pair.b.vote(poll, 0, token_hex(12))).status_code == 201
    screen = await pair.b.screen(poll)
    await pair.quiet(poll)
    loop = asyncio.get_running_loop()
    first = pair.a.mongo.catch(mongo_command("find", "poll"), answers=True)
    verb = "delete" if act == "delete-poll" else "update"
    second = pair.a.mongo.catch(mongo_command(verb, "poll"), answers=True)
    method = "DELETE" if act == "delete-poll" else "POST"
    asked = asyncio.create_task(pair.a.act(method, act, poll))
    await first.caught()
    loop.call_later(1.7, first.release)
    await second.caught()
    loop.call_later(1.7, second.release)
    answer = await asked
    assert answer.status_code in (200, 204, 503)
    wanted = 404 if act == "delete-poll" else 409

    async def apart() -> list[str]:
        votes = [await member.vote(poll, 1, token_hex(12)) for member in pair.both]
        return [f"{one.status_code}" for one in votes if one.status_code != wanted]

    await settles(apart)
    again = await pair.a.act(method, act, poll)
    assert again.status_code in ((204, 404) if act == "delete-poll" else (200,))
    await screen.until("poll-update", change="deleted" if act == "delete-poll" else "closed")
