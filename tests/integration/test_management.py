"""Who may manage a poll; its copies; and that nothing answers once it is deleted."""

from __future__ import annotations

import httpx

from quickpoll.composition import Services
from quickpoll.factory import create_app
from quickpoll.settings import Settings
from tests.builders import create_poll, look, option, vote
from tests.conftest import bearer, served
from tests.integration.management_harness import (
    act,
    admin,
    ahead,
    history,
    nobody,
    other,
    owner,
    patch,
    poll_past_its_deadline,
)


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
