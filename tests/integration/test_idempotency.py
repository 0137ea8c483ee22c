"""Creating a poll under a key: once, however often and wherever it is asked for."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from bson import ObjectId

from quickpoll.composition import Services
from quickpoll.factory import create_app
from quickpoll.idempotency.models import KEPT_SECONDS, Claim
from quickpoll.idempotency.rules import digest_of
from quickpoll.settings import Settings
from tests.conftest import bearer, served

owner, other, admin = (f"65f1c0ffee0000000000f10{n}" for n in range(3))
create = "/api/poll/create-poll"
body: dict[str, Any] = {"question": "When?", "options": [{"text": "Mon"}, {"text": "Tue"}]}


async def post(
    client: httpx.AsyncClient,
    sent: Any = body,
    *,
    key: str | None = "k-1",
    user: str = owner,
    **claims: Any,
) -> httpx.Response:
    content = sent if isinstance(sent, str) else json.dumps(sent)
    headers = {**bearer(user, **claims), "Content-Type": "application/json"}
    if key is not None:
        headers["Idempotency-Key"] = key
    return await client.post(create, content=content, headers=headers)


async def polls_of(client: httpx.AsyncClient, user: str = owner) -> list[Any]:
    answer = await client.get(f"/api/poll/get-poll-by-user-id/{user}", headers=bearer(user))
    found: list[Any] = answer.json()
    return found


def is_replay(answer: httpx.Response) -> bool:
    return bool(answer.headers.get("Idempotent-Replayed") == "true")


async def test_the_same_again_is_the_same_poll(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    first = await post(client)
    assert (first.status_code, is_replay(first)) == (201, False)
    await client.patch(
        f"/api/poll/update-poll/{first.json()['id']}",
        json={"question": "Another?"},
        headers=bearer(owner),
    )

    async with served(create_app(settings)) as second:
        for instance in (client, second):
            again = await post(instance)
            assert (again.status_code, is_replay(again)) == (201, True)
            assert again.content == first.content
            assert again.headers["Location"] == first.headers["Location"]
    assert [one["id"] for one in await polls_of(client)] == [first.json()["id"]]


async def test_the_answer_is_the_same_over_a_restart(settings: Settings) -> None:
    answers = []
    for _ in range(2):
        async with served(create_app(settings)) as instance:
            answers.append(await post(instance))
    assert answers[0].content == answers[1].content
    assert [is_replay(one) for one in answers] == [False, True]


async def test_a_deleted_poll_is_answered_and_not_made_again(client: httpx.AsyncClient) -> None:
    first = await post(client)
    path = f"/api/poll/delete-poll/{first.json()['id']}"
    assert (await client.delete(path, headers=bearer(owner))).status_code == 204

    again = await post(client)

    assert (again.status_code, is_replay(again), again.content) == (201, True, first.content)
    assert await polls_of(client) == []


async def test_a_poll_that_was_deleted_before_its_claim_was_done_stays_deleted(
    client: httpx.AsyncClient, services: Services, settings: Settings
) -> None:
    first = await post(client)
    claims = services.mongo[settings.database_name]["claim"]
    await claims.update_one({}, {"$set": {"done": False}})  # it died before it could say so
    path = f"/api/poll/delete-poll/{first.json()['id']}"
    await client.delete(path, headers=bearer(owner))

    again = await post(client)

    assert (again.status_code, is_replay(again), again.content) == (201, True, first.content)
    assert await polls_of(client) == []


same_values = [
    '{"options":[{"text":"Mon"},{"text":"Tue"}],"question":"When?"}',
    ' {\n"question" : "W\\u0068en?", "options" : [ {"text":"Mon"}, {"text":"T\\u0075e"} ] } ',
]
other_values = [
    {**body, "question": "When? "},
    {**body, "minChoices": 1},
    {**body, "options": body["options"][::-1]},
    {**body, "context": {"a": "b"}},
]


async def test_bodies_are_compared_as_json_values(client: httpx.AsyncClient) -> None:
    first = await post(client)
    for text in same_values:
        assert (await post(client, text)).content == first.content
    for value in other_values:
        answer = await post(client, value)
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
        assert answer.headers["Content-Type"] == "application/problem+json"
    assert len(await polls_of(client)) == 1
    numbers = [await post(client, {**body, "maxChoices": n}, key="n") for n in (2, 2.0)]
    assert numbers[0].content == numbers[1].content


def test_which_values_are_the_same() -> None:
    assert digest_of({"a": [1, {"b": 2}]}) == digest_of({"a": [1.0, {"b": 2e0}]})
    different: list[Any] = [1, True, "1", None, [1], {"a": 1}, 1.5, 0, False, "", [], {}]
    assert len({digest_of(one) for one in different}) == len(different)


async def test_keys_are_a_users_own(client: httpx.AsyncClient) -> None:
    answers = [
        await post(client),
        await post(client, user=other),
        await post(client, key="K-1"),
        await post(client, key=None),
        await post(client, key=None),
    ]
    assert len({one.json()["id"] for one in answers}) == 5
    assert not any(map(is_replay, answers))


bad_keys = ["", " ", "a b", "a" * 65, "ä", "a\tb", "a\x7f"]


@pytest.mark.parametrize("key", bad_keys)
async def test_a_bad_key(client: httpx.AsyncClient, key: str) -> None:
    headers = httpx.Headers({**bearer(owner)}, encoding="latin-1")
    headers["Idempotency-Key"] = key
    answer = await client.post(create, json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert [one["field"] for one in answer.json()["errors"]] == ["Idempotency-Key"]
    assert await polls_of(client) == []


async def test_the_longest_key_and_two_of_them(client: httpx.AsyncClient) -> None:
    assert (await post(client, key='!"' + "~" * 62)).status_code == 201
    headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "b"), *bearer(owner).items()]
    twice = await client.post(create, json=body, headers=headers)
    assert (twice.status_code, twice.json()["errors"][0]["field"]) == (422, "Idempotency-Key")


async def test_refused_requests_keep_no_key(client: httpx.AsyncClient) -> None:
    refused: list[Any] = [
        "{",
        {**body, "question": ""},
        {**body, "closesAt": "2020-01-01T00:00:00Z"},
        {**body, "userId": owner},
    ]
    for value in refused:
        assert (await post(client, value)).status_code in (400, 403, 422)
    made = await post(client)
    assert (made.status_code, is_replay(made)) == (201, False)


async def test_a_deadline_that_has_passed_meanwhile_is_no_other_request(
    client: httpx.AsyncClient,
) -> None:
    closes_at = datetime.now(UTC) + timedelta(milliseconds=300)
    sent = {**body, "closesAt": closes_at.isoformat()}
    first = await post(client, sent)
    while datetime.now(UTC) < closes_at:  # noqa: ASYNC110 - the server's clock is this one
        await asyncio.sleep(0.01)

    again = await post(client, sent)

    assert (again.status_code, again.content) == (201, first.content)
    assert again.json()["status"] == "open"


async def test_the_same_at_the_same_time_is_one_poll(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    async with served(create_app(settings)) as second:
        for turn in range(5):
            key = f"turn-{turn}"
            answers = await asyncio.gather(
                *[post((client, second)[n % 2], key=key) for n in range(10)]
            )
            assert {one.status_code for one in answers} == {201}
            assert len({one.content for one in answers}) == 1
            assert [is_replay(one) for one in answers].count(False) == 1
    assert len(await polls_of(client)) == 5


async def test_what_died_after_its_claim_is_finished_by_the_same_again(
    client: httpx.AsyncClient, services: Services, settings: Settings
) -> None:
    first = await post(client)
    database = services.mongo[settings.database_name]
    poll = await database["poll"].find_one_and_delete({})
    await database["claim"].update_one({}, {"$set": {"done": False}})
    services.polls.forget(first.json()["id"])
    state = services.counters.keys.state(first.json()["id"])
    await services.redis.call("DEL", state)

    again = await post(client)
    third = await post(client)

    assert (again.status_code, is_replay(again), again.content) == (201, False, first.content)
    assert (is_replay(third), third.content) == (True, first.content)
    assert await database["poll"].find_one({}) == poll
    seen = (await polls_of(client))[0]
    assert set(seen["counts"].values()) == {0}


async def test_a_key_means_nothing_after_a_day(
    client: httpx.AsyncClient, services: Services, settings: Settings
) -> None:
    first = await post(client)
    claims = services.mongo[settings.database_name]["claim"]
    just_now = datetime.now(UTC) - timedelta(seconds=KEPT_SECONDS - 60)
    await claims.update_one({}, {"$set": {"createdAt": just_now}})
    assert (await post(client)).content == first.content
    await claims.update_one({}, {"$set": {"createdAt": just_now - timedelta(seconds=61)}})

    later = await post(client, {**body, "question": "Where?"})

    assert (later.status_code, is_replay(later)) == (201, False)
    assert len(await polls_of(client)) == 2
    indexes = await claims.index_information()
    assert indexes["age"]["expireAfterSeconds"] == KEPT_SECONDS == 24 * 3600
    assert indexes["one_claim"]["unique"]


async def test_administrators_have_keys_of_their_own(client: httpx.AsyncClient) -> None:
    sent = {**body, "userId": owner}
    answers = [await post(client, sent, user=admin, roles=["admin"]) for _ in range(2)]
    assert answers[0].content == answers[1].content
    assert answers[0].json()["userId"] == owner
    assert (await post(client)).json()["id"] != answers[0].json()["id"]


async def test_pages_of_other_origins_may_send_and_read_it(client: httpx.AsyncClient) -> None:
    asked = {
        "Origin": "https://elsewhere.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,idempotency-key",
    }
    allowed = await client.options(create, headers=asked)
    assert "idempotency-key" in allowed.headers["Access-Control-Allow-Headers"].lower()
    headers = {**bearer(owner), "Origin": asked["Origin"], "Idempotency-Key": "x"}
    answer = await client.post(create, json=body, headers=headers)
    assert "Idempotent-Replayed" in answer.headers["Access-Control-Expose-Headers"]


def test_a_claim_holds_the_document_under_its_own_id() -> None:
    made: dict[str, Any] = {"_id": ObjectId(), "question": "When?"}
    claim = Claim(
        id=ObjectId(),
        user_id=ObjectId(owner),
        operation="create-poll",
        key="k",
        digest="d",
        made_id=made["_id"],
        made=made,
        answer=b"{}",
        created_at=datetime.now(UTC),
    )
    assert Claim.model_validate_doc(claim.model_dump_doc()).made == made
