"""Erasing a person: what becomes of everything that they have left, and what they may do next."""

from __future__ import annotations

from secrets import token_hex
from typing import Any

import httpx
import pytest
from bson import ObjectId

from quickpoll.composition import Services
from quickpoll.errors import Forbidden
from quickpoll.foundation.stores.holdings import Fate
from quickpoll.holdings import HOLDINGS
from quickpoll.likes.rules import Act
from quickpoll.personal.jobs import SWEEPS_SECONDS
from tests.builders import create_poll, look, option, vote
from tests.conftest import bearer
from tests.people.life import Life, Places, act, ask_to_erase, erased, leave_more, live, status

user, others, admin = (f"65f1c0ffee00000000009a0{n}" for n in range(3))
nobody = "0" * 24


@pytest.fixture
async def life(client: httpx.AsyncClient) -> Life:
    return await live(client, user, others)


async def test_nothing_is_left_anywhere(
    client: httpx.AsyncClient, services: Services, life: Life, places: Places
) -> None:
    await leave_more(client, places, user)
    before = await places.naming(user)
    named = {place.partition(":")[0] for place in before}
    held = {one.collection for one in HOLDINGS if one.fate in (Fate.DELETED, Fate.NAMELESS)}
    assert named >= held | {"vote", "like", "poll", "session", "webhook"}, (
        "there is nothing to erase, so nothing is proven"
    )

    await erased(client, services, user)

    assert await places.naming(user) == []
    assert await places.collections() <= {one.collection for one in HOLDINGS}


async def test_an_open_poll_loses_the_ballot_and_a_closed_one_keeps_it(
    client: httpx.AsyncClient, services: Services, life: Life, places: Places
) -> None:
    closed = await look(client, life.closed_poll, others)

    await erased(client, services, user)

    seen = await look(client, life.open_poll, others)
    first, second = option(life.open_poll, 0), option(life.open_poll, 1)
    assert (seen["votersCount"], seen["counts"]["likes"]) == (1, 1)
    assert (seen["counts"][first], seen["counts"][second]) == (0, 1)
    after = await look(client, life.closed_poll, others)
    assert after["counts"] == closed["counts"]
    assert after["votersCount"] == closed["votersCount"] == 2
    of_closed = {"pollId": ObjectId(life.closed_poll["id"]), "optionIds": {"$ne": []}}
    owners = {str(one["userId"]) async for one in places.database["vote"].find(of_closed)}
    assert len(owners) == 2
    assert others in owners
    for poll in (life.open_poll, life.closed_poll):
        assert await services.reconciler.stored(poll["id"]) == {
            **(await look(client, poll, others))["counts"],
            "voters": (await look(client, poll, others))["votersCount"],
        }


async def test_own_polls_go_or_become_nobodys(
    client: httpx.AsyncClient, services: Services, life: Life
) -> None:
    await erased(client, services, user)

    gone = await client.get(f"/api/poll/get-poll-by-id/{life.alone['id']}", headers=bearer(others))
    assert gone.status_code == 404
    left = await look(client, life.shared, others)
    assert (left["userId"], left["votersCount"]) == (nobody, 1)
    for someone, allowed in ((user, False), (nobody, False), (admin, True)):
        roles = ["admin"] if allowed else []
        path = f"/api/poll/close-poll/{life.shared['id']}"
        answer = await client.post(path, headers=bearer(someone, roles=roles))
        assert answer.is_success == allowed, someone


async def test_nobody_is_no_person(client: httpx.AsyncClient) -> None:
    """Else all polls that are nobody's would go at once, or be listed."""
    for caller in (bearer(nobody), bearer(admin, roles=["admin"])):
        for method, path in (("POST", "erase-user"), ("GET", "export-user")):
            answer = await client.request(method, f"/api/user/{path}/{nobody}", headers=caller)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    path = f"/api/poll/get-poll-by-user-id/{nobody}"
    assert (await client.get(path, headers=bearer(nobody))).status_code == 403


