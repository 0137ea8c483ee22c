"""The ballot as a resource, and the like: what is taken, what is refused, who hears what."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any

import httpx
import pytest

from quickpoll.factory import create_app
from quickpoll.settings import Settings
from tests.builders import create_poll, look, option, vote
from tests.conftest import bearer, served

owner, voter, other = (f"65f1c0ffee0000000000a10{n}" for n in range(3))
nobody = "0" * 24

Poll = dict[str, Any]


def address(poll: Poll) -> str:
    return f"/api/poll/ballot/{poll['id']}"


async def put(
    client: httpx.AsyncClient, poll: Poll, *places: int, user: str = voter
) -> httpx.Response:
    ballot = {"optionIds": [option(poll, place) for place in places]}
    return await client.put(address(poll), json=ballot, headers=bearer(user))


async def take_back(client: httpx.AsyncClient, poll: Poll, user: str = voter) -> httpx.Response:
    return await client.delete(address(poll), headers=bearer(user))


def said(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code")


async def test_a_ballot_has_every_field(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, maxChoices=3)

    cast = (await put(client, poll, 2, 1)).json()

    assert len(cast["id"]) == 24
    assert datetime.fromisoformat(cast["createdAt"]) <= datetime.now(UTC)
    assert cast["createdAt"].endswith("Z")
    assert cast == {
        "id": cast["id"],
        "userId": voter,
        "optionId": option(poll, 1),
        "optionIds": [option(poll, 1), option(poll, 2)],
        "pollId": poll["id"],
        "createdAt": cast["createdAt"],
    }
    assert (await client.get(address(poll), headers=bearer(voter))).json() == cast
    assert said(await client.get(address(poll), headers=bearer(other))) == (404, "not_found")


async def test_single_choice_polls_have_ballots_too(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner)

    cast = await put(client, poll, 1)
    by_vote = await vote(client, poll, 1, voter)

    assert (cast.status_code, by_vote.status_code) == (201, 200)
    assert by_vote.json() == cast.json()
    assert said(await put(client, poll, 0)) == (409, "already_voted")


bad_ballots: dict[str, tuple[Any, int, str]] = {
    "nothing": ({}, 422, "optionIds"),
    "null": ({"optionIds": None}, 422, "optionIds"),
    "no list": ({"optionIds": nobody}, 422, "optionIds"),
    "empty": ({"optionIds": []}, 422, "optionIds"),
    "no id": ({"optionIds": ["red"]}, 422, "optionIds.0"),
    "a number": ({"optionIds": [1]}, 422, "optionIds.0"),
    "an object": ({"optionIds": [{}]}, 422, "optionIds.0"),
    "too many": ({"optionIds": [f"{n:024x}" for n in range(51)]}, 422, "optionIds"),
    "unknown field": ({"optionIds": [nobody], "optionId": nobody}, 422, "optionId"),
    "snake case": ({"option_ids": [nobody]}, 422, "optionIds"),
    "list": ([nobody], 422, "body"),
    "of no option": ({"optionIds": [nobody]}, 404, "option_not_found"),
}


@pytest.mark.parametrize("case", bad_ballots.values(), ids=bad_ballots.keys())
async def test_a_bad_ballot(client: httpx.AsyncClient, case: tuple[Any, int, str]) -> None:
    body, status, blamed = case
    poll = await create_poll(client, owner)

    answer = await client.put(address(poll), json=body, headers=bearer(voter))

    assert answer.status_code == status
    errors = answer.json().get("errors", [{"field": answer.json()["code"]}])
    assert blamed in [one["field"] for one in errors]
    assert said(await client.get(address(poll), headers=bearer(voter))) == (404, "not_found")


async def test_an_option_may_be_named_once_only(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, maxChoices=3)
    twice = {"optionIds": [option(poll, 0), option(poll, 0).upper()]}

    answer = await client.put(address(poll), json=twice, headers=bearer(voter))

    assert said(answer) == (422, "invalid_request")
    assert [one["field"] for one in answer.json()["errors"]] == ["optionIds.1"]


async def test_an_option_of_another_poll_is_none_of_this(client: httpx.AsyncClient) -> None:
    poll, another = [await create_poll(client, owner, maxChoices=2) for _ in range(2)]
    mixed = {"optionIds": [option(poll, 0), option(another, 0)]}

    assert said(await client.put(address(poll), json=mixed, headers=bearer(voter))) == (
        404,
        "option_not_found",
    )
    path = f"/api/poll/vote-on-poll/{poll['id']}/{option(another, 0)}"
    assert said(await client.post(path, headers=bearer(voter))) == (404, "option_not_found")


async def test_as_many_choices_as_the_poll_allows(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, minChoices=2, maxChoices=3, texts=("a", "b", "c", "d"))
    for places in ((0,), (0, 1, 2, 3)):
        answer = await put(client, poll, *places)
        assert said(answer) == (422, "invalid_request")
        assert [one["field"] for one in answer.json()["errors"]] == ["optionIds"]
    assert said(await vote(client, poll, 0, voter)) == (422, "invalid_request")
    assert (await put(client, poll, 0, 3)).status_code == 201


async def test_one_vote_is_a_ballot_where_one_choice_is_enough(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, maxChoices=3)

    cast = await vote(client, poll, 2, voter)

    assert (cast.status_code, cast.json()["optionIds"]) == (201, [option(poll, 2)])
    refused = await put(client, poll, 0, 2)
    assert said(refused) == (409, "already_voted")
    assert refused.json()["optionIds"] == [option(poll, 2)]


async def test_a_ballot_may_change_where_the_poll_says_so(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, allowVoteChange=True)
    cast = (await vote(client, poll, 0, voter)).json()

    changed = await vote(client, poll, 1, voter)

    assert changed.status_code == 200
    moved = {"optionId": option(poll, 1), "optionIds": [option(poll, 1)]}
    assert changed.json() == {**cast, **moved}
    seen = await look(client, poll, voter)
    assert (seen["votersCount"], seen["userVotes"]) == (1, [option(poll, 1)])
    assert [seen["counts"][option(poll, n)] for n in range(3)] == [0, 1, 0]


async def test_a_ballot_that_was_taken_back_may_be_cast_anew(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, allowVoteChange=True)
    first = (await put(client, poll, 0)).json()

    answers = [await take_back(client, poll) for _ in range(2)]

    assert [(one.status_code, one.content) for one in answers] == [(204, b"")] * 2
    assert said(await client.get(address(poll), headers=bearer(voter))) == (404, "not_found")
    again = await put(client, poll, 0)
    assert again.status_code == 201
    assert again.json()["id"] != first["id"]


async def test_taking_back_where_votes_must_stay(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner)
    await put(client, poll, 0)

    assert said(await take_back(client, poll)) == (409, "vote_change_not_allowed")
    assert (await take_back(client, poll, other)).status_code == 204
    missing = await client.delete(f"/api/poll/ballot/{nobody}", headers=bearer(voter))
    assert said(missing) == (404, "poll_not_found")


async def test_a_closed_poll_takes_nothing_and_gives_nothing_back(
    client: httpx.AsyncClient,
) -> None:
    poll = await create_poll(client, owner, allowVoteChange=True)
    await put(client, poll, 0)
    await client.post(f"/api/poll/close-poll/{poll['id']}", headers=bearer(owner))

    assert said(await put(client, poll, 1)) == (409, "poll_closed")
    assert said(await put(client, poll, 1, user=other)) == (409, "poll_closed")
    assert said(await take_back(client, poll)) == (409, "poll_closed")
    assert (await take_back(client, poll, other)).status_code == 204
    assert (await put(client, poll, 0)).status_code == 200
    assert (await client.get(address(poll), headers=bearer(voter))).status_code == 200
    no_option = await client.post(
        f"/api/poll/vote-on-poll/{poll['id']}/{nobody}", headers=bearer(voter)
    )
    assert said(no_option) == (404, "option_not_found")


async def test_reopened_polls_take_votes_again(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner)
    for name in ("close", "reopen"):
        await client.post(f"/api/poll/{name}-poll/{poll['id']}", headers=bearer(owner))
    assert (await vote(client, poll, 0, voter)).status_code == 201


async def test_the_first_vote_at_the_deadline_is_late(client: httpx.AsyncClient) -> None:
    """Every vote of a crowd is either before the deadline and counted, or refused."""
    closes_at = datetime.now(UTC) + timedelta(milliseconds=400)
    poll = await create_poll(client, owner, closesAt=closes_at.isoformat())
    deadline = poll["closesAt"]
    taken, statuses = [], Counter[int]()

    while statuses[409] < 20:
        answer = await vote(client, poll, 0, token_hex(12))
        statuses[answer.status_code] += 1
        if answer.status_code == 201:
            assert not statuses[409]
            taken.append(answer.json()["createdAt"])
        else:
            assert answer.json()["code"] == "poll_closed"

    assert set(statuses) == {201, 409}
    assert max(taken) < deadline
    assert (await look(client, poll, other))["votersCount"] == len(taken)


async def test_changes_by_one_user_at_once_leave_one_ballot(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, allowVoteChange=True)

    answers = await asyncio.gather(*[vote(client, poll, n % 3, voter) for n in range(60)])

    assert Counter(one.status_code for one in answers) == {201: 1, 200: 59}
    standing = (await client.get(address(poll), headers=bearer(voter))).json()
    seen = await look(client, poll, other)
    counted = {option(poll, n): seen["counts"][option(poll, n)] for n in range(3)}
    assert counted == {**dict.fromkeys(counted, 0), standing["optionId"]: 1}


async def test_toggles_at_once_take_turns(client: httpx.AsyncClient, settings: Settings) -> None:
    async with served(create_app(settings)) as second:
        poll = await create_poll(client, owner)
        path = f"/api/poll/like-poll/{poll['id']}"

        toggles = [(client, second)[n % 2].post(path, headers=bearer(voter)) for n in range(25)]
        answers = await asyncio.gather(*toggles)

        assert {one.status_code for one in answers} == {200}
        assert Counter(one.json()["liked"] for one in answers) == {True: 13, False: 12}
        for instance in (client, second):
            seen = await look(instance, poll, voter)
            assert (seen["userHasLiked"], seen["counts"]["likes"]) == (True, 1)


async def test_the_pair_and_the_toggle_at_once(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner)
    path = f"/api/poll/like-poll/{poll['id']}"
    methods = ("PUT", "POST", "DELETE") * 8

    answers = await asyncio.gather(
        *[client.request(method, path, headers=bearer(voter)) for method in methods]
    )

    told = {(method, one.json()["liked"]) for method, one in zip(methods, answers, strict=True)}
    assert {("PUT", False), ("DELETE", True)}.isdisjoint(told)
    seen = await look(client, poll, voter)
    assert seen["counts"]["likes"] == int(seen["userHasLiked"])


async def test_a_like_has_every_field_and_needs_no_open_poll(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, results="owner")
    await client.post(f"/api/poll/close-poll/{poll['id']}", headers=bearer(owner))

    path = f"/api/poll/like-poll/{poll['id'].upper()}"
    liked = await client.post(path, headers=bearer(voter))

    assert liked.json() == {"pollId": poll["id"], "userId": voter, "liked": True, "likes": 1}
    for method in ("POST", "PUT", "DELETE"):
        no_id = await client.request(method, "/api/poll/like-poll/x", headers=bearer(voter))
        missing = await client.request(
            method, f"/api/poll/like-poll/{nobody}", headers=bearer(voter)
        )
        assert said(no_id) == (422, "invalid_request")
        assert said(missing) == (404, "poll_not_found")


async def test_what_is_sent_in_vain_is_not_read(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner)
    path = f"/api/poll/vote-on-poll/{poll['id']}/{option(poll, 0)}"

    odd = await client.post(path, content=b"{not json", headers=bearer(voter))
    large = await client.post(path, content=b"x" * 65_537, headers=bearer(voter))

    assert odd.status_code == 201
    assert said(large) == (413, "payload_too_large")
