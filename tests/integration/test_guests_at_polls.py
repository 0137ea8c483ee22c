"""What guests may do at polls, and what a poll that admits none keeps from them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from quart import Quart

from quickpoll.composition import Services
from quickpoll.factory import create_app
from quickpoll.settings import Settings
from tests.builders import create_poll, look, option, vote
from tests.conftest import bearer, served
from tests.guests import as_guest, join, with_guests

owner = "65f1c0ffee0000000000d001"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return with_guests(settings)


class Guest:
    """A guest with the requests that guests may make."""

    def __init__(self, client: httpx.AsyncClient, token: str) -> None:
        self.client, self.token = client, token

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        return await self.client.request(method, path, headers=as_guest(self.token), **more)

    async def everything(self, poll: dict[str, Any]) -> list[tuple[str, int, str]]:
        """What comes of each request about a poll."""
        path, body = "/api/poll/{}/" + poll["id"], {"optionIds": [option(poll, 1)]}
        asked: list[tuple[str, str, Any]] = [
            ("GET", path.format("get-poll-by-id"), None),
            ("HEAD", path.format("get-poll-by-id"), None),
            ("POST", path.format("vote-on-poll") + f"/{option(poll, 0)}", None),
            ("PUT", path.format("ballot"), body),
            ("GET", path.format("ballot"), None),
            ("POST", path.format("like-poll"), None),
            ("PUT", path.format("like-poll"), None),
            ("DELETE", path.format("like-poll"), None),
            ("GET", path.format("poll-timeline"), None),
            ("GET", path.format("poll-history"), None),
            ("DELETE", path.format("ballot"), None),
        ]
        found = []
        for method, address, json in asked:
            answer = await self.ask(method, address, json=json)
            code = "" if answer.is_success or method == "HEAD" else answer.json()["code"]
            found.append((f"{method} {address.split('/')[3]}", answer.status_code, code))
        return found


@pytest.mark.parametrize("fast_path", [True, False])
async def test_a_poll_that_is_open_to_guests(settings: Settings, fast_path: bool) -> None:
    async with served(create_app(settings, fast_path=fast_path)) as client:
        poll = await create_poll(client, owner, guests="open", allowVoteChange=True)
        guest = Guest(client, (await join(client))["token"])
        assert [status for _, status, _ in await guest.everything(poll)] == [
            200, 200, 201, 200, 200, 200, 200, 200, 200, 200, 204,
        ]  # fmt: skip


@pytest.mark.parametrize("guests", ["off", "invited"])
@pytest.mark.parametrize("fast_path", [True, False])
async def test_a_poll_that_does_not_admit_them(
    settings: Settings, fast_path: bool, guests: str
) -> None:
    async with served(create_app(settings, fast_path=fast_path)) as client:
        poll = await create_poll(client, owner, guests=guests, allowVoteChange=True)
        guest = Guest(client, (await join(client))["token"])
        for name, status, code in await guest.everything(poll):
            assert status == 403, name
            assert code in ("guests_not_allowed", ""), name
        assert (await look(client, poll, owner))["counts"]["likes"] == 0
        missing = {**poll, "id": "0" * 24}
        assert {one[1] for one in await guest.everything(missing)} == {404}


async def test_everything_else_refuses_them(app: Quart, client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, guests="open")
    guest = Guest(client, (await join(client))["token"])
    for method, path in (
        ("POST", "create-poll"),
        ("POST", "create-polls"),
        ("GET", "get-all-polls"),
        ("GET", f"get-poll-by-user-id/{poll['userId']}"),
        ("PATCH", f"update-poll/{poll['id']}"),
        ("POST", f"close-poll/{poll['id']}"),
        ("POST", f"reopen-poll/{poll['id']}"),
        ("DELETE", f"delete-poll/{poll['id']}"),
        ("GET", f"export-poll/{poll['id']}"),
        ("POST", f"duplicate-poll/{poll['id']}"),
        ("POST", f"invite-guests/{poll['id']}"),
        ("DELETE", f"invite-guests/{poll['id']}"),
    ):
        answer = await guest.ask(method, f"/api/poll/{path}")
        assert (answer.status_code, answer.json()["code"]) == (403, "guests_not_allowed"), path
    assert (await guest.ask("GET", "/api/poll/no-such-route")).status_code == 404


async def test_a_change_shuts_guests_out_on_every_instance(
    settings: Settings, client: httpx.AsyncClient
) -> None:
    async with served(create_app(settings)) as other:
        poll = await create_poll(client, owner, guests="open")
        guest = Guest(other, (await join(other))["token"])
        path = f"/api/poll/get-poll-by-id/{poll['id']}"
        assert (await guest.ask("GET", path)).status_code == 200  # the other one remembers it

        change = await client.patch(
            f"/api/poll/update-poll/{poll['id']}", json={"guests": "off"}, headers=bearer(owner)
        )

        assert change.status_code == 200
        for name, status, _ in await guest.everything(poll):
            assert status == 403, name
        seen = await look(client, poll, owner)
        assert (seen["votersCount"], seen["counts"]["likes"]) == (0, 0)


async def test_an_old_memory_of_a_poll_lets_nobody_in(
    services: Services, client: httpx.AsyncClient
) -> None:
    poll = await create_poll(client, owner, guests="open", allowVoteChange=True)
    guest = Guest(client, (await join(client))["token"])
    before = await services.polls.get(poll["id"])
    path = f"/api/poll/update-poll/{poll['id']}"
    await client.patch(path, json={"guests": "off"}, headers=bearer(owner))

    for method, name, rest, json in (
        ("POST", "vote-on-poll", f"/{option(poll, 0)}", None),
        ("PUT", "ballot", "", {"optionIds": [option(poll, 0)]}),
        ("PUT", "like-poll", "", None),
        ("GET", "ballot", "", None),
        ("GET", "get-poll-by-id", "", None),
        ("GET", "poll-history", "", None),
    ):
        services.polls.forget(poll["id"])
        services.polls.remember(before.poll)  # as where the news has not come yet
        answer = await guest.ask(method, f"/api/poll/{name}/{poll['id']}{rest}", json=json)
        assert (answer.status_code, answer.json()["code"]) == (403, "guests_not_allowed"), name
    seen = await look(client, poll, owner)
    assert (seen["votersCount"], seen["counts"]["likes"]) == (0, 0)


async def test_an_old_memory_of_a_poll_keeps_nobody_out(
    services: Services, client: httpx.AsyncClient
) -> None:
    poll = await create_poll(client, owner)
    guest = Guest(client, (await join(client))["token"])
    before = await services.polls.get(poll["id"])
    path = f"/api/poll/update-poll/{poll['id']}"
    await client.patch(path, json={"guests": "open"}, headers=bearer(owner))
    services.polls.forget(poll["id"])
    services.polls.remember(before.poll)
    vote_path = f"/api/poll/vote-on-poll/{poll['id']}/{option(poll, 0)}"
    assert (await guest.ask("POST", vote_path)).status_code == 201


async def test_whom_a_poll_admits_is_fixed_with_the_first_vote(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, guests="open")
    guest = Guest(client, (await join(client))["token"])
    path = f"/api/poll/vote-on-poll/{poll['id']}/{option(poll, 0)}"
    assert (await guest.ask("POST", path)).status_code == 201
    for guests in ("off", "invited"):
        change = await client.patch(
            f"/api/poll/update-poll/{poll['id']}", json={"guests": guests}, headers=bearer(owner)
        )
        assert (change.status_code, change.json()["code"]) == (409, "locked")


async def test_the_export_tells_accounts_and_guests_apart(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, guests="open", allowVoteChange=True)
    guests = [Guest(client, (await join(client))["token"]) for _ in range(3)]
    ballot = f"/api/poll/ballot/{poll['id']}"
    for guest in guests:
        await guest.ask("PUT", ballot, json={"optionIds": [option(poll, 0)]})
    await guests[0].ask("DELETE", ballot)
    await guests[1].ask("DELETE", ballot)
    await guests[1].ask("PUT", ballot, json={"optionIds": [option(poll, 1)]})
    for user in ("a", "b"):
        await vote(client, poll, 2, user * 24)

    answer = await client.get(f"/api/poll/export-poll/{poll['id']}", headers=bearer(owner))

    assert answer.json()["ballots"] == {"accounts": 2, "guests": 2}
    assert answer.json()["votersCount"] == 4
    table = await client.get(
        f"/api/poll/export-poll/{poll['id']}?format=csv", headers=bearer(owner)
    )
    assert table.text.splitlines()[0].endswith("option,votes,percent")


async def test_a_ballot_that_a_fence_left_empty_becomes_a_guests(
    app: Quart, client: httpx.AsyncClient
) -> None:
    """A retraction where there is no ballot leaves an empty one, which says of nobody who it is."""
    poll = await create_poll(client, owner, guests="open", allowVoteChange=True)
    guest = Guest(client, (await join(client))["token"])
    ballot = f"/api/poll/ballot/{poll['id']}"
    assert (await guest.ask("DELETE", ballot)).status_code == 204
    answer = await guest.ask("PUT", ballot, json={"optionIds": [option(poll, 0)]})
    assert answer.status_code == 201
    export = await client.get(f"/api/poll/export-poll/{poll['id']}", headers=bearer(owner))
    assert export.json()["ballots"] == {"accounts": 0, "guests": 1}
