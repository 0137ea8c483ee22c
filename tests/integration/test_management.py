"""What its owner may do to a poll, what the first vote fixes, and the history of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from bson import ObjectId

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
        "context": {"room": "blue", "talk_7": "Ünï"},
    }

    answer = await patch(client, poll, **fields)

    assert answer.status_code == 200
    expected = {**poll, **fields, "question": "Another?", "closesAt": ahead}
    expected["options"] = [{**one, "pollId": poll["id"]} for one in fields["options"]]
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


async def test_what_is_no_list_of_options(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner)
    three = texts(poll, "a", "b", "c")
    refused: list[tuple[list[dict[str, str]], str]] = [
        (three[:1], "options"),
        ([{"text": f"option {n}"} for n in range(51)], "options"),
        ([*three, {"id": nobody, "text": "d"}], "options.3.id"),
        ([{"id": nobody, "text": "c"}, *three[:2]], "options.0.id"),
        ([*three[:2], {**three[0], "text": "c"}], "options.2.id"),
        ([*three[:2], {"id": "x", "text": "c"}], "options.2.id"),
        ([*three[:2], {"id": "", "text": "c"}], "options.2.id"),
        ([*three[:2], {"id": option(poll, 2)}], "options.2.text"),
        ([*three[:2], {"id": option(poll, 2), "text": "A"}], "options.2.text"),
        ([*three[:2], {"text": "A"}], "options.2.text"),
        ([*three[:2], {"text": "c", "pollId": poll["id"]}], "options.2.pollId"),
    ]
    for options, blamed in refused:
        answer = await patch(client, poll, options=options)
        assert answer.status_code == 422, options
        assert [one["field"] for one in answer.json()["errors"]] == [blamed]
    assert (await look(client, poll, owner))["options"] == poll["options"]


async def test_options_may_be_a_new_list_while_nobody_has_voted(
    client: httpx.AsyncClient, services: Services, settings: Settings
) -> None:
    poll = await create_poll(client, owner)
    kept = [{"id": option(poll, n), "text": text} for n, text in ((2, "blue"), (0, "rosy"))]
    async with served(create_app(settings)) as second:
        for instance in (client, second):
            await look(instance, poll, other)  # both have the poll in memory
        answer = await patch(client, poll, options=[{"text": "new"}, *kept, {"text": "red"}])

        changed = answer.json()
        assert answer.status_code == 200
        assert [one["text"] for one in changed["options"]] == ["new", "blue", "rosy", "red"]
        assert [one["id"] for one in changed["options"][1:3]] == [one["id"] for one in kept]
        ids = [one["id"] for one in changed["options"]]
        assert len({*ids, option(poll, 1)}) == 5
        for instance in (second, client):
            seen = await look(instance, poll, other)
            assert seen["options"] == changed["options"]
            assert seen["counts"] == {"likes": 0, **dict.fromkeys(ids, 0)}
        gone = await vote(client, poll, 1, other)
        assert (gone.status_code, gone.json()["code"]) == (404, "option_not_found")
        assert (await vote(second, changed, 3, other)).status_code == 201
        assert (await look(client, poll, owner))["counts"] == {
            "likes": 0,
            **dict.fromkeys(ids, 0),
            ids[3]: 1,
        }
    name = services.counters.keys.option
    plain = [await services.redis.call("GET", name(poll["id"], one)) for one in ids]
    assert plain == ["0", "0", "0", "1"]
    assert await services.redis.call("EXISTS", name(poll["id"], option(poll, 1))) == 0
    rows = await history(client, poll)
    assert changes(rows) == [
        ("updated", {"options": poll["options"]}, {"options": changed["options"]})
    ]


async def option_keys(services: Services, poll: Poll) -> set[str]:
    """The options that have a plain counter in Redis."""
    start = services.counters.keys.option(poll["id"], "")
    found = await services.redis.call("KEYS", f"{start}*")
    return {name.removeprefix(start) for name in found}


async def test_a_recount_that_began_before_a_new_list_does_not_put_the_old_one_back(
    client: httpx.AsyncClient, services: Services
) -> None:
    poll = await create_poll(client, owner)
    scripts = services.counters.scripts
    closed = await scripts.close_barrier(poll["id"], "a recount", wait=False)
    counted = await services.census.count(poll["id"])
    assert counted is not None

    changed = (await patch(client, poll, options=[*texts(poll, "a"), {"text": "b"}])).json()
    again = await scripts.open_barrier(poll["id"], closed.barrier, counted, (), (0, 0))
    await services.rebuilder.recount(poll["id"])

    ids = [one["id"] for one in changed["options"]]
    state = (await services.counters.read([poll["id"]]))[poll["id"]]
    assert again == -1
    assert state is not None
    assert set(state.options) == set(ids) == await option_keys(services, poll)
    assert (await look(client, poll, other))["counts"] == {"likes": 0, **dict.fromkeys(ids, 0)}


async def test_a_recount_finds_a_new_list_that_redis_was_not_told(
    client: httpx.AsyncClient, services: Services
) -> None:
    poll = await create_poll(client, owner)
    known = await services.polls.fresh(poll["id"])
    kept = known.poll.options[1].model_dump_doc()
    new = {"id": ObjectId(), "text": "new"}
    assert await services.polls.change(known.poll, {"options": [kept, new]}) is not None

    assert await services.rebuilder.recount(poll["id"]) == 0

    ids = {option(poll, 1), str(new["id"])}
    assert await option_keys(services, poll) == ids
    assert (await look(client, poll, other))["counts"] == {"likes": 0, **dict.fromkeys(ids, 0)}


async def test_fewer_options_must_be_enough_for_the_choices(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, maxChoices=3)
    two = texts(poll, "red", "green")

    refused = await patch(client, poll, options=two)
    at_once = await patch(client, poll, options=two, maxChoices=2)
    more = await patch(client, poll, options=[*two, {"text": "blue"}], maxChoices=3)

    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "maxChoices")
    assert (at_once.status_code, more.status_code) == (200, 200)
    assert len(more.json()["options"]) == more.json()["maxChoices"] == 3


async def test_a_new_list_of_options_and_the_first_vote(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    """Whichever comes first: no ballot is for an option that the poll does not have."""
    async with served(create_app(settings)) as second:
        for _ in range(15):
            poll = await create_poll(client, owner)
            edit, cast = await asyncio.gather(
                patch(second, poll, options=[*texts(poll, "red"), {"text": "new"}]),
                vote(client, poll, 1, other),
            )
            seen = await look(client, poll, owner)
            if edit.status_code == 200:
                assert (cast.status_code, cast.json()["code"]) == (404, "option_not_found")
                assert (len(seen["counts"]), seen["votersCount"]) == (3, 0)
            else:
                assert (edit.json()["code"], cast.status_code) == ("poll_has_votes", 201)
                assert seen["counts"][option(poll, 1)] == 1


async def test_the_counts_of_a_new_list_after_redis_has_lost_everything(
    client: httpx.AsyncClient, services: Services
) -> None:
    poll = await create_poll(client, owner)
    await services.redis.call("DEL", services.counters.keys.state(poll["id"]))

    changed = (await patch(client, poll, options=[*texts(poll, "a"), {"text": "b"}])).json()

    ids = [one["id"] for one in changed["options"]]
    assert (await look(client, poll, other))["counts"] == {"likes": 0, **dict.fromkeys(ids, 0)}
    await services.rebuilder.recount(poll["id"])
    assert (await look(client, poll, other))["counts"] == {"likes": 0, **dict.fromkeys(ids, 0)}
    state = (await services.counters.read([poll["id"]]))[poll["id"]]
    assert state is not None
    assert set(state.options) == set(ids)


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
        ({"options": texts(poll, "red", "green", "blue")[::-1]}, "poll_has_votes"),
        ({"options": texts(poll, "red", "green")}, "poll_has_votes"),
        ({"options": [*texts(poll, "red", "green", "blue"), {"text": "x"}]}, "poll_has_votes"),
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
        {"options": texts(poll, "red", "green", "blue")},
        {"context": {"room": "blue"}},
        {"context": {"room": "red", "talk": "7"}},
        {"context": {"talk": "7", "room": "red"}},
        {"context": {}},
    ]

    for fields in allowed:
        assert (await patch(client, poll, **fields)).status_code == 200, fields
    rows = await history(client, poll)
    assert len(rows) == 10
    assert changes(rows)[8] == (
        "updated",
        {"context": {"room": "blue"}},
        {"context": {"room": "red", "talk": "7"}},
    )
    await act(client, "close", poll)
    assert (await patch(client, poll, context={"a": "b"})).json()["context"] == {"a": "b"}


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
    began = datetime.now(UTC)
    first = await act(client, "close", poll)
    moment = first["closedAt"]
    closed = {**poll, "status": "closed", "closedAt": moment}
    assert first == closed == await act(client, "close", poll)
    assert (await look(client, poll, other))["closedAt"] == moment
    written = datetime.fromisoformat(moment) + timedelta(milliseconds=1)
    assert moment.endswith("Z")
    assert began < written < datetime.now(UTC) + timedelta(milliseconds=1)
    refused = await vote(client, poll, 0, other)
    assert (refused.status_code, refused.json()["code"]) == (409, "poll_closed")
    assert [await act(client, "reopen", poll) for _ in range(2)] == [poll, poll]
    assert (await vote(client, poll, 0, other)).status_code == 201
    rows = await history(client, poll)
    was_open, was_closed = (
        {"status": "open", "closedAt": None},
        {"status": "closed", "closedAt": moment},
    )
    assert changes(rows) == [
        ("closed", was_open, was_closed),
        ("reopened", was_closed, was_open),
    ]
    assert rows[0]["at"] == moment


async def test_reopening_clears_a_deadline_that_has_passed(client: httpx.AsyncClient) -> None:
    poll = await poll_past_its_deadline(client)
    seen = await look(client, poll, other)
    assert (seen["status"], seen["closedAt"]) == ("closed", poll["closesAt"])
    assert (await act(client, "close", poll))["closesAt"] == poll["closesAt"]

    opened = await act(client, "reopen", poll)

    assert (opened["status"], opened["closesAt"]) == ("open", None)
    assert (await vote(client, poll, 0, other)).status_code == 201
    was = {"status": "closed", "closedAt": poll["closesAt"]}
    assert changes(await history(client, poll)) == [
        ("closed", {"status": "open", "closedAt": None}, was),
        (
            "reopened",
            {**was, "closesAt": poll["closesAt"]},
            {"status": "open", "closedAt": None, "closesAt": None},
        ),
    ]


async def test_a_deadlines_close_has_its_row_at_once(client: httpx.AsyncClient) -> None:
    poll = await poll_past_its_deadline(client)
    path = f"/api/poll/poll-history/{poll['id']}"

    for _ in range(2):  # before and after it was written down
        rows = (await client.get(path, headers=bearer(owner))).json()
        assert rows == [
            {
                "at": poll["closesAt"],
                "change": "closed",
                "from": {"status": "open", "closedAt": None},
                "to": {"status": "closed", "closedAt": poll["closesAt"]},
                "by": {"type": "service", "id": None},
            }
        ]
        await act(client, "close", poll)


async def test_who_has_changed_a_poll_is_told_to_owner_and_admin(client: httpx.AsyncClient) -> None:
    poll, own = await create_poll(client, owner), await create_poll(client, admin)
    headers = bearer(admin, roles=["admin"])
    await patch(client, poll, question="One?")
    for one in (poll, own):
        path = f"/api/poll/update-poll/{one['id']}"
        await client.patch(path, json={"question": "Two?"}, headers=headers)

    rows = {}
    for one in (poll, own):
        path = f"/api/poll/poll-history/{one['id']}"
        rows[one["id"]] = (await client.get(path, headers=headers)).json()
    path = f"/api/poll/poll-history/{poll['id']}"
    assert (await client.get(path, headers=bearer(owner))).json() == rows[poll["id"]]
    assert [row["by"] for row in rows[poll["id"]]] == [
        {"type": "user", "id": owner},
        {"type": "admin", "id": admin},
    ]
    assert [row["by"] for row in rows[own["id"]]] == [{"type": "user", "id": admin}]
    assert all("by" not in row for row in await history(client, poll))


async def test_a_poll_closed_by_hand_and_by_its_deadline_reopens(client: httpx.AsyncClient) -> None:
    closes_at = datetime.now(UTC) + timedelta(milliseconds=400)
    poll = await create_poll(client, owner, closesAt=closes_at.isoformat())
    assert (await act(client, "close", poll))["status"] == "closed"
    while datetime.now(UTC) < closes_at:  # noqa: ASYNC110 - the server's clock is this one
        await asyncio.sleep(0.01)

    opened = await act(client, "reopen", poll)

    assert (opened["status"], opened["closesAt"]) == ("open", None)


async def test_what_a_deadline_has_closed_is_opened_by_nothing_but_reopen(
    client: httpx.AsyncClient,
) -> None:
    poll = await poll_past_its_deadline(client)
    assert (await patch(client, poll, closesAt=poll["closesAt"])).status_code == 200

    later = (await patch(client, poll, closesAt=ahead)).json()

    assert (later["status"], later["closesAt"]) == ("closed", ahead)
    assert later["closedAt"] == poll["closesAt"]
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
    was_open = {"status": "open", "closedAt": None}
    was_closed = {"status": "closed", "closedAt": moments[1]}
    assert changes(rows) == [
        (
            "updated",
            {"question": poll["question"], "maxChoices": 1},
            {"question": "Which?", "maxChoices": 2},
        ),
        ("closed", was_open, was_closed),
        (
            "updated",
            {"options": before, "closesAt": None},
            {"options": after, "closesAt": ahead},
        ),
        ("reopened", was_closed, was_open),
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
        "context": {"room": "blue"},
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
