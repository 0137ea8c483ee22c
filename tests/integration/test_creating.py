"""Creating polls for others, several at a time, and with references of one's own."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.builders import create_poll, look
from tests.conftest import bearer

owner, other, admin = (f"65f1c0ffee0000000000f20{n}" for n in range(3))
one, many = "/api/poll/create-poll", "/api/poll/create-polls"
body: dict[str, Any] = {"question": "When?", "options": [{"text": "Mon"}, {"text": "Tue"}]}


async def test_an_administrator_creates_for_others(client: httpx.AsyncClient) -> None:
    headers = bearer(admin, roles=["admin"])
    for sent in (owner, owner.upper(), admin):
        answer = await client.post(one, json={**body, "userId": sent}, headers=headers)
        assert (answer.status_code, answer.json()["userId"]) == (201, sent.lower())
    listed = await client.get(f"/api/poll/get-poll-by-user-id/{owner}", headers=bearer(owner))
    assert len(listed.json()) == 2
    path = f"/api/poll/close-poll/{listed.json()[0]['id']}"
    assert (await client.post(path, headers=bearer(owner))).status_code == 200


async def test_nobody_else_says_whose_poll_it_is(client: httpx.AsyncClient) -> None:
    for sent in (other, owner):
        answer = await client.post(one, json={**body, "userId": sent}, headers=bearer(owner))
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize("value", [None, "", "x", 7, owner + "0", [owner]])
@pytest.mark.parametrize("roles", [[], ["admin"]])
async def test_what_is_no_user_id(client: httpx.AsyncClient, value: Any, roles: list[str]) -> None:
    sent = {**body, "userId": value}
    answer = await client.post(one, json=sent, headers=bearer(admin, roles=roles))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert [error["field"] for error in answer.json()["errors"]] == ["userId"]


contexts: list[Any] = [
    {},
    {"a": "b"},
    {"a" * 32: "x" * 64},
    {"room": " a  b ", "r_2": "Ünïcode 👩‍👧", "c": "0", "d": "{}", "e": "$set"},
]


@pytest.mark.parametrize("context", contexts)
async def test_a_context_is_kept_as_it_was_written(client: httpx.AsyncClient, context: Any) -> None:
    poll = await create_poll(client, owner, context=context)
    assert poll["context"] == context
    assert (await look(client, poll, other))["context"] == context


bad_contexts: list[tuple[Any, list[str]]] = [
    (None, ["context"]),
    ([], ["context"]),
    ("a", ["context"]),
    ({f"k{n}": "v" for n in range(6)}, ["context"]),
    ({"A": "v"}, ["context.A"]),
    ({"1a": "v"}, ["context.1a"]),
    ({"a-b": "v"}, ["context.a-b"]),
    ({"a.b": "v"}, ["context.a.b"]),
    ({"$a": "v"}, ["context.$a"]),
    ({"ä": "v"}, ["context.ä"]),
    ({"a" * 33: "v"}, ["context." + "a" * 33]),
    ({"": "v"}, ["context"]),
    ({"a\n": "v"}, ["context"]),
    ({"a": ""}, ["context.a"]),
    ({"a": "\u200b"}, ["context.a"]),
    ({"a": "x" * 65}, ["context.a"]),
    ({"a": 1, "b": None, "c": "fine"}, ["context.a", "context.b"]),
    ({"a": {}}, ["context.a"]),
    ({"a": "x\x00"}, ["context.a"]),
    ({"a": "x\u202e"}, ["context.a"]),
]


@pytest.mark.parametrize(("context", "blamed"), bad_contexts)
async def test_what_is_no_context(
    client: httpx.AsyncClient, context: Any, blamed: list[str]
) -> None:
    poll = await create_poll(client, owner)
    made = await client.post(one, json={**body, "context": context}, headers=bearer(owner))
    path = f"/api/poll/update-poll/{poll['id']}"
    changed = await client.patch(path, json={"context": context}, headers=bearer(owner))
    for answer in (made, changed):
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
        assert [error["field"] for error in answer.json()["errors"]] == blamed


async def test_several_polls_each_on_its_own(client: httpx.AsyncClient) -> None:
    sent = [
        {**body, "question": "First?"},
        {**body, "question": ""},
        {**body, "options": [*body["options"], {"text": "mon"}]},
        {**body, "closesAt": "2020-01-01T00:00:00Z"},
        {**body, "userId": owner},
        "poll",
        None,
        {**body, "minChoices": 2},
        {**body, "question": "Last?", "context": {"row": "8"}},
    ]

    answer = await client.post(many, json={"polls": sent}, headers=bearer(owner))

    assert answer.status_code == 200
    assert set(answer.json()) == {"results"}
    results = answer.json()["results"]
    assert [result["status"] for result in results] == [201, *[422] * 3, 403, *[422] * 3, 201]
    assert all(set(r) == {"status", "poll" if r["status"] == 201 else "error"} for r in results)
    blamed = [r["error"].get("errors", [{"field": None}])[0]["field"] for r in results[1:-1]]
    assert blamed == ["question", "options.2.text", "closesAt", None, "body", "body", "minChoices"]
    for sent_one, result in zip(sent, results, strict=True):
        if result["status"] != 201:
            headers = {**bearer(owner), "Content-Type": "application/json"}
            alone = await client.post(one, content=json.dumps(sent_one), headers=headers)
            assert (alone.status_code, alone.json()) == (result["status"], result["error"])
    for place in (0, -1):
        poll = results[place]["poll"]
        seen = await look(client, poll, other)
        assert {name: seen[name] for name in poll} == poll
    assert results[-1]["poll"]["context"] == {"row": "8"}


async def test_a_hundred_polls_are_in_order(client: httpx.AsyncClient) -> None:
    sent = [{**body, "question": f"Poll {n}?"} for n in range(100)]
    answer = await client.post(many, json={"polls": sent}, headers=bearer(owner))
    questions = [result["poll"]["question"] for result in answer.json()["results"]]
    assert questions == [poll["question"] for poll in sent]
    path = f"/api/poll/get-poll-by-user-id/{owner}"
    listed = await client.get(path, params={"limit": 100}, headers=bearer(owner))
    assert [poll["question"] for poll in listed.json()] == questions[::-1]


async def test_an_administrator_creates_several_for_others(client: httpx.AsyncClient) -> None:
    sent = {"polls": [{**body, "userId": user} for user in (owner, other)]}
    answer = await client.post(many, json=sent, headers=bearer(admin, roles=["admin"]))
    owners = [result["poll"]["userId"] for result in answer.json()["results"]]
    assert owners == [owner, other]


@pytest.mark.parametrize(
    ("sent", "blamed"),
    [
        ({"polls": []}, "polls"),
        ({"polls": [body] * 101}, "polls"),
        ({"polls": None}, "polls"),
        ({"polls": body}, "polls"),
        ({}, "polls"),
        ({"polls": [body], "colour": 1}, "colour"),
        ([body], "body"),
    ],
)
async def test_what_is_no_list_of_polls(client: httpx.AsyncClient, sent: Any, blamed: str) -> None:
    answer = await client.post(many, json=sent, headers=bearer(owner))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert [error["field"] for error in answer.json()["errors"]] == [blamed]


async def test_a_list_over_the_limit_of_a_body(client: httpx.AsyncClient) -> None:
    large = {**body, "options": [{"text": f"{n} " + "x" * 190} for n in range(50)]}
    answer = await client.post(many, json={"polls": [large] * 7}, headers=bearer(owner))
    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")
