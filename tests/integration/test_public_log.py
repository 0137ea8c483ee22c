"""Verifiable polls: what goes into their logs, when it is published, and what voters hold."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from secrets import token_hex

import httpx
import pytest

from quickpoll.localrun.embedded import StoreAddresses
from quickpoll.settings import Settings
from tests.builders import create_poll, look, option, vote
from tests.conftest import bearer, environment, settings_from
from tests.integration.log_harness import (
    act,
    copy_log,
    log_name,
    log_settings,
    owner,
    published,
    verifiable,
    voters,
)
from tests.integration.realtime_harness import running


@pytest.fixture
def settings(stores: StoreAddresses, name: str) -> Settings:
    """A service that signs logs."""
    return settings_from(environment(stores, name, **log_settings))


async def test_a_log_is_there_from_the_answer_on(client: httpx.AsyncClient) -> None:
    poll = await verifiable(client)
    copy = await copy_log(client, poll)
    assert copy.size == 1
    assert copy.lines[0].startswith(f"poll v1 {poll['id']} 1 1 fixed ")
    shown = await look(client, poll, owner)
    report = copy.check(shown=shown)
    assert report.findings == []
    assert copy.checkpoint.startswith(f"{log_name}/log/{poll['id']}\n1\n".encode())


async def test_an_open_log_goes_on_and_closes(client: httpx.AsyncClient) -> None:
    """Casts, a change, a retraction, a close; every promise and receipt is honoured."""
    poll = await verifiable(client, allowVoteChange=True, maxChoices=2)
    users = voters(7)
    answers = [await vote(client, poll, place % 3, user) for place, user in enumerate(users)]
    answers.append(await vote(client, poll, 2, users[0]))
    both = {"optionIds": [option(poll, 1), option(poll, 0)]}
    answers.append(await act(client, "PUT", "ballot", poll, users[1], both))
    assert [one.status_code for one in answers] == [201] * 7 + [200] * 2
    taken_back = await act(client, "DELETE", "ballot", poll, users[2])
    header = taken_back.headers["Quickpoll-Promise"]
    assert json.loads(base64.b64decode(header)).keys() == {
        "entry",
        "pepper",
        "index",
        "path",
        "note",
    }
    opened = await published(client, poll, 11)
    assert sorted(opened.kinds) == ["cast"] * 7 + ["change"] * 2 + ["poll", "retract"]
    receipt = await act(client, "GET", "receipt", poll, users[0])
    assert receipt.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert receipt.headers["Cache-Control"] == "no-store"
    name = f'attachment; filename="{poll["id"]}.tlog-proof"'
    assert receipt.headers["Content-Disposition"] == name

    assert (await act(client, "POST", "close-poll", poll, owner)).status_code == 200
    closed = await published(client, poll, 12)
    assert closed.lines[-1] == "close 6 " + " ".join(
        f"{one['id']}={votes}" for one, votes in zip(poll["options"], (3, 2, 2), strict=True)
    )
    report = closed.check(
        checkpoints=[opened.checkpoint],
        receipts=[(await act(client, "GET", "receipt", poll, user)).content for user in users[:2]],
        promises=[*(one.content for one in answers), header.encode()],
        shown=await look(client, poll, owner),
    )
    assert report.findings == []


async def test_a_sealed_log_stays_as_it_was_until_the_close(client: httpx.AsyncClient) -> None:
    poll = await verifiable(client, results="after_close", allowVoteChange=True)
    before = await copy_log(client, poll)
    users = voters(5)
    answers = [await vote(client, poll, place % 2, user) for place, user in enumerate(users)]
    answers.append(await vote(client, poll, 2, users[0]))
    assert "\nby close\n" in answers[0].json()["promise"]["note"]
    pending = await act(client, "GET", "receipt", poll, users[0])
    assert (pending.status_code, pending.json()["code"]) == (409, "receipt_pending")
    assert "Retry-After" not in pending.headers
    hidden = await client.get(f"/log/{poll['id']}/openings")
    assert (hidden.status_code, hidden.json()["code"]) == (403, "results_hidden")
    assert (await copy_log(client, poll)).checkpoint == before.checkpoint
    for beyond in ("tile/entries/000.p/2", "tile/0/000.p/2", "tile/entries/000", "tile/1/000.p/1"):
        assert (await client.get(f"/log/{poll['id']}/{beyond}")).status_code == 404

    await act(client, "POST", "close-poll", poll, owner)
    closed = await published(client, poll, 2)
    assert closed.size == 8
    assert closed.kinds[-1] == "close"
    report = closed.check(
        checkpoints=[before.checkpoint],
        receipts=[(await act(client, "GET", "receipt", poll, user)).content for user in users],
        promises=[one.content for one in answers],
        shown=await look(client, poll, owner),
    )
    assert report.findings == []


async def test_a_poll_is_closed_and_opened_again(client: httpx.AsyncClient) -> None:
    """Each close has its counts, also where the next request follows at once."""
    poll = await verifiable(client)
    for number, user in enumerate(voters(3), 1):
        assert (await vote(client, poll, 0, user)).status_code == 201
        assert (await act(client, "POST", "close-poll", poll, owner)).status_code == 200
        assert (await act(client, "POST", "reopen-poll", poll, owner)).status_code == 200
        copy = await copy_log(client, poll)
        assert copy.kinds[-1] == "reopen"
        assert copy.lines[-2].startswith(f"close {number} ")
        assert (await client.get(f"/log/{poll['id']}/openings")).status_code == 403
    report = copy.check(shown=await look(client, poll, owner))
    assert report.findings == []


async def test_a_deadline_closes_the_log(client: httpx.AsyncClient) -> None:
    poll = await verifiable(client)
    await vote(client, poll, 0, token_hex(12))
    change = {"closesAt": (datetime.now(UTC) + timedelta(seconds=1)).isoformat()}
    patched = await client.patch(
        f"/api/poll/update-poll/{poll['id']}", json=change, headers=bearer(owner)
    )
    assert patched.status_code == 200
    copy = await published(client, poll, 3)
    assert copy.kinds == ["poll", "cast", "close"]
    assert copy.check().findings == []


async def test_each_edit_before_the_first_vote_is_an_entry(client: httpx.AsyncClient) -> None:
    """Also of a poll that is closed: then it is opened and closed in the log."""
    poll = await verifiable(client)
    path = f"/api/poll/update-poll/{poll['id']}"
    await client.patch(path, json={"question": "Which one?"}, headers=bearer(owner))
    assert (await copy_log(client, poll)).kinds == ["poll", "poll"]
    await client.patch(path, json={"visibility": "unlisted"}, headers=bearer(owner))
    assert (await copy_log(client, poll)).kinds == ["poll", "poll"]
    await act(client, "POST", "close-poll", poll, owner)
    await client.patch(path, json={"allowVoteChange": True}, headers=bearer(owner))
    copy = await published(client, poll, 4)
    while copy.kinds[-1] != "close" or "free" not in copy.lines[-2]:
        copy = await published(client, poll, copy.size)
    shown = await look(client, poll, owner)
    assert copy.check(shown=shown).findings == []


async def test_results_that_become_hidden_show_what_was_answered_before(
    client: httpx.AsyncClient,
) -> None:
    poll = await verifiable(client)
    await vote(client, poll, 0, token_hex(12))
    path = f"/api/poll/update-poll/{poll['id']}"
    changed = await client.patch(path, json={"results": "after_close"}, headers=bearer(owner))
    assert changed.status_code == 200
    before = await copy_log(client, poll)
    assert before.kinds == ["poll", "cast"]
    await vote(client, poll, 0, token_hex(12))
    await act(client, "POST", "close-poll", poll, owner)
    assert (await published(client, poll, 3)).kinds == ["poll", "cast", "cast", "close"]


async def test_the_same_vote_again_is_promised_the_same_entry(client: httpx.AsyncClient) -> None:
    """In a poll whose votes stand, while it is open and after its close."""
    poll, user = await verifiable(client), token_hex(12)
    first = (await vote(client, poll, 0, user)).json()["promise"]
    again = await vote(client, poll, 0, user)
    assert again.status_code == 200
    await act(client, "POST", "close-poll", poll, owner)
    late = await vote(client, poll, 0, user)
    assert late.status_code == 200
    opened = ("entry", "pepper", "salt")
    for one in (again, late):
        assert [one.json()["promise"][part] for part in opened] == [first[part] for part in opened]
    assert "promise" not in (await act(client, "GET", "ballot", poll, user)).json()
    other = await vote(client, poll, 1, user)
    assert (other.status_code, "promise" in other.json()) == (409, False)


async def test_who_votes_again_after_a_retraction_has_a_new_tag(client: httpx.AsyncClient) -> None:
    poll, user = await verifiable(client, allowVoteChange=True), token_hex(12)
    first = (await vote(client, poll, 0, user)).json()["promise"]
    gone = await act(client, "DELETE", "ballot", poll, user)
    again = await act(client, "DELETE", "ballot", poll, user)
    promised = [
        json.loads(base64.b64decode(one.headers["Quickpoll-Promise"])) for one in (gone, again)
    ]
    assert promised[0]["entry"] == promised[1]["entry"]
    second = (await vote(client, poll, 0, user)).json()["promise"]
    assert first["entry"].split()[1] != second["entry"].split()[1]
    copy = await published(client, poll, 4)
    assert copy.lines[1:] == [first["entry"], promised[0]["entry"], second["entry"]]


async def test_a_receipt_without_its_opening(client: httpx.AsyncClient) -> None:
    poll, user = await verifiable(client), token_hex(12)
    await vote(client, poll, 0, user)
    await published(client, poll, 2)
    path = f"/api/poll/receipt/{poll['id']}"
    shown = await client.get(path, headers=bearer(user))
    kept = await client.get(f"{path}?opening=false", headers=bearer(user))
    extra = [json.loads(base64.b64decode(one.text.split("\n")[1][6:])) for one in (shown, kept)]
    assert extra[0].keys() == {"entry", "pepper", "userId", "salt", "optionIds"}
    assert extra[1].keys() == {"entry", "pepper", "userId"}
    nobody = await client.get(path, headers=bearer())
    assert (nobody.status_code, nobody.json()["code"]) == (404, "not_found")
    wrong = await client.get(f"{path}?opening=perhaps", headers=bearer(user))
    assert wrong.json()["errors"][0]["field"] == "opening"


async def test_a_duplicate_has_a_log_of_its_own(client: httpx.AsyncClient) -> None:
    poll = await verifiable(client)
    await vote(client, poll, 0, token_hex(12))
    twin = (await act(client, "POST", "duplicate-poll", poll, owner)).json()
    assert twin["verifiable"] is True
    copy = await copy_log(client, twin)
    assert (copy.kinds, copy.check().findings) == (["poll"], [])


async def test_a_poll_becomes_verifiable_before_its_first_vote(client: httpx.AsyncClient) -> None:
    """And stops to be, and becomes it again: it is one log."""
    poll = await create_poll(client, owner)
    path = f"/api/poll/update-poll/{poll['id']}"

    async def set_to(value: bool) -> None:
        answer = await client.patch(path, json={"verifiable": value}, headers=bearer(owner))
        assert answer.status_code == 200

    await set_to(True)
    first = await copy_log(client, poll)
    assert first.kinds == ["poll"]
    await set_to(False)
    assert (await client.get(f"/log/{poll['id']}/checkpoint")).status_code == 404
    await client.patch(path, json={"question": "Another?"}, headers=bearer(owner))
    await set_to(True)
    second = await copy_log(client, poll)
    shown = await look(client, poll, owner)
    assert second.check(checkpoints=[first.checkpoint], shown=shown).findings == []


async def test_a_result_that_nobody_may_see_is_not_verifiable(client: httpx.AsyncClient) -> None:
    body = {"question": "Q?", "options": [{"text": "a"}, {"text": "b"}]}
    wrong = {**body, "verifiable": True, "results": "owner"}
    refused = await client.post("/api/poll/create-poll", json=wrong, headers=bearer(owner))
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "results")
    poll = await verifiable(client)
    path = f"/api/poll/update-poll/{poll['id']}"
    refused = await client.patch(path, json={"results": "owner"}, headers=bearer(owner))
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "results")


async def test_updates_carry_the_published_checkpoint(settings: Settings) -> None:
    async with running(settings) as live:
        http = await live.http()
        poll = await verifiable(http)
        screen = await live.screen(owner)
        (shown,) = (await screen.subscribe(poll["id"]))["polls"]
        copy = await copy_log(http, poll)
        root = copy.checkpoint.split(b"\n")[2].decode()
        assert shown["checkpoint"] == {"size": 1, "root": root}
        await vote(http, poll, 0, token_hex(12))
        update = await screen.until("vote-update", votersCount=1)
        assert update["checkpoint"]["size"] >= 1
