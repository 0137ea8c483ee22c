"""What is wrong with a request is told in its very place, in a sentence for a person."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.builders import create_poll, option
from tests.conftest import bearer

owner = "65f1c0ffee0000000000e101"
create = "/api/poll/create-poll"
two = [{"text": "a"}, {"text": "b"}]
a_time = "Give a date and time with an offset, such as 2030-01-31T12:00:00Z."
a_number = "Give a whole number."
empty = "This must not be empty."

Told = list[tuple[str, str]]


def told(answer: httpx.Response) -> Told:
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), answer.text
    errors = answer.json()["errors"]
    assert answer.json()["detail"] == f"{errors[0]['field']}: {errors[0]['message']}"
    return [(one["field"], one["message"]) for one in errors]


async def send(client: httpx.AsyncClient, method: str, path: str, body: Any) -> httpx.Response:
    # Written here rather than by httpx, so that lone surrogates arrive as JSON escapes.
    headers = {**bearer(owner), "Content-Type": "application/json"}
    return await client.request(method, path, content=json.dumps(body), headers=headers)


def alike(first: int) -> str:
    return f"This looks the same as option {first}."


wrong: dict[str, tuple[Any, Told]] = {
    "no object": ([], [("body", "Give a JSON object.")]),
    "null": (None, [("body", "Give a JSON object.")]),
    "nothing": ({}, [(n, "This field is missing.") for n in ("question", "options")]),
    "an unknown field": ({"colour": 1}, [("colour", "This request has no such field.")]),
    "no text": ({"question": 1}, [("question", "Give a text.")]),
    "an empty text": ({"question": " "}, [("question", empty)]),
    "nothing to see": ({"question": "\u3164\u200b"}, [("question", empty)]),
    "a long text": ({"question": "x" * 501}, [("question", "Use at most 500 characters.")]),
    "a line break": (
        {"question": "a\nb"},
        [("question", "Line breaks, tabs and other control characters are not allowed.")],
    ),
    "half a character": (
        {"question": "\ud83d"},
        [("question", "Half of a character stands in this text; its other half is missing.")],
    ),
    "turned around": (
        {"question": "a\u202eb"},
        [
            (
                "question",
                "Characters that turn text around are not allowed, and it holds U+202E.",
            )
        ],
    ),
    "no list": ({"options": {}}, [("options", "Give a list.")]),
    "a short list": ({"options": two[:1]}, [("options", "Give at least 2 entries.")]),
    "a long list": ({"options": two * 26}, [("options", "Give at most 50 entries.")]),
    "in the list": (
        {"options": [7, {"text": ""}, {}, {"text": "x" * 201}, {"text": "a", "id": "0" * 24}]},
        [
            ("options.0", "Give a JSON object."),
            ("options.1.text", empty),
            ("options.2.text", "This field is missing."),
            ("options.3.text", "Use at most 200 characters."),
            ("options.4.id", "This request has no such field."),
        ],
    ),
    "alike": (
        {"options": [{"text": t} for t in ("a", "b", "c", "C")]},
        [("options.3.text", alike(3))],
    ),
    "alike to the eye": (
        {"options": [{"text": t} for t in ("A", "A\u200b", "x", "A", "X  y", "x\u00a0Y")]},
        [
            ("options.1.text", alike(1)),
            ("options.3.text", alike(1)),
            ("options.5.text", alike(5)),
        ],
    ),
    "a blank one before those alike": (
        {"options": [{"text": t} for t in ("a", " ", "b", "B")]},
        [("options.1.text", empty), ("options.3.text", alike(3))],
    ),
    "no whole number": ({"minChoices": 1.5}, [("minChoices", a_number)]),
    "digits": ({"maxChoices": "2"}, [("maxChoices", a_number)]),
    "too small": ({"minChoices": 0}, [("minChoices", "Give 1 or more.")]),
    "too large": ({"maxChoices": 51}, [("maxChoices", "Give 50 or less.")]),
    "least over most": (
        {"minChoices": 2},
        [("minChoices", "This must not be more than maxChoices.")],
    ),
    "most over all": (
        {"maxChoices": 3},
        [("maxChoices", "This must not be more than the number of options (2).")],
    ),
    "no time": ({"closesAt": "soon"}, [("closesAt", a_time)]),
    "no such day": ({"closesAt": "2099-02-30T00:00:00Z"}, [("closesAt", a_time)]),
    "no offset": ({"closesAt": "2099-01-01T00:00:00"}, [("closesAt", a_time)]),
    "a number for a time": ({"closesAt": 4_070_908_800}, [("closesAt", a_time)]),
    "past": ({"closesAt": "2020-01-01T00:00:00Z"}, [("closesAt", "Give a time in the future.")]),
    "year 10000": (
        {"closesAt": "9999-12-31T23:59:59-01:00"},
        [("closesAt", "Give a time within the years 1 to 9999 in UTC.")],
    ),
    "none of the words": (
        {"results": "never", "visibility": 1},
        [
            ("results", "Choose one of these: always, after_vote, after_close, owner."),
            ("visibility", "Choose one of these: public, unlisted."),
        ],
    ),
    "no truth": ({"allowVoteChange": 1}, [("allowVoteChange", "Give true or false.")]),
}


@pytest.mark.parametrize("case", wrong.values(), ids=wrong)
async def test_a_new_poll(client: httpx.AsyncClient, case: tuple[Any, Told]) -> None:
    given, expected = case
    sent = {"question": "q", "options": two, **given} if given else given
    assert told(await send(client, "POST", create, sent)) == expected


async def test_a_change_of_a_poll(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner)
    path = f"/api/poll/update-poll/{poll['id']}"
    ids = [one["id"] for one in poll["options"]]
    texts = ("red", "Red", "blue")
    same = [{"id": one, "text": text} for one, text in zip(ids, texts, strict=True)]
    twice = [{"id": ids[0], "text": text} for text in ("a", "b", "c")]

    assert told(await send(client, "PATCH", path, {"options": same})) == [
        ("options.1.text", alike(1))
    ]
    assert told(await send(client, "PATCH", path, {"options": twice})) == [
        ("options.1.id", "This option is named twice."),
        ("options.2.id", "This option is named twice."),
    ]
    assert told(await send(client, "PATCH", path, {"options": [{"id": "x", "text": "a"}]})) == [
        ("options.0.id", "An id has 24 hexadecimal digits.")
    ]
    assert told(await send(client, "PATCH", path, {"maxChoices": 4})) == [
        ("maxChoices", "This must not be more than the number of options (3).")
    ]
    assert told(await send(client, "PATCH", path, {"question": None})) == [
        ("question", "Give a text.")
    ]


async def test_a_ballot(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, minChoices=2, maxChoices=2)
    path = f"/api/poll/ballot/{poll['id']}"
    ids = [option(poll, place) for place in range(3)]

    for chosen, expected in (
        (ids[:1], ("optionIds", "Choose at least 2 options.")),
        (ids, ("optionIds", "Choose at most 2 options.")),
        ([], ("optionIds", "Give at least 1 entry.")),
        ([ids[0], ids[0].upper()], ("optionIds.1", "This option is named twice.")),
        ([ids[0], "x"], ("optionIds.1", "An id has 24 hexadecimal digits.")),
        ([1, ids[0]], ("optionIds.0", "Give a text.")),
        (None, ("optionIds", "Give a list.")),
    ):
        assert told(await send(client, "PUT", path, {"optionIds": chosen})) == [expected]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("get-poll-by-id/x", ("poll_id", "An id has 24 hexadecimal digits.")),
        (f"get-poll-by-user-id/{'g' * 24}", ("user_id", "An id has 24 hexadecimal digits.")),
        ("get-all-polls?limit=0", ("limit", "Give 1 or more.")),
        ("get-all-polls?limit=x", ("limit", a_number)),
        ("get-all-polls?limit=", ("limit", a_number)),
        ("get-all-polls?status=shut", ("status", "Choose one of these: open, closed.")),
        ("get-all-polls?sort=oldest", ("sort", "Choose one of these: newest, popular.")),
        ("get-all-polls?cursor=x", ("cursor", "This is not a cursor that this list has given.")),
        ("get-all-polls?q=%FF", ("q", "Give text in UTF-8.")),
        (f"get-all-polls?q={'x' * 101}", ("q", "Use at most 100 characters.")),
        (f"export-poll/{'0' * 24}?format=xml", ("format", "Choose one of these: csv, json.")),
        (f"poll-timeline/{'0' * 24}?bucket=-1", ("bucket", "Give 1 or more.")),
    ],
)
async def test_an_address(client: httpx.AsyncClient, path: str, expected: tuple[str, str]) -> None:
    assert told(await client.get(f"/api/poll/{path}", headers=bearer(owner))) == [expected]


async def test_joiners_inside_words_and_emoji_stay(client: httpx.AsyncClient) -> None:
    texts = ["می\u200cروم", "👨\u200d👩\u200d👧", "👨👩👧", "क्\u200dष", "❤\ufe0f"]
    poll = await create_poll(client, owner, texts=texts, question="\u200f؟\u200f")
    assert [one["text"] for one in poll["options"]] == texts
    assert poll["question"] == "\u200f؟\u200f"


@pytest.mark.parametrize("written", ["1.0", "1", "10e-1", "1.000"])
async def test_an_integer_is_an_integer_however_it_is_written(
    client: httpx.AsyncClient, written: str
) -> None:
    body = (
        f'{{"question": "q", "options": [{{"text":"a"}},{{"text":"b"}}], "minChoices": {written}}}'
    )
    headers = {**bearer(owner), "Content-Type": "application/json"}
    answer = await client.post(create, content=body, headers=headers)
    assert answer.status_code == 201
    assert '"minChoices":1,' in answer.text


async def test_a_byte_order_mark_before_the_body_is_no_part_of_it(
    client: httpx.AsyncClient,
) -> None:
    body = json.dumps({"question": "q", "options": two}).encode()
    headers = {**bearer(owner), "Content-Type": "application/json"}
    statuses = [
        (await client.post(create, content=mark + body, headers=headers)).status_code
        for mark in (b"\xef\xbb\xbf", b"\xef\xbb\xbf\xef\xbb\xbf", b"\xff\xfe")
    ]
    assert statuses == [201, 400, 400]