async def test_histories_name_nobody(
    client: httpx.AsyncClient, services: Services, life: Life
) -> None:
    await erased(client, services, user)

    for poll, changes in ((life.changed, ["updated", "closed"]), (life.open_poll, ["updated"])):
        answer = await act(client, "GET", "poll-history", poll, others)
        rows = answer.json()
        assert [row["change"] for row in rows] == changes
        assert rows[0]["by"] == {"type": "admin", "id": None}
    shared = await act(client, "GET", "poll-history", life.shared, admin, roles=["admin"])
    assert [row["by"] for row in shared.json()] == [{"type": "user", "id": None}]


async def test_the_same_again_is_the_same_job(
    client: httpx.AsyncClient, services: Services, life: Life
) -> None:
    first = await ask_to_erase(client, user)
    again = await client.post(
        f"/api/user/erase-user/{user.upper()}", headers=bearer(admin, roles=["admin"])
    )
    assert (again.status_code, again.json()) == (202, {"jobId": first})
    assert await erased(client, services, user) == first
    assert await ask_to_erase(client, user) == first
    assert await status(client, first, user) == "done"


async def test_who_has_come_back_is_erased_once_more_under_the_same_job(
    client: httpx.AsyncClient, services: Services, life: Life, places: Places
) -> None:
    first = await erased(client, services, user)
    await create_poll(client, user)

    assert await ask_to_erase(client, user) == first
    assert await status(client, first, user) == "running"
    assert await erased(client, services, user) == first
    assert await places.naming(user) == []


async def test_only_that_person_and_administrators_may_ask(
    client: httpx.AsyncClient, services: Services
) -> None:
    for method, path in (("POST", "erase-user"), ("GET", "export-user")):
        refused = await client.request(method, f"/api/user/{path}/{user}", headers=bearer(others))
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        wrong = await client.request(method, f"/api/user/{path}/me", headers=bearer(others))
        assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "user_id")
    job = await ask_to_erase(client, user)
    path = f"/api/user/erasure/{job}"
    assert (await client.get(path, headers=bearer(others))).json()["code"] == "not_found"
    assert (await client.get(path, headers=bearer(admin, roles=["admin"]))).status_code == 200
    missing = f"/api/user/erasure/{token_hex(12)}"
    assert (await client.get(missing, headers=bearer(user))).status_code == 404


async def test_nothing_new_is_taken_while_it_runs(
    client: httpx.AsyncClient, services: Services, life: Life
) -> None:
    await ask_to_erase(client, user)
    await services.personal.departures.look()
    choice = {"optionIds": [option(life.open_poll, 1)]}
    poll = life.open_poll["id"]
    for method, path, body in (
        ("POST", f"vote-on-poll/{poll}/{option(life.open_poll, 1)}", None),
        ("PUT", f"ballot/{poll}", choice),
        ("DELETE", f"ballot/{poll}", None),
        ("PUT", f"like-poll/{poll}", None),
        ("POST", f"duplicate-poll/{poll}", None),
    ):
        answer = await client.request(method, f"/api/poll/{path}", json=body, headers=bearer(user))
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), path
    reads = await client.get(f"/api/poll/get-poll-by-id/{poll}", headers=bearer(user))
    assert reads.status_code == 200


async def test_a_vote_that_waits_in_line_meanwhile_is_refused(
    client: httpx.AsyncClient, services: Services, life: Life
) -> None:
    """Its request was let in before; what decides is asked with the batch."""
    await ask_to_erase(client, user)
    await services.personal.departures.look()
    for asked in (
        services.casting.cast(user, life.shared["id"], [option(life.shared, 0)]),
        services.casting.retract(user, life.open_poll["id"]),
        services.liking.act(user, life.shared["id"], Act.SET),
    ):
        with pytest.raises(Forbidden):
            await asked


