"""Creating polls: what is kept as it was asked for, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.builders import create_poll, look, vote
from tests.conftest import bearer

owner, other = "65f1c0ffee0000000000d001", "65f1c0ffee0000000000d002"
create = "/api/poll/create-poll"
two_options = [{"text": "Mon"}, {"text": "Tue"}]


async def post(client: httpx.AsyncClient, **fields: Any) -> httpx.Response:
    # Written here rather than by httpx, so that lone surrogates arrive as JSON escapes.
    body = json.dumps({"question": "When?", "options": two_options, **fields})
    headers = {**bearer(owner), "Content-Type": "application/json"}
    return await client.post(create, content=body, headers=headers)


async def test_a_new_poll_has_every_field_and_the_defaults(client: httpx.AsyncClient) -> None:
    answer = await post(client, question=" When? ")

    poll = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Location"].endswith(f"/api/poll/get-poll-by-id/{poll['id']}")
    assert poll.pop("createdAt").endswith("Z")
    assert [set(one) for one in poll["options"]] == [{"id", "text", "pollId"}] * 2
    assert [one["text"] for one in poll.pop("options")] == ["Mon", "Tue"]
    assert len(poll.pop("id")) == 24
    assert poll == {
        "question": "When?",
        "userId": owner,
        "status": "open",
        "closesAt": None,
        "closedAt": None,
        "minChoices": 1,
        "maxChoices": 1,
        "results": "always",
        "allowVoteChange": False,
        "visibility": "public",
        "guests": "off",
        "verifiable": False,
        "context": {},
    }


async def test_a_new_poll_can_be_read(client: httpx.AsyncClient) -> None:
    created = await post(client)
    poll = created.json()

    read = await client.get(created.headers["Location"], headers=bearer(other))

    assert read.status_code == 200
    seen = read.json()
    assert {name: seen[name] for name in poll} == poll
    assert seen["version"] > 0
    assert {name: value for name, value in seen.items() if name not in {*poll, "version"}} == {
        "counts": {"likes": 0, **{one["id"]: 0 for one in poll["options"]}},
        "votersCount": 0,
        "votesCount": 0,
        "userHasVoted": None,
        "userVotes": [],
        "userHasLiked": False,
    }


async def test_every_setting_is_kept(client: httpx.AsyncClient) -> None:
    settings = {
        "minChoices": 2,
        "maxChoices": 2,
        "results": "after_close",
        "allowVoteChange": True,
        "visibility": "unlisted",
    }
    answer = await post(client, closesAt="2099-01-31T14:30:00.1239+02:30", **settings)

    poll = answer.json()
    assert {name: poll[name] for name in settings} == settings
    assert poll["closesAt"] == "2099-01-31T12:00:00.123Z"


async def test_an_id_is_taken_in_either_case(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner)

    for path in ("get-poll-by-id", "poll-history", "export-poll", "poll-timeline"):
        answer = await client.get(f"/api/poll/{path}/{poll['id'].upper()}", headers=bearer(owner))
        assert answer.status_code == 200, path
        assert poll["id"].upper() not in answer.text
    listed = await client.get(
        f"/api/poll/get-poll-by-user-id/{owner.upper()}", headers=bearer(owner)
    )
    assert [one["userId"] for one in listed.json()] == [owner]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (" \t\n q \r\n", "q"),
        ("\u00a0\u3000\u2003q\ufeff", "q"),
        ("x" * 500, "x" * 500),
        (" " * 600 + "x" * 500 + " " * 600, "x" * 500),
        ("😀" * 500, "😀" * 500),
        ('<b>"&\\', '<b>"&\\'),
        ("İstanbul ß Ω é e\u0301 \u200f", "İstanbul ß Ω é e\u0301 \u200f"),
    ],
)
async def test_texts_are_trimmed_and_otherwise_kept(
    client: httpx.AsyncClient, given: str, kept: str
) -> None:
    answer = await post(client, question=given)
    assert answer.status_code == 201
    assert answer.json()["question"] == kept


@pytest.mark.parametrize(
    "character", ["\x00", "\x07", "\x1b", "\x1c", "\x7f", "\x85", "\x9f", "\ud800"]
)
async def test_control_characters_and_lone_surrogates_are_refused(
    client: httpx.AsyncClient, character: str
) -> None:
    for text in (f"a{character}b", f"{character}b", f"a{character}"):
        question = await post(client, question=text)
        answer = await post(client, options=[{"text": "a"}, {"text": text}])

        assert [one.status_code for one in (question, answer)] == [422, 422]
        assert question.json()["errors"][0]["field"] == "question"
        assert answer.json()["errors"][0]["field"] == "options.1.text"


@pytest.mark.parametrize(
    ("one", "like_it"),
    [
        ("Yes", " yes "),
        ("Straße", "STRASSE"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("\u00e9", "e\u0301"),
        ("İ", "i\u0307"),
        ("ǰ", "J\u030c"),
    ],
)
async def test_options_that_read_alike_are_refused(
    client: httpx.AsyncClient, one: str, like_it: str
) -> None:
    answer = await post(client, options=[{"text": one}, {"text": "x"}, {"text": like_it}])
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["options.2.text"]


async def test_options_that_differ_in_an_accent_are_different(client: httpx.AsyncClient) -> None:
    answer = await post(
        client, options=[{"text": "resume"}, {"text": "résumé"}, {"text": "\u0131"}]
    )
    assert answer.status_code == 201


@pytest.mark.parametrize(
    "closes_at",
    [
        "2020-01-01T00:00:00Z",
        "2099-01-01",
        "2099-01-01T00:00:00",
        "2099-02-30T00:00:00Z",
        "2099-01-01T24:00:00Z",
        "2099-01-01T00:00:00+24:00",
        "2099-01-01T00:00:00.Z",
        " 2099-01-01T00:00:00Z",
        "٢٠٩٩-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "99999-01-01T00:00:00Z",
        "soon",
        "",
        4_070_908_800,
        1e400,
        True,
        {},
    ],
)
async def test_what_is_no_deadline_ahead(client: httpx.AsyncClient, closes_at: Any) -> None:
    text = json.dumps(closes_at).replace("Infinity", "1e400")
    body = f'{{"question": "q", "options": [{{"text":"a"}},{{"text":"b"}}], "closesAt": {text}}}'
    headers = {**bearer(owner), "Content-Type": "application/json"}

    answer = await client.post(create, content=body, headers=headers)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["closesAt"]


@pytest.mark.parametrize(
    "closes_at", ["9999-12-31T23:59:59.999Z", "2099-01-01t00:00:00z", "2099-01-01T00:00:00-23:59"]
)
async def test_deadlines_far_ahead(client: httpx.AsyncClient, closes_at: str) -> None:
    poll = (await post(client, closesAt=closes_at)).json()
    assert (await look(client, poll, other))["closesAt"] == poll["closesAt"]
    assert (await vote(client, poll, 0, other)).status_code == 201


unknown: dict[str, tuple[dict[str, Any], str]] = {
    "another name": ({"colour": 1}, "colour"),
    "snake case": ({"min_choices": 1}, "min_choices"),
    "wrong case": ({"maxchoices": 1}, "maxchoices"),
    "not to be set": ({"status": "closed"}, "status"),
    "an id": ({"id": "0" * 24}, "id"),
    "in an option": ({"options": [{"text": "a", "votes": 9}, {"text": "b"}]}, "options.0.votes"),
    "an option's id": ({"options": [{"text": "a", "id": "0" * 24}, {"text": "b"}]}, "options.0.id"),
}


@pytest.mark.parametrize("case", unknown.values(), ids=unknown.keys())
async def test_unknown_fields_are_refused_and_named(
    client: httpx.AsyncClient, case: tuple[dict[str, Any], str]
) -> None:
    fields, blamed = case
    answer = await post(client, **fields)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["errors"] == [
        {"field": blamed, "message": "This request has no such field."}
    ]


@pytest.mark.parametrize("value", [1.5, 1e-9, "1", True, None, [], 10**30, -1, 0, 51])
@pytest.mark.parametrize("name", ["minChoices", "maxChoices"])
async def test_what_is_no_number_of_choices(
    client: httpx.AsyncClient, name: str, value: Any
) -> None:
    answer = await post(client, **{name: value})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [name]


no_settings: dict[str, tuple[Any, ...]] = {
    "allowVoteChange": (1, 0, "true", None, []),
    "results": ("ALWAYS", "", None, 1, "never"),
    "visibility": ("private", "", None, True),
    "question": (None, 1, [], {}, "", " \u3000 "),
    "options": (None, {}, "ab", []),
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, one) for name, values in no_settings.items() for one in values]
)
async def test_what_is_no_setting(client: httpx.AsyncClient, name: str, value: Any) -> None:
    answer = await post(client, **{name: value})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [name]


async def test_every_fault_is_named_at_once(client: httpx.AsyncClient) -> None:
    answer = await post(client, question="", options=[{"text": ""}, {}], results="x")

    blamed = {error["field"] for error in answer.json()["errors"]}
    assert blamed == {"question", "options.0.text", "options.1.text", "results"}
    assert all(error["message"] for error in answer.json()["errors"])


async def test_what_was_refused_leaves_nothing(client: httpx.AsyncClient) -> None:
    await post(client, closesAt="2020-01-01T00:00:00Z")
    await post(client, options=two_options[:1])

    listed = await client.get(f"/api/poll/get-poll-by-user-id/{owner}", headers=bearer(owner))
    assert listed.json() == []
