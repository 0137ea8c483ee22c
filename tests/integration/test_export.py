"""Results to take home."""

from __future__ import annotations

import csv
import io
from secrets import token_hex
from typing import Any

import httpx
import pytest

from tests.builders import create_poll, option, vote
from tests.conftest import bearer

owner, other = "65f1c0ffee0000000000b201", "65f1c0ffee0000000000b202"


async def export(client: httpx.AsyncClient, poll: dict[str, Any], kind: str) -> httpx.Response:
    path = f"/api/poll/export-poll/{poll['id']}?format={kind}"
    answer = await client.get(path, headers=bearer(owner))
    assert answer.status_code == 200
    return answer


async def cast(client: httpx.AsyncClient, poll: dict[str, Any], *places: int) -> None:
    for place in places:
        assert (await vote(client, poll, place, token_hex(12))).status_code == 201


async def test_csv(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, texts=("Noodles", 'Pizza, "large"', "Æbler 😀"))
    await cast(client, poll, 0, 1, 2)

    answer = await export(client, poll, "csv")

    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    disposition = f'attachment; filename="poll-{poll["id"]}.csv"'
    assert answer.headers["Content-Disposition"] == disposition
    assert answer.content.startswith(b"\xef\xbb\xbfoption")  # or spreadsheets garble the rest
    assert answer.content.decode("utf-8-sig") == (
        'option,votes,percent\r\nNoodles,1,33.3\r\n"Pizza, ""large""",1,33.3\r\nÆbler 😀,1,33.3\r\n'
    )


async def test_json(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, maxChoices=2)
    for chosen in ((0, 1), (0,), (0, 1)):
        ballot = {"optionIds": [option(poll, place) for place in chosen]}
        path = f"/api/poll/ballot/{poll['id']}"
        await client.put(path, json=ballot, headers=bearer(token_hex(12)))
    await client.put(f"/api/poll/like-poll/{poll['id']}", headers=bearer(other))

    answer = await export(client, poll, "json")

    assert answer.headers["Content-Type"] == "application/json"
    disposition = f'attachment; filename="poll-{poll["id"]}.json"'
    assert answer.headers["Content-Disposition"] == disposition
    assert answer.json() == {
        "poll": poll,
        "options": [
            {"id": option(poll, 0), "text": "red", "votes": 3, "percent": 100.0},
            {"id": option(poll, 1), "text": "green", "votes": 2, "percent": 66.7},
            {"id": option(poll, 2), "text": "blue", "votes": 0, "percent": 0.0},
        ],
        "votersCount": 3,
        "votesCount": 5,
        "ballots": {"accounts": 3, "guests": 0},
        "likes": 1,
    }


async def test_a_poll_without_votes(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner)

    body = (await export(client, poll, "json")).json()

    assert [one["percent"] for one in body["options"]] == [0.0] * 3
    assert (body["votersCount"], body["votesCount"], body["likes"]) == (0, 0, 0)
    assert "red,0,0.0\r\n" in (await export(client, poll, "csv")).text


async def test_the_format_is_json_where_none_is_named(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner)
    path = f"/api/poll/export-poll/{poll['id']}"
    answer = await client.get(path, headers=bearer(owner))
    assert answer.headers["Content-Type"] == "application/json"
    for wrong in ("xml", "CSV", "", "csv&format=json"):
        refused = await client.get(f"{path}?format={wrong}", headers=bearer(owner))
        assert refused.status_code == 422
        assert [one["field"] for one in refused.json()["errors"]] == ["format"]


async def test_results_go_to_the_owner_and_admins_only(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, results="owner")
    path = f"/api/poll/export-poll/{poll['id']}"
    for kind in ("csv", "json"):
        query = {"format": kind}
        refused = await client.get(path, params=query, headers=bearer(other))
        allowed = await client.get(path, params=query, headers=bearer(other, roles=["admin"]))
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        assert allowed.status_code == 200
    missing = await client.get(f"/api/poll/export-poll/{'0' * 24}", headers=bearer(owner))
    assert (missing.status_code, missing.json()["code"]) == (404, "poll_not_found")


async def test_nobody_who_voted_or_liked_is_in_it(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner)
    await vote(client, poll, 0, other)
    await client.put(f"/api/poll/like-poll/{poll['id']}", headers=bearer(other))
    for kind in ("csv", "json"):
        assert other not in (await export(client, poll, kind)).text


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
async def test_no_spreadsheet_takes_an_option_for_a_formula(
    client: httpx.AsyncClient, start: str
) -> None:
    text = f'{start}HYPERLINK("http://x.example","a,b")'
    poll = await create_poll(client, owner, texts=(text, "1+1", "a=b"))

    written = (await export(client, poll, "csv")).content.decode("utf-8-sig")
    table = list(csv.reader(io.StringIO(written, newline="")))

    assert [row[0] for row in table] == ["option", f"'{text}", "1+1", "a=b"]
    assert (await export(client, poll, "json")).json()["options"][0]["text"] == text


async def test_nor_where_the_separator_is_another(client: httpx.AsyncClient) -> None:
    texts = ("x;=cmd|'/C calc'!A0;y", 'x";@SUM(A1)', "x,=1+1")
    poll = await create_poll(client, owner, texts=texts)
    written = (await export(client, poll, "csv")).content.decode("utf-8-sig")

    for separator in ",;\t":
        table = list(csv.reader(io.StringIO(written, newline=""), delimiter=separator))
        assert [row[0].startswith(text) for row, text in zip(table[1:], texts, strict=True)]
        cells = [cell for row in table for cell in row]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


async def test_equal_votes_are_equal_percents(client: httpx.AsyncClient) -> None:
    """Eleven, eleven and nine of 31: no figure is bent to make a sum."""
    poll = await create_poll(client, owner)
    await cast(client, poll, *[0] * 11, *[1] * 11, *[2] * 9)
    body = (await export(client, poll, "json")).json()
    assert [one["percent"] for one in body["options"]] == [35.5, 35.5, 29.0]


async def test_a_page_of_another_origin_may_read_the_name_of_the_file(
    client: httpx.AsyncClient,
) -> None:
    poll = await create_poll(client, owner)
    path = f"/api/poll/export-poll/{poll['id']}"
    headers = {**bearer(owner), "Origin": "https://a.example"}
    answer = await client.get(path, headers=headers)
    exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
    assert "Content-Disposition" in exposed
