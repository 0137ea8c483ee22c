"""Ballots: cast, repeated, changed, taken back."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from secrets import token_hex

import httpx

from quickpoll.composition import Services
from quickpoll.factory import create_app
from quickpoll.settings import Settings
from tests.builders import create_poll, look, option, vote
from tests.conftest import bearer, served


async def test_a_vote_is_counted_and_repeating_it_is_safe(client: httpx.AsyncClient) -> None:
    poll, user = await create_poll(client, token_hex(12)), token_hex(12)

    first, again = await vote(client, poll, 1, user), await vote(client, poll, 1, user)

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    seen = await look(client, poll, user)
    assert seen["counts"] == {
        "likes": 0,
        option(poll, 0): 0,
        option(poll, 1): 1,
        option(poll, 2): 0,
    }
    assert list(seen["counts"]) == ["likes", *(one["id"] for one in poll["options"])]
    assert (seen["votersCount"], seen["votesCount"]) == (1, 1)
    assert seen["userHasVoted"] == option(poll, 1)
    assert seen["userVotes"] == [option(poll, 1)]


async def test_another_vote_is_refused_with_the_present_one(client: httpx.AsyncClient) -> None:
    poll, user = await create_poll(client, token_hex(12)), token_hex(12)
    await vote(client, poll, 0, user)

    other = await vote(client, poll, 1, user)

    assert (other.status_code, other.json()["code"]) == (409, "already_voted")
    assert other.json()["optionIds"] == [option(poll, 0)]


async def test_one_user_many_times_at_once_has_one_ballot(client: httpx.AsyncClient) -> None:
    poll, user = await create_poll(client, token_hex(12)), token_hex(12)

    answers = await asyncio.gather(*[vote(client, poll, 0, user) for _ in range(100)])

    assert Counter(one.status_code for one in answers) == {201: 1, 200: 99}
    assert len({one.json()["id"] for one in answers}) == 1
    assert (await look(client, poll, user))["votersCount"] == 1


async def test_a_ballot_of_several_choices(client: httpx.AsyncClient) -> None:
    poll = await create_poll(
        client, token_hex(12), minChoices=2, maxChoices=2, allowVoteChange=True
    )
    user = bearer(token_hex(12))
    path = f"/api/poll/ballot/{poll['id']}"

    assert (await client.get(path, headers=user)).json()["code"] == "not_found"
    assert (await client.delete(path, headers=user)).status_code == 204
    few = await client.put(path, json={"optionIds": [option(poll, 0)]}, headers=user)
    assert (few.status_code, few.json()["code"]) == (422, "invalid_request")
    chosen = [option(poll, 2), option(poll, 0)]
    cast = await client.put(path, json={"optionIds": chosen}, headers=user)
    assert (cast.status_code, cast.json()["optionIds"]) == (201, chosen[::-1])
    same = await client.put(path, json={"optionIds": chosen[::-1]}, headers=user)
    assert (same.status_code, same.json()) == (200, cast.json())
    other = {"optionIds": [option(poll, 0), option(poll, 1)]}
    changed = await client.put(path, json=other, headers=user)
    assert (changed.status_code, changed.json()["id"]) == (200, cast.json()["id"])
    counts = (await look(client, poll, token_hex(12)))["counts"]
    assert [counts[option(poll, place)] for place in range(3)] == [1, 1, 0]
    assert (await client.delete(path, headers=user)).status_code == 204
    after = await look(client, poll, token_hex(12))
    assert (after["votersCount"], after["votesCount"]) == (0, 0)


async def test_who_took_it_back_may_vote_anew(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, token_hex(12), allowVoteChange=True)
    user = token_hex(12)
    ballot, like = f"/api/poll/ballot/{poll['id']}", f"/api/poll/like-poll/{poll['id']}"
    first = await vote(client, poll, 0, user)
    for path in (ballot, like):
        await client.put(like, headers=bearer(user))
        assert (await client.delete(path, headers=bearer(user))).status_code in (200, 204)
    assert (await client.get(ballot, headers=bearer(user))).status_code == 404
    assert (await look(client, poll, user))["userHasLiked"] is False

    again = await vote(client, poll, 1, user)
    assert again.status_code == 201
    assert again.json()["id"] != first.json()["id"]
    seen = await look(client, poll, user)
    assert (seen["votersCount"], seen["counts"]["likes"]) == (1, 0)


async def test_a_vote_that_must_stay_cannot_be_taken_back(client: httpx.AsyncClient) -> None:
    poll, user = await create_poll(client, token_hex(12)), token_hex(12)
    await vote(client, poll, 0, user)

    answer = await client.delete(f"/api/poll/ballot/{poll['id']}", headers=bearer(user))

    assert (answer.status_code, answer.json()["code"]) == (409, "vote_change_not_allowed")


async def test_what_there_is_not(client: httpx.AsyncClient) -> None:
    poll, user = await create_poll(client, token_hex(12)), bearer()
    nobody = "0" * 24

    no_poll = await client.post(f"/api/poll/vote-on-poll/{nobody}/{nobody}", headers=user)
    no_option = await client.post(f"/api/poll/vote-on-poll/{poll['id']}/{nobody}", headers=user)
    no_id = await client.post(f"/api/poll/vote-on-poll/{poll['id']}/x", headers=user)
    upper = f"/api/poll/vote-on-poll/{poll['id'].upper()}/{option(poll, 0).upper()}"

    assert (no_poll.status_code, no_poll.json()["code"]) == (404, "poll_not_found")
    assert (no_option.status_code, no_option.json()["code"]) == (404, "option_not_found")
    assert (no_id.status_code, no_id.json()["code"]) == (422, "invalid_request")
    assert (await client.post(upper, headers=user)).json()["pollId"] == poll["id"]


async def test_a_deadline_is_exact_and_a_standing_vote_may_be_repeated(
    client: httpx.AsyncClient,
) -> None:
    closes_at = datetime.now(UTC) + timedelta(seconds=0.6)
    poll = await create_poll(client, token_hex(12), closesAt=closes_at.isoformat())
    user = token_hex(12)
    assert (await vote(client, poll, 0, user)).status_code == 201

    while datetime.now(UTC) < closes_at:  # noqa: ASYNC110 - the server's clock is this one
        await asyncio.sleep(0.01)

    late = await vote(client, poll, 0, token_hex(12))
    assert (late.status_code, late.json()["code"]) == (409, "poll_closed")
    assert (await vote(client, poll, 0, user)).status_code == 200
    assert (await look(client, poll, user))["status"] == "closed"


async def test_a_storm_of_changes_over_two_instances_counts_exactly(
    client: httpx.AsyncClient, services: Services, settings: Settings
) -> None:
    async with served(create_app(settings)) as second:
        poll = await create_poll(client, token_hex(12), allowVoteChange=True, maxChoices=2)
        path = f"/api/poll/ballot/{poll['id']}"
        users = [token_hex(12) for _ in range(6)]

        async def act(step: int) -> int:
            instance = (client, second)[step % 2]
            user = bearer(users[step % 6])
            if step % 7 == 0:
                return (await instance.delete(path, headers=user)).status_code
            chosen = sorted({option(poll, step % 3), option(poll, step % 4 % 3)})
            answer = await instance.put(path, json={"optionIds": chosen}, headers=user)
            return answer.status_code

        statuses = await asyncio.gather(*[act(step) for step in range(120)])

        assert set(statuses) <= {200, 201, 204}
        counted = await services.census.count(poll["id"])
        assert counted is not None
        for instance in (client, second):
            seen = await look(instance, poll, users[0])
            assert seen["counts"] == {"likes": 0, **counted.options}
            assert seen["votersCount"] == counted.voters


async def test_likes_count_once(client: httpx.AsyncClient) -> None:
    poll, user = await create_poll(client, token_hex(12)), bearer(token_hex(12))
    path = f"/api/poll/like-poll/{poll['id']}"

    told = [
        (await client.request(method, path, headers=user)).json()
        for method in ("POST", "POST", "PUT", "PUT", "DELETE", "DELETE")
    ]

    assert [one["liked"] for one in told] == [True, False, True, True, False, False]
    assert [one["likes"] for one in told] == [1, 0, 1, 1, 0, 0]
    gone = await client.put(f"/api/poll/like-poll/{'0' * 24}", headers=user)
    assert gone.json()["code"] == "poll_not_found"


async def test_first_votes_on_many_polls_at_once_lock_each(client: httpx.AsyncClient) -> None:
    owner, voter = token_hex(12), token_hex(12)
    polls = [await create_poll(client, owner) for _ in range(8)]
    votes = await asyncio.gather(*[vote(client, poll, 0, voter) for poll in polls])
    assert [one.status_code for one in votes] == [201] * 8

    for poll in polls:
        change = {"question": "Which colour, really?"}
        path = f"/api/poll/update-poll/{poll['id']}"
        answer = await client.patch(path, json=change, headers=bearer(owner))
        assert (answer.status_code, answer.json()["code"]) == (409, "poll_has_votes")


async def test_an_edit_is_noticed_by_whoever_locks_many(
    client: httpx.AsyncClient, services: Services
) -> None:
    owner = token_hex(12)
    polls = [await create_poll(client, owner) for _ in range(2)]
    known = [(await services.polls.fresh(poll["id"])).poll for poll in polls]
    edited = await client.patch(
        f"/api/poll/update-poll/{polls[0]['id']}", json={"question": "New?"}, headers=bearer(owner)
    )
    assert edited.status_code == 200

    assert not await services.polls.lock_all(known)
    fresh = (await services.polls.fresh(polls[0]["id"])).poll
    assert await services.polls.lock_all([fresh, known[1]])
    assert fresh.voted_on
