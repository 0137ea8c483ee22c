"""What its owner may do to a session: make it, change it, list it, take it away."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from quickpoll.factory import create_app
from tests.builders import create_poll
from tests.conftest import bearer, environment, served, settings_from
from tests.integration.session_harness import Evening, admin, create, error, owner, stranger


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
