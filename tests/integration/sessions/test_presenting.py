"""What a presenter may do, what two of them cannot do at once, and what is taken home."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from tests.builders import vote
from tests.conftest import bearer
from tests.integration.session_harness import Evening, error, owner, stranger


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
