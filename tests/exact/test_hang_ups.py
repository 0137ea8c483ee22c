"""Hole 1: a change that is cut off in the middle. Clients hang up at each wait of each route that
writes; the instances agree all the same, and the same request again makes it so for everybody."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from secrets import token_hex
from typing import Any

import orjson
import pytest
from bson import ObjectId

from tests.asgi import Answered, Request
from tests.conftest import bearer
from tests.exact.cutting import Moment, ask_and_hang_up
from tests.exact.pair import Pair, Poll, owner, settles, stranger
from tests.integration.realtime_harness import Screen

most_waits = 60
"""More than any route has: a request that waits oftener fails its test."""


@dataclass(frozen=True)
class Route:
    """A route that changes a poll, and how it shows that the change was made."""

    method: str
    name: str
    body: dict[str, Any] | None = None
    of_poll: dict[str, Any] = field(default_factory=dict)
    event: str = "poll-update"
    says: dict[str, Any] = field(default_factory=dict)
    voted: bool = False
    """Whether the caller has voted and liked before."""
    closed: bool = False
    """Whether the poll was closed before."""

    def request(self, poll: Poll) -> Request:
        """The request about a poll, by its owner."""
        option = f"/{poll['options'][1]['id']}" if self.name == "vote-on-poll" else ""
        body = b""
        if self.body is not None:
            chosen = {"optionIds": [poll["options"][1]["id"]]}
            body = orjson.dumps(chosen if self.name == "ballot" else self.body)
        fields = {**bearer(owner), "Content-Type": "application/json"}
        path = f"/api/poll/{self.name}/{poll['id']}{option}"
        return Request(self.method, path, fields, body=body)


changeable = {"allowVoteChange": True}
routes = {
    "update": Route("PATCH", "update-poll", {"visibility": "unlisted"}, says={"change": "updated"}),
    "hide": Route("PATCH", "update-poll", {"results": "owner"}, says={"change": "updated"}),
    "close": Route("POST", "close-poll", says={"change": "closed"}),
    "reopen": Route("POST", "reopen-poll", says={"change": "reopened"}, closed=True),
    "delete": Route("DELETE", "delete-poll", says={"change": "deleted"}),
    "vote": Route("POST", "vote-on-poll", event="vote-update", says={"votersCount": 2}),
    "ballot": Route("PUT", "ballot", {}, event="vote-update", says={"votersCount": 2}),
    "change": Route(
        "PUT", "ballot", {}, changeable, "vote-update", says={"votersCount": 2}, voted=True
    ),
    "retract": Route(
        "DELETE", "ballot", None, changeable, "vote-update", says={"votersCount": 1}, voted=True
    ),
    "like": Route("PUT", "like-poll", event="like-update", says={"likes": 1}),
    "toggle": Route("POST", "like-poll", event="like-update"),  # twice: nothing, in the end
    "unlike": Route("DELETE", "like-poll", event="like-update", says={"likes": 0}, voted=True),
}

cases = pytest.mark.parametrize("route", routes.values(), ids=list(routes))
moments = pytest.mark.parametrize("moment", ["early", "late"])


async def prepared(pair: Pair, route: Route) -> Poll:
    """A poll that both instances know and have taken votes on."""
    poll = await pair.poll(**route.of_poll)
    assert (await pair.b.vote(poll, 0, stranger)).status_code == 201
    if route.voted:
        assert (await pair.a.vote(poll, 0, owner)).status_code == 201
        assert (await pair.a.act("PUT", "like-poll", poll)).status_code == 200
    if route.closed:
        assert (await pair.a.act("POST", "close-poll", poll)).status_code == 200
    return poll


async def cut_everywhere(
    pair: Pair,
    route: Route,
    moment: Moment,
    make: Callable[[], Awaitable[Poll]],
    holds: Callable[[Poll], Awaitable[None]],
) -> None:
    """Cut the request at its first wait, its second, …, each on a poll of its own, and see each
    time (all at once) that ``holds`` does."""
    seen: list[asyncio.Task[str]] = []
    for nth in range(most_waits):
        poll = await make()
        answer = await ask_and_hang_up(pair.a.app, route.request(poll), nth, moment)
        seen.append(asyncio.create_task(_judged(holds(poll)), name=f"at wait {nth}"))
        if answer is not None:
            break
    await asyncio.wait(seen)
    assert answer is not None, f"it waits more than {most_waits} times"
    assert answer.status < 300
    wrong = {one.get_name(): one.result() for one in seen if one.result()}
    assert not wrong, f"{len(wrong)} of {len(seen)}: {wrong}"


async def _judged(check: Awaitable[None]) -> str:
    try:
        await check
    except AssertionError as error:
        return str(error)
    return ""


async def disagreements(pair: Pair, poll: Poll) -> list[str]:
    """Where the two instances do not go by the same poll, or one does not by MongoDB's."""
    stored = await pair.database["poll"].find_one({"_id": ObjectId(poll["id"])})
    if stored is None:
        return await _remains(pair, poll)
    wrong = await pair.differences(poll) if stored["results"] == "always" else []
    names = ("status", "visibility", "results")
    wanted = [stored[name] for name in names]
    for member in pair.both:
        for user in (owner, stranger):
            view = await member.look(poll, user)
            if [view.get(name) for name in names] != wanted:
                wrong.append(f"{view} instead of {wanted}")
            if user == stranger and stored["results"] == "owner" and "votersCount" in view:
                wrong.append(f"hidden results are shown: {view}")
        if stored["status"] == "closed":
            late = await member.vote(poll, 0, token_hex(12))
            if late.status_code != 409:
                wrong.append(f"a vote on a closed poll: {late.status_code}")
    return wrong


