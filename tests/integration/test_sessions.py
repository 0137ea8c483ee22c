"""Sessions: what a presenter may do, what two of them cannot do at once, and what their polls may
not become."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from quart import Quart

from quickpoll.factory import create_app
from quickpoll.settings import Settings
from tests.builders import create_poll, vote
from tests.conftest import bearer, environment, secret, served, settings_from
from tests.guests import as_guest, join

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


@pytest.fixture
def settings(stores: Any, name: str) -> Settings:
    """Settings under which guests may be admitted."""
    more = {"API_GUESTS": "on", "API_GUEST_KEY": secret[::-1]}
    return settings_from(environment(stores, name, **more))


@pytest.fixture
async def polls(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    """Three polls of the owner's."""
    return [await create_poll(client, owner, question=f"Question {n}?") for n in range(3)]


@pytest.fixture
async def evening(client: httpx.AsyncClient, polls: list[dict[str, Any]]) -> Evening:
    """A session of three polls."""
    return await an_evening(client, polls)


@pytest.fixture
async def other(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a second instance."""
    async with served(create_app(settings)) as client:
        yield client


async def test_a_session_is_what_was_asked_for(
    client: httpx.AsyncClient, polls: list[dict[str, Any]]
) -> None:
    answer = await create(client, polls, title=" Party ")
    session = answer.json()
    assert answer.headers["Location"] == f"/api/session/get-session/{session['id']}"
    assert session == {
        "id": session["id"],
        "title": "Party",
        "userId": owner,
        "createdAt": session["createdAt"],
        "pollIds": [poll["id"] for poll in polls],
        "at": None,
        "status": "lobby",
        "guests": "off",
        "version": session["version"],
    }
    found = await client.get(answer.headers["Location"], headers=bearer(stranger))
    assert found.json() == session
    bare = await client.post(
        "/api/session/create-session", json={"title": "x"}, headers=bearer(owner)
    )
    assert (bare.status_code, bare.json()["pollIds"]) == (201, [])


async def test_polls_must_be_there_ones_own_and_none_twice(
    client: httpx.AsyncClient, polls: list[dict[str, Any]]
) -> None:
    foreign = await create_poll(client, stranger)
    assert error(await create(client, [*polls, foreign])) == (403, "forbidden")
    assert error(await create(client, [foreign, {"id": "0" * 24}])) == (404, "poll_not_found")
    twice = await create(client, [*polls, polls[1]])
    assert twice.json()["errors"][0]["field"] == "pollIds.3"
    assert (await create(client, [foreign], headers=admin)).status_code == 201
    mine = {"userId": owner}
    assert error(await create(client, polls, **mine)) == (403, "forbidden")
    assert (await create(client, polls, headers=admin, **mine)).json()["userId"] == owner


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "title"),
        ({"title": ""}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"title": "a\u202eb"}, "title"),
        ({"title": "x", "pollIds": ["no"]}, "pollIds.0"),
        ({"title": "x", "pollIds": ["0" * 24] * 101}, "pollIds"),
        ({"title": "x", "guests": "some"}, "guests"),
        ({"title": "x", "userId": None}, "userId"),
        ({"title": "x", "at": 1}, "at"),
    ],
)
async def test_what_is_wrong_is_named(
    client: httpx.AsyncClient, body: dict[str, Any], field: str
) -> None:
    answer = await client.post("/api/session/create-session", json=body, headers=bearer(owner))
    assert error(answer) == (422, "invalid_request")
    assert answer.json()["errors"][0]["field"] == field


async def test_guests_need_a_service_that_admits_them(stores: Any, name: str) -> None:
    async with served(create_app(settings_from(environment(stores, name)))) as client:
        answer = await create(client, [], guests="open")
        assert answer.json()["errors"][0]["field"] == "guests"


async def test_a_presenter_goes_from_poll_to_poll_and_back_to_the_lobby(evening: Evening) -> None:
    version = evening.fields["version"]
    for at, status in ((0, "running"), (2, "running"), (1, "running"), (None, "lobby")):
        answer = await evening.step(at, version)
        assert (answer.json()["at"], answer.json()["status"]) == (at, status)
        assert answer.json()["version"] > version
        version = answer.json()["version"]
        assert await evening.now() == answer.json()
    ended = await evening.do("POST", "end-session")
    assert (ended.json()["status"], ended.json()["at"]) == ("ended", None)
    assert (await evening.do("POST", "end-session")).json() == ended.json()
    assert error(await evening.step(0, ended.json()["version"])) == (409, "session_ended")
    assert error(await evening.step(None, ended.json()["version"])) == (409, "session_ended")


async def test_a_step_needs_the_present_version_unless_it_is_there_already(
    evening: Evening,
) -> None:
    first = evening.fields["version"]
    there = (await evening.step(0, first)).json()
    again = await evening.step(0, first)
    assert (again.status_code, again.json()) == (200, there)
    late = await evening.step(1, first)
    assert error(late) == (409, "session_changed")
    assert late.json()["session"] == there
    for body, field in (({"at": 0}, "ifVersion"), ({"ifVersion": 1}, "at")):
        answer = await evening.do("POST", "step-session", body)
        assert answer.json()["errors"][0]["field"] == field
    beyond = await evening.step(3, there["version"])
    assert (error(beyond), beyond.json()["errors"][0]["field"]) == ((422, "invalid_request"), "at")
    for wrong in (-1, 1.5, True, "0"):
        answer = await evening.do("POST", "step-session", {"at": wrong, "ifVersion": first})
        assert answer.json()["errors"][0]["field"] == "at"


async def test_of_presenters_who_step_at_once_exactly_one_wins(
    evening: Evening, other: httpx.AsyncClient
) -> None:
    version = evening.fields["version"]
    elsewhere = Evening(other, evening.fields)
    for _ in range(5):
        asked = [one.step(at, version) for one in (evening, elsewhere) for at in (0, 1, 2)]
        answers = await asyncio.gather(*asked)
        now = await evening.now()
        won = [one.json() for one in answers if one.status_code == 200]
        assert {one["version"] for one in won} == {now["version"]}
        lost = [one for one in answers if one.status_code != 200]
        assert len(lost) >= 4
        assert {error(one) for one in lost} == {(409, "session_changed")}
        assert {one.json()["session"]["version"] for one in lost} == {now["version"]}
        assert (await evening.step(None, now["version"])).status_code == 200
        version = (await evening.now())["version"]


async def test_titles_and_polls_can_be_changed_what_was_shown_stays_in_its_place(
    client: httpx.AsyncClient, evening: Evening, polls: list[dict[str, Any]]
) -> None:
    a, b, c = (poll["id"] for poll in polls)
    more = (await create_poll(client, owner))["id"]
    assert (await evening.update(title="Winter")).json()["title"] == "Winter"
    assert (await evening.update(pollIds=[c, a])).json()["pollIds"] == [c, a]
    assert (await evening.update(pollIds=[a, b, c, more])).json()["pollIds"] == [a, b, c, more]
    shown = (await evening.step(1, (await evening.now())["version"])).json()
    for wrong in ([a, c, b], [a, c], [b, a, c], [more, a, b], []):
        assert error(await evening.update(pollIds=wrong)) == (409, "locked")
    assert (await evening.now()) == shown
    changed = (await evening.update(pollIds=[c, b, more, a])).json()
    assert (changed["at"], changed["pollIds"]) == (1, [c, b, more, a])
    assert (await evening.step(None, changed["version"])).status_code == 200
    assert error(await evening.update(pollIds=[b, c])) == (409, "locked")
    foreign = (await create_poll(client, stranger))["id"]
    assert error(await evening.update(pollIds=[c, b, foreign])) == (403, "forbidden")
    assert error(await evening.update(pollIds=[c, b, "0" * 24])) == (404, "poll_not_found")
    ended = (await evening.do("POST", "end-session")).json()
    assert error(await evening.update(pollIds=[c, b])) == (409, "session_ended")
    assert (await evening.update(title="Over")).json()["version"] > ended["version"]


async def test_an_update_may_name_the_version_that_it_is_about(evening: Evening) -> None:
    first = evening.fields["version"]
    changed = await evening.update(title="Winter", ifVersion=first)
    late = await evening.update(title="Spring", ifVersion=first)
    assert error(late) == (409, "session_changed")
    assert late.json()["session"] == changed.json()
    same = await evening.update(title="Winter")
    assert same.json() == changed.json()
    assert (await evening.update(guests="off")).json()["errors"][0]["field"] == "guests"


async def test_only_owners_and_admins_manage(evening: Evening) -> None:
    deeds = (
        ("PATCH", "update-session", {"title": "x"}),
        ("POST", "step-session", {"at": 0, "ifVersion": 2}),
        ("GET", "export-session", None),
        ("POST", "end-session", None),
        ("DELETE", "delete-session", None),
    )
    missing = Evening(evening.client, {"id": "0" * 24})
    no_id = Evening(evening.client, {"id": "x"})
    for method, name, body in deeds:
        refused = await evening.do(method, name, body, headers=bearer(stranger))
        assert error(refused) == (403, "forbidden")
        assert error(await missing.do(method, name, body)) == (404, "not_found")
        assert error(await no_id.do(method, name, body)) == (422, "invalid_request")
    for method, name, body in deeds:
        answer = await evening.do(method, name, body, headers=admin)
        assert answer.status_code in (200, 204), answer.text


async def test_a_deleted_session_is_gone_and_its_polls_stay(
    client: httpx.AsyncClient, evening: Evening, polls: list[dict[str, Any]]
) -> None:
    shared = await evening.do("POST", "share-session")
    assert (await client.get(f"/j/{shared.json()['code']}")).headers["Location"] == (
        f"/sessions/{evening.id}"
    )
    assert (await evening.do("DELETE", "delete-session")).status_code == 204
    assert (await evening.do("DELETE", "delete-session")).status_code == 204
    gone = await evening.do("DELETE", "delete-session", headers=bearer(stranger))
    assert error(gone) == (404, "not_found")
    assert error(await evening.do("GET", "get-session")) == (404, "not_found")
    assert error(await evening.step(0, 1)) == (404, "not_found")
    assert (await client.get(f"/j/{shared.json()['code']}")).status_code == 404
    listed = await client.get("/api/session/get-sessions", headers=bearer(owner))
    assert listed.json() == []
    path = f"/api/poll/get-poll-by-id/{polls[0]['id']}"
    assert (await client.get(path, headers=bearer(owner))).status_code == 200


async def test_lists_have_ones_own_sessions_newest_first_page_by_page(
    client: httpx.AsyncClient,
) -> None:
    made = [(await create(client, [], title=f"{n}")).json() for n in range(5)]
    await create(client, [], headers=bearer(stranger))
    seen, link = [], "/api/session/get-sessions?limit=2"
    while link:
        answer = await client.get(link, headers=bearer(owner))
        seen += answer.json()
        assert len(answer.json()) <= 2
        link = answer.links.get("next", {}).get("url", "")
    assert seen == made[::-1]
    for wrong in ("limit=0", "limit=101", "limit=x", "cursor=x"):
        answer = await client.get(f"/api/session/get-sessions?{wrong}", headers=bearer(owner))
        assert answer.json()["errors"][0]["field"] == wrong.partition("=")[0]


async def test_results_of_the_evening_to_take_home(
    client: httpx.AsyncClient, evening: Evening, polls: list[dict[str, Any]]
) -> None:
    await vote(client, polls[1], 2, stranger)
    each = [
        (await client.get(f"/api/poll/export-poll/{one['id']}", headers=bearer(owner))).json()
        for one in polls
    ]
    answer = await evening.do("GET", "export-session", params={"format": "json"})
    assert answer.json() == each
    assert f"session-{evening.id}.json" in answer.headers["Content-Disposition"]
    table = await evening.do("GET", "export-session", params={"format": "csv"})
    lines = table.text.split("\r\n")
    assert lines[0] == "\ufeffpoll,option,votes,percent"
    assert lines[6] == "Question 1?,blue,1,100.0"
    assert len(lines) == 11
    await client.delete(f"/api/poll/delete-poll/{polls[0]['id']}", headers=bearer(owner))
    left = await evening.do("GET", "export-session")
    assert left.json() == each[1:]


async def test_the_same_request_under_a_key_is_one_session(
    client: httpx.AsyncClient, polls: list[dict[str, Any]], other: httpx.AsyncClient
) -> None:
    headers = {**bearer(owner), "Idempotency-Key": "evening-1"}
    first = await create(client, polls, headers=headers)
    assert (first.status_code, "Idempotent-Replayed" in first.headers) == (201, False)
    evening = Evening(client, first.json())
    await evening.step(0, first.json()["version"])
    again = await create(other, polls, headers=headers)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (again.content, again.headers["Location"]) == (first.content, first.headers["Location"])
    reused = await create(client, polls, headers=headers, title="x")
    assert error(reused) == (422, "idempotency_key_reused")
    await evening.do("DELETE", "delete-session")
    await client.delete(f"/api/poll/delete-poll/{polls[0]['id']}", headers=bearer(owner))
    assert (await create(client, polls, headers=headers)).content == first.content
    assert error(await evening.do("GET", "get-session")) == (404, "not_found")
    fresh = {**bearer(owner), "Idempotency-Key": "evening-2"}
    assert error(await create(client, polls, headers=fresh)) == (404, "poll_not_found")
    assert (await create(client, polls[1:], headers=fresh)).status_code == 201


async def test_a_session_and_its_polls_admit_the_same_guests(
    client: httpx.AsyncClient, polls: list[dict[str, Any]]
) -> None:
    open_one = await create_poll(client, owner, guests="open")
    assert error(await create(client, [*polls, open_one])) == (409, "guests_differ")
    assert error(await create(client, polls, guests="open")) == (409, "guests_differ")
    evening = await an_evening(client, polls)
    assert error(await evening.update(pollIds=[open_one["id"]])) == (409, "guests_differ")

    async def admit(poll: dict[str, Any], guests: str) -> httpx.Response:
        path = f"/api/poll/update-poll/{poll['id']}"
        return await client.patch(path, json={"guests": guests}, headers=bearer(owner))

    assert error(await admit(polls[0], "open")) == (409, "guests_differ")
    assert (await admit(polls[0], "off")).status_code == 200
    assert (await evening.update(pollIds=[polls[1]["id"]])).status_code == 200
    assert (await admit(polls[0], "open")).status_code == 200
    await evening.do("DELETE", "delete-session")
    assert (await admit(polls[1], "open")).status_code == 200
    both = await create(client, [polls[0], polls[1]], guests="open")
    assert both.status_code == 201


async def test_no_race_gets_a_poll_of_other_guests_into_a_session(
    client: httpx.AsyncClient, other: httpx.AsyncClient
) -> None:
    for turn in range(8):
        poll = await create_poll(client, owner)
        path = f"/api/poll/update-poll/{poll['id']}"
        changing = other.patch(path, json={"guests": "open"}, headers=bearer(owner))
        made, changed = await asyncio.gather(create(client, [poll]), changing)
        assert {made.status_code, changed.status_code} <= {200, 201, 409}, turn
        assert made.status_code == 409 or changed.status_code == 409
        assert made.status_code != 409 or changed.status_code == 200
        found = await client.get("/api/session/get-sessions", headers=bearer(owner))
        with_poll = [one for one in found.json() if poll["id"] in one["pollIds"]]
        assert len(with_poll) == (made.status_code == 201)


async def test_guests_see_sessions_that_admit_them(client: httpx.AsyncClient, app: Quart) -> None:
    closed, admitting = await create(client, []), await create(client, [], guests="open")
    guest = as_guest((await join(client))["token"])
    for answer, expected in ((closed, 403), (admitting, 200)):
        path = f"/api/session/get-session/{answer.json()['id']}"
        found = await client.get(path, headers=guest)
        assert found.status_code == expected
        if expected == 403:
            assert found.json()["code"] == "guests_not_allowed"


async def test_a_deleted_poll_leaves_the_session_unless_its_place_was_seen(
    client: httpx.AsyncClient, evening: Evening, polls: list[dict[str, Any]]
) -> None:
    a, b, c = (poll["id"] for poll in polls)
    before = (await evening.step(1, evening.fields["version"])).json()

    async def delete(poll_id: str) -> None:
        path = f"/api/poll/delete-poll/{poll_id}"
        assert (await client.delete(path, headers=bearer(owner))).status_code == 204

    await delete(c)
    now = await evening.now()
    assert (now["pollIds"], now["at"]) == ([a, b], 1)
    assert now["version"] > before["version"]
    await delete(a)
    await delete(b)
    now = await evening.now()
    assert (now["pollIds"], now["at"]) == ([a, b], 1)
    more = (await create_poll(client, owner))["id"]
    assert (await evening.update(pollIds=[a, b, more])).json()["pollIds"] == [a, b, more]
