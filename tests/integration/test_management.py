"""What its owner may do to a poll, what the first vote fixes, and the history of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from quickpoll.composition import Services
from quickpoll.factory import create_app
from quickpoll.settings import Settings
from tests.builders import create_poll, look, option, vote
from tests.conftest import bearer, served

owner, other, admin = (f"65f1c0ffee0000000000e00{n}" for n in range(3))
nobody = "0" * 24
past, ahead, further = (
    "2020-01-01T00:00:00Z",
    "2098-01-01T00:00:00.000Z",
    "2099-01-01T00:00:00.000Z",
)

Poll = dict[str, Any]


async def patch(
    client: httpx.AsyncClient, poll: Poll, user: str = owner, **fields: Any
) -> httpx.Response:
    path = f"/api/poll/update-poll/{poll['id']}"
    return await client.patch(path, json=fields, headers=bearer(user))


async def act(client: httpx.AsyncClient, name: str, poll: Poll, user: str = owner) -> Any:
    answer = await client.post(f"/api/poll/{name}-poll/{poll['id']}", headers=bearer(user))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def history(client: httpx.AsyncClient, poll: Poll) -> list[dict[str, Any]]:
    answer = await client.get(f"/api/poll/poll-history/{poll['id']}", headers=bearer(other))
    assert answer.status_code == 200
    rows: list[dict[str, Any]] = answer.json()
    return rows


def changes(rows: list[dict[str, Any]]) -> list[tuple[Any, Any, Any]]:
    return [(row["change"], row["from"], row["to"]) for row in rows]


def texts(poll: Poll, *words: str) -> list[dict[str, str]]:
    return [{"id": option(poll, n), "text": word} for n, word in enumerate(words)]


async def poll_past_its_deadline(client: httpx.AsyncClient, **fields: Any) -> Poll:
    closes_at = datetime.now(UTC) + timedelta(milliseconds=150)
    poll = await create_poll(client, owner, closesAt=closes_at.isoformat(), **fields)
    while datetime.now(UTC) < closes_at:  # noqa: ASYNC110 - the server's clock is this one
        await asyncio.sleep(0.01)
    return poll


async def test_everything_may_change_before_the_first_vote(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner)
    fields: Poll = {
        "question": " Another? ",
        "options": texts(poll, "one", "two", "three")[::-1],
        "minChoices": 2,
        "maxChoices": 3,
        "closesAt": "2098-01-01T02:00:00+02:00",
        "results": "owner",
        "allowVoteChange": True,
        "visibility": "unlisted",
    }

    answer = await patch(client, poll, **fields)

    assert answer.status_code == 200
    expected = {**poll, **fields, "question": "Another?", "closesAt": ahead}
    expected["options"] = [
        {"id": option(poll, n), "text": text, "pollId": poll["id"]}
        for n, text in enumerate(("one", "two", "three"))
    ]
    assert answer.json() == expected
    seen = await look(client, poll, owner)
    assert {name: seen[name] for name in expected} == expected
    results = "always"
    assert (await patch(client, poll, results=results)).json()["results"] == results


async def test_a_request_that_changes_nothing_leaves_no_trace(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner)
    same: Poll = {
        "question": f" {poll['question']} ",
        "options": [{"id": one["id"].upper(), "text": one["text"]} for one in poll["options"]],
        "maxChoices": 1,
        "closesAt": None,
    }
    before = (await look(client, poll, owner))["version"]

    unchanged: tuple[Poll, ...] = ({}, same)
    for fields in unchanged:
        answer = await patch(client, poll, **fields)
        assert (answer.status_code, answer.json()) == (200, poll)

    assert await history(client, poll) == []
    assert (await look(client, poll, owner))["version"] == before


bad_changes: dict[str, tuple[Any, str]] = {
    "unknown field": ({"colour": 1}, "colour"),
    "snake case": ({"min_choices": 1}, "min_choices"),
    "status": ({"status": "closed"}, "status"),
    "no question": ({"question": None}, "question"),
    "empty question": ({"question": " "}, "question"),
    "control character": ({"question": "a\x00"}, "question"),
    "no options": ({"options": None}, "options"),
    "null number": ({"minChoices": None}, "minChoices"),
    "null results": ({"results": None}, "results"),
    "null boolean": ({"allowVoteChange": None}, "allowVoteChange"),
    "null visibility": ({"visibility": None}, "visibility"),
    "past": ({"closesAt": past}, "closesAt"),
    "over the end of time": ({"closesAt": "9999-12-31T23:59:59-01:00"}, "closesAt"),
    "too many": ({"maxChoices": 4}, "maxChoices"),
    "minimum over maximum": ({"minChoices": 2}, "minChoices"),
    "list": ([], "body"),
    "text": ("closed", "body"),
}


@pytest.mark.parametrize("case", bad_changes.values(), ids=bad_changes.keys())
async def test_a_bad_change(client: httpx.AsyncClient, case: tuple[Any, str]) -> None:
    body, blamed = case
    poll = await create_poll(client, owner)
    path = f"/api/poll/update-poll/{poll['id']}"

    answer = await client.patch(path, json=body, headers=bearer(owner))

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert [one["field"] for one in answer.json()["errors"]] == [blamed]
    assert (await look(client, poll, owner))["question"] == poll["question"]


async def test_options_keep_their_ids(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner)
    three = texts(poll, "a", "b", "c")
    refused = [
        three[:2],
        [*three, {"id": nobody, "text": "d"}],
        [*three[:2], {"id": nobody, "text": "c"}],
        [*three[:2], {**three[0], "text": "c"}],
        [*three[:2], {"id": "x", "text": "c"}],
        [*three[:2], {"text": "c"}],
        [*three[:2], {"id": option(poll, 2)}],
        [*three[:2], {"id": option(poll, 2), "text": "A"}],
        [*three[:2], {"id": option(poll, 2), "text": "c", "pollId": poll["id"]}],
    ]
    for options in refused:
        answer = await patch(client, poll, options=options)
        assert answer.status_code == 422, options
        assert answer.json()["errors"][0]["field"].startswith("options")
    assert (await look(client, poll, owner))["options"] == poll["options"]


async def test_who_may_manage(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner)
    acts = [
        ("PATCH", "update-poll", {"question": "Mine?"}),
        ("POST", "close-poll", None),
        ("POST", "reopen-poll", None),
        ("GET", "export-poll", None),
        ("DELETE", "delete-poll", None),
    ]
    for method, name, body in acts:
        path = f"/api/poll/{name}/"
        stranger = await client.request(method, path + poll["id"], json=body, headers=bearer(other))
        missing = await client.request(method, path + nobody, json=body, headers=bearer(other))
        no_id = await client.request(method, path + "x", json=body, headers=bearer(other))
        assert (stranger.status_code, stranger.json()["code"]) == (403, "forbidden")
        assert (missing.status_code, missing.json()["code"]) == (404, "poll_not_found")
        assert (no_id.status_code, no_id.json()["errors"][0]["field"]) == (422, "poll_id")
    for method, name, body in acts:
        path = f"/api/poll/{name}/{poll['id'].upper()}"
        headers = bearer(admin, roles=["admin"])
        assert (await client.request(method, path, json=body, headers=headers)).is_success
    assert (await look(client, poll, owner))["code"] == "poll_not_found"


async def test_the_first_vote_fixes_what_voters_rely_on(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, allowVoteChange=True, results="after_close")
    await vote(client, poll, 0, other)
    await client.delete(f"/api/poll/ballot/{poll['id']}", headers=bearer(other))
    refused: list[tuple[Poll, str]] = [
        ({"question": "Another?"}, "poll_has_votes"),
        ({"options": texts(poll, "x", "green", "blue")}, "poll_has_votes"),
        ({"question": "Another?", "maxChoices": 2}, "poll_has_votes"),
        ({"maxChoices": 2}, "locked"),
        ({"minChoices": 2, "maxChoices": 2}, "locked"),
        ({"allowVoteChange": False}, "locked"),
        ({"results": "after_vote"}, "locked"),
        ({"results": "always"}, "locked"),
        ({"visibility": "unlisted", "results": "always"}, "locked"),
    ]

    for fields, code in refused:
        for user, claims in ((owner, {}), (admin, {"roles": ["admin"]})):
            path = f"/api/poll/update-poll/{poll['id']}"
            answer = await client.patch(path, json=fields, headers=bearer(user, **claims))
            assert (answer.status_code, answer.json()["code"]) == (409, code), fields
    seen = await look(client, poll, owner)
    assert {name: seen[name] for name in poll} == poll
    assert await history(client, poll) == []


async def test_what_stays_free_after_the_first_vote(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, results="after_vote")
    await vote(client, poll, 0, other)
    allowed: list[Poll] = [
        {"visibility": "unlisted"},
        {"visibility": "public"},
        {"closesAt": ahead},
        {"closesAt": further},
        {"closesAt": None},
        {"results": "after_close"},
        {"results": "owner"},
        {"question": poll["question"], "maxChoices": 1},
        {"options": texts(poll, "red", "green", "blue")[::-1]},
    ]

    for fields in allowed:
        assert (await patch(client, poll, **fields)).status_code == 200, fields
    assert len(await history(client, poll)) == 7


async def test_after_the_close_results_may_become_more_open(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, results="owner")
    await vote(client, poll, 0, other)
    assert (await patch(client, poll, results="always")).json()["code"] == "locked"
    await act(client, "close", poll)
    assert (await look(client, poll, other))["resultsHidden"] is True

    assert (await patch(client, poll, results="always")).status_code == 200

    assert (await look(client, poll, other))["votersCount"] == 1
    assert (await patch(client, poll, question="Another?")).json()["code"] == "poll_has_votes"
    assert (await patch(client, poll, allowVoteChange=True)).json()["code"] == "locked"


async def test_close_and_reopen_can_be_repeated(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, closesAt=ahead)

    assert await act(client, "reopen", poll) == poll
    closed = {**poll, "status": "closed"}
    assert [await act(client, "close", poll) for _ in range(2)] == [closed, closed]
    refused = await vote(client, poll, 0, other)
    assert (refused.status_code, refused.json()["code"]) == (409, "poll_closed")
    assert [await act(client, "reopen", poll) for _ in range(2)] == [poll, poll]
    assert (await vote(client, poll, 0, other)).status_code == 201
    assert changes(await history(client, poll)) == [
        ("closed", {"status": "open"}, {"status": "closed"}),
        ("reopened", {"status": "closed"}, {"status": "open"}),
    ]


async def test_reopening_clears_a_deadline_that_has_passed(client: httpx.AsyncClient) -> None:
    poll = await poll_past_its_deadline(client)
    assert (await look(client, poll, other))["status"] == "closed"
    assert (await act(client, "close", poll))["closesAt"] == poll["closesAt"]

    opened = await act(client, "reopen", poll)

    assert (opened["status"], opened["closesAt"]) == ("open", None)
    assert (await vote(client, poll, 0, other)).status_code == 201
    assert changes(await history(client, poll)) == [
        (
            "reopened",
            {"status": "closed", "closesAt": poll["closesAt"]},
            {"status": "open", "closesAt": None},
        )
    ]


async def test_a_poll_closed_by_hand_and_by_its_deadline_reopens(client: httpx.AsyncClient) -> None:
    closes_at = datetime.now(UTC) + timedelta(milliseconds=400)
    poll = await create_poll(client, owner, closesAt=closes_at.isoformat())
    assert (await act(client, "close", poll))["status"] == "closed"
    while datetime.now(UTC) < closes_at:  # noqa: ASYNC110 - the server's clock is this one
        await asyncio.sleep(0.01)

    opened = await act(client, "reopen", poll)

    assert (opened["status"], opened["closesAt"]) == ("open", None)


async def test_a_later_deadline_opens_what_the_deadline_closed(client: httpx.AsyncClient) -> None:
    poll = await poll_past_its_deadline(client)
    assert (await patch(client, poll, closesAt=poll["closesAt"])).status_code == 200

    longer = (await patch(client, poll, closesAt=ahead)).json()

    assert (longer["status"], longer["closesAt"]) == ("open", ahead)
    await act(client, "close", poll)
    assert (await patch(client, poll, closesAt=further)).json()["status"] == "closed"
    assert (await patch(client, poll, closesAt=None)).json()["status"] == "closed"


async def test_the_history_has_a_row_for_each_request_that_changed_something(
    client: httpx.AsyncClient,
) -> None:
    poll = await create_poll(client, owner)
    await patch(client, poll, question="Which?", maxChoices=2)
    await patch(client, poll, question="Which?")
    await patch(client, poll, question="")
    await patch(client, poll, other, question="Mine?")
    await act(client, "close", poll)
    await act(client, "close", poll)
    await patch(client, poll, options=texts(poll, "red", "green", "violet"), closesAt=ahead)
    await act(client, "reopen", poll)

    rows = await history(client, poll)

    assert [set(row) for row in rows] == [{"at", "change", "from", "to"}] * 4
    moments = [row["at"] for row in rows]
    assert moments == sorted(moments)
    assert all(moment.endswith("Z") for moment in moments)
    before = [{**one, "pollId": poll["id"]} for one in texts(poll, "red", "green", "blue")]
    after = [{**one, "pollId": poll["id"]} for one in texts(poll, "red", "green", "violet")]
    assert changes(rows) == [
        (
            "updated",
            {"question": poll["question"], "maxChoices": 1},
            {"question": "Which?", "maxChoices": 2},
        ),
        ("closed", {"status": "open"}, {"status": "closed"}),
        (
            "updated",
            {"options": before, "closesAt": None},
            {"options": after, "closesAt": ahead},
        ),
        ("reopened", {"status": "closed"}, {"status": "open"}),
    ]
    missing = await client.get(f"/api/poll/poll-history/{nobody}", headers=bearer(other))
    assert missing.json()["code"] == "poll_not_found"


async def test_changes_at_the_same_time_each_leave_a_row(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    poll = await create_poll(client, owner)
    async with served(create_app(settings)) as second:
        answers = await asyncio.gather(
            *[patch((client, second)[n % 2], poll, question=f"Q{n}?") for n in range(12)]
        )
        assert {one.status_code for one in answers} == {200}
        rows = await history(client, poll)
        assert len(rows) == 12
        asked = [row["from"]["question"] for row in rows]
        answered = [row["to"]["question"] for row in rows]
        assert asked[1:] == answered[:-1]
        for instance in (client, second):
            assert (await look(instance, poll, other))["question"] == answered[-1]


async def test_no_edit_slips_past_the_first_vote(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    """Either the edit came first and its words were voted on, or the vote did and they stay."""
    async with served(create_app(settings)) as second:
        for _ in range(15):
            poll = await create_poll(client, owner)
            edit, cast = await asyncio.gather(
                patch(second, poll, question="Another?", results="after_close"),
                vote(client, poll, 0, other),
            )
            assert cast.status_code == 201
            rows = await history(client, poll)
            if edit.status_code == 200:
                assert len(rows) == 1
            else:
                assert edit.json()["code"] == "poll_has_votes"
                assert rows == []
            again = await patch(client, poll, question="A third?")
            assert again.json()["code"] == "poll_has_votes"


async def test_anybody_may_duplicate_a_poll(client: httpx.AsyncClient) -> None:
    settings = {
        "closesAt": ahead,
        "minChoices": 2,
        "maxChoices": 3,
        "results": "owner",
        "allowVoteChange": True,
        "visibility": "unlisted",
    }
    poll = await create_poll(client, owner, **settings)
    ballot = {"optionIds": [option(poll, 0), option(poll, 1)]}
    await client.put(f"/api/poll/ballot/{poll['id']}", json=ballot, headers=bearer(other))
    await act(client, "close", poll)

    path = f"/api/poll/duplicate-poll/{poll['id'].upper()}"
    answer = await client.post(path, headers=bearer(other))

    copy = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Location"].endswith(f"/api/poll/get-poll-by-id/{copy['id']}")
    assert {name: copy[name] for name in settings} == settings
    assert (copy["question"], copy["userId"]) == (poll["question"], other)
    assert copy["status"] == "open"
    assert [one["text"] for one in copy["options"]] == ["red", "green", "blue"]
    assert {one["pollId"] for one in copy["options"]} == {copy["id"]}
    ids = [one["id"] for one in (*poll["options"], *copy["options"])]
    assert len(set(ids)) == 6
    seen = await look(client, copy, other)
    assert (seen["votersCount"], seen["counts"]["likes"], seen["userVotes"]) == (0, 0, [])
    assert await history(client, copy) == []
    assert (await patch(client, copy, other, question="Another?")).status_code == 200


async def test_a_copy_of_an_ended_poll_has_no_deadline(client: httpx.AsyncClient) -> None:
    poll = await poll_past_its_deadline(client)

    path = f"/api/poll/duplicate-poll/{poll['id']}"
    copy = (await client.post(path, headers=bearer(other))).json()
    missing = await client.post(f"/api/poll/duplicate-poll/{nobody}", headers=bearer(other))

    assert (copy["status"], copy["closesAt"]) == ("open", None)
    assert missing.json()["code"] == "poll_not_found"


async def test_nothing_answers_for_a_deleted_poll(
    client: httpx.AsyncClient, services: Services, settings: Settings
) -> None:
    poll = await create_poll(client, owner, allowVoteChange=True)
    async with served(create_app(settings)) as second:
        for instance in (client, second):
            await look(instance, poll, other)
        await vote(client, poll, 0, other)
        await client.put(f"/api/poll/like-poll/{poll['id']}", headers=bearer(other))
        await patch(client, poll, visibility="unlisted")
        path = f"/api/poll/delete-poll/{poll['id']}"

        gone = await client.delete(path, headers=bearer(owner))

        assert (gone.status_code, gone.content) == (204, b"")
        assert (await client.delete(path, headers=bearer(owner))).json()["code"] == "poll_not_found"
        requests = [
            ("GET", "get-poll-by-id", ""),
            ("POST", "vote-on-poll", f"/{option(poll, 0)}"),
            ("GET", "ballot", ""),
            ("PUT", "ballot", ""),
            ("DELETE", "ballot", ""),
            ("POST", "like-poll", ""),
            ("PUT", "like-poll", ""),
            ("DELETE", "like-poll", ""),
            ("PATCH", "update-poll", ""),
            ("POST", "close-poll", ""),
            ("POST", "reopen-poll", ""),
            ("DELETE", "delete-poll", ""),
            ("GET", "poll-timeline", ""),
            ("GET", "export-poll", ""),
            ("POST", "duplicate-poll", ""),
            ("GET", "poll-history", ""),
        ]
        for instance in (client, second):
            for method, name, rest in requests:
                body = {"PUT": {"optionIds": [option(poll, 0)]}, "PATCH": {}}.get(method)
                answer = await instance.request(
                    method,
                    f"/api/poll/{name}/{poll['id']}{rest}",
                    json=body if name in ("ballot", "update-poll") else None,
                    headers=bearer(other),
                )
                assert (answer.status_code, answer.json()["code"]) == (404, "poll_not_found"), name
            listed = await instance.get(
                f"/api/poll/get-poll-by-user-id/{owner}", headers=bearer(owner)
            )
            assert listed.json() == []
    database = services.mongo[settings.database_name]
    for name in ("poll", "vote", "like", "poll_change"):
        assert await database[name].count_documents({}) == 0, name
    keys = await services.redis.call("KEYS", f"{settings.api_redis_prefix}*{poll['id']}*")
    assert [one for one in keys if "option" in str(one) or "likes" in str(one)] == []