async def _remains(pair: Pair, poll: Poll) -> list[str]:
    wrong = []
    for member in pair.both:
        late = await member.vote(poll, 0, token_hex(12))
        looked = await member.act("GET", "get-poll-by-id", poll)
        if (late.status_code, looked.status_code) != (404, 404):
            wrong.append(f"a deleted poll: vote {late.status_code}, look {looked.status_code}")
    for name in ("vote", "like", "poll_change"):
        left = await pair.database[name].count_documents({"pollId": ObjectId(poll["id"])})
        wrong += [f"{left} of {name} are left"] if left else []
    keys = [key async for key in pair.redis.scan_iter(f"{pair.keys.prefix}*{poll['id']}*")]
    # That a deadline or deletion was announced may be remembered for a while.
    counts = [key for key in keys if key.startswith(f"{pair.keys.prefix}poll:")]
    return wrong + ([f"{counts} are left"] if counts else [])


@cases
@moments
async def test_the_instances_agree_on_what_was_cut_off(
    pair: Pair, route: Route, moment: Moment
) -> None:
    """Whether it was made or not: within five seconds they agree, and with MongoDB."""
    await cut_everywhere(
        pair,
        route,
        moment,
        partial(prepared, pair, route),
        lambda poll: settles(partial(disagreements, pair, poll)),
    )


@cases
@moments
async def test_the_same_again_makes_it_so_for_everybody(
    pair: Pair, route: Route, moment: Moment
) -> None:
    """At once, on every instance, and on every screen within five seconds."""
    screens: dict[str, Screen] = {}

    async def repeated(poll: Poll) -> None:
        answer = await _ask(pair, route, poll)
        gone = route.name == "delete-poll"
        assert answer.status in ((204, 404) if gone else (200, 201, 204)), answer
        # A sweep may take up to five seconds; what a request is judged by, nothing at all.
        wrong = await disagreements(pair, poll)
        assert gone or not wrong, wrong
        await settles(partial(disagreements, pair, poll))
        await settles(partial(unheard, screens[poll["id"]], route, poll))

    async def watched() -> Poll:
        poll = await prepared(pair, route)
        screens[poll["id"]] = await pair.b.screen(poll)
        return poll

    await cut_everywhere(pair, route, moment, watched, repeated)


async def _ask(pair: Pair, route: Route, poll: Poll) -> Answered:
    answer = await ask_and_hang_up(pair.a.app, route.request(poll), 100_000)
    assert answer is not None
    return answer


async def unheard(screen: Screen, route: Route, poll: Poll) -> list[str]:
    """What a screen should have heard, and has not."""
    heard = screen.heard_of(poll["id"], route.event)
    if any(route.says.items() <= payload.items() for payload in heard):
        return []
    return [f"a screen heard {screen.events}, not {route.event} {route.says}"]


@pytest.mark.parametrize("what", ["update", "hide", "close", "reopen", "delete"])
async def test_the_instances_agree_where_the_one_that_was_asked_has_no_redis(
    pair: Pair, what: str
) -> None:
    """The same while only the other one can reach Redis: five seconds after it is back."""
    route, polls = routes[what], list[Poll]()
    for _ in range(20):
        polls.append(await prepared(pair, route))
    await asyncio.gather(*map(pair.quiet, polls))
    pair.a.redis.cut()
    for nth, poll in enumerate(polls):
        if await ask_and_hang_up(pair.a.app, route.request(poll), nth, "late") is not None:
            break  # it waits no oftener
    pair.a.redis.mend()
    await pair.a.has_redis()
    await asyncio.gather(*(settles(partial(disagreements, pair, poll)) for poll in polls))