async def test_who_was_erased_is_somebody_new_but_does_not_vote_twice(
    client: httpx.AsyncClient, services: Services, life: Life
) -> None:
    await erased(client, services, user)

    again = await vote(client, life.open_poll, 1, user)
    assert (again.status_code, again.json()["code"]) == (409, "already_voted")
    assert again.json()["optionIds"] == []
    assert "before your data was erased" in again.json()["detail"]
    by_ballot = await client.put(
        f"/api/poll/ballot/{life.open_poll['id']}",
        json={"optionIds": [option(life.open_poll, 0)]},
        headers=bearer(user),
    )
    assert by_ballot.status_code == 409
    assert (await vote(client, life.open_poll, 1, token_hex(12))).status_code == 201
    assert (await look(client, life.open_poll, others))["votersCount"] == 2
    # A closed poll that is opened again.
    await act(client, "POST", "reopen-poll", life.closed_poll, others)
    assert (await vote(client, life.closed_poll, 1, user)).status_code == 409
    # Elsewhere they are somebody new.
    fresh = await create_poll(client, others)
    assert (await vote(client, fresh, 0, user)).status_code == 201
    await act(client, "PUT", "like-poll", life.open_poll, user)
    assert (await look(client, life.open_poll, user))["counts"]["likes"] == 2
    assert (await create_poll(client, user))["userId"] == user


async def test_who_took_their_ballot_back_may_vote_again(
    client: httpx.AsyncClient, services: Services
) -> None:
    poll = await create_poll(client, others, allowVoteChange=True)
    assert (await vote(client, poll, 0, user)).status_code == 201
    await act(client, "DELETE", "ballot", poll, user)
    await erased(client, services, user)
    assert (await vote(client, poll, 0, user)).status_code == 201


async def test_what_comes_late_is_swept_and_what_is_new_is_not(
    client: httpx.AsyncClient, services: Services, life: Life, places: Places
) -> None:
    await erased(client, services, user)
    fresh = await create_poll(client, others)
    assert (await vote(client, fresh, 0, user)).status_code == 201
    made = await create_poll(client, user)
    erasure = await places.database["erasure"].find_one({})
    assert erasure is not None
    poll = life.open_poll
    late: dict[str, Any] = {
        "userId": ObjectId(user),
        "pollId": ObjectId(poll["id"]),
        "optionIds": [ObjectId(option(poll, 0))],
        "createdAt": erasure["requestedAt"].replace(year=2020),
        "castAt": erasure["requestedAt"].replace(year=2020),
        "revision": 0,
    }
    await places.database["vote"].insert_one(late)
    for sweep in range(len(SWEEPS_SECONDS)):
        stored = await places.database["erasure"].find_one({})
        assert stored is not None
        assert (stored["sweeps"], bool(stored["sealed"])) == (sweep, True)
        past = {"sweepAt": erasure["requestedAt"]}
        await places.database["erasure"].update_one({}, {"$set": past})
        await services.people.erasures.sweep()

    stored = await places.database["erasure"].find_one({})
    assert stored is not None
    assert (stored["sealed"], stored["sweepAt"]) == (None, None)
    left = await places.naming(user)
    assert sorted(place.partition(":")[0] for place in left) == ["poll", "vote"]
    assert any(made["id"] in place for place in left)
    assert (await look(client, poll, others))["votersCount"] == 1


async def test_a_poll_that_goes_takes_its_tombstones_along(
    client: httpx.AsyncClient, services: Services, life: Life, places: Places
) -> None:
    await erased(client, services, user)
    of_poll = {"pollId": ObjectId(life.open_poll["id"])}
    assert await places.database["tombstone"].count_documents(of_poll) == 2
    await act(client, "DELETE", "delete-poll", life.open_poll, others)
    assert await places.database["tombstone"].count_documents(of_poll) == 0


async def test_an_instance_forgets_whom_it_knew(
    client: httpx.AsyncClient, services: Services, life: Life
) -> None:
    """Their tokens, their polls and how those were shown."""
    await client.get("/api/poll/get-all-polls", headers=bearer(others))
    tokens, polls = services.tokens._known, services.polls._known
    shown = services.result_handlers.encodings._shown

    def remembered() -> list[bool]:
        return [
            any(caller.user_id == user for caller in tokens.values()),
            any(str(one.poll.user_id) == user for one in polls.values()),
            any(user.encode() in one.body for one in shown.values()),
        ]

    assert remembered() == [True] * 3
    await ask_to_erase(client, user)
    await services.personal.departures.look()
    assert remembered() == [False] * 3
