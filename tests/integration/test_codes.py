"""Short codes: given out to owners, followed by anybody, and worth nothing to who guesses."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from bson import ObjectId

from quickpoll.composition import Services
from quickpoll.factory import create_app
from quickpoll.settings import Settings
from quickpoll.sharing import rules
from quickpoll.sharing.models import ShareCode
from quickpoll.sharing.pages import SharedPage
from tests.builders import create_poll
from tests.conftest import bearer, served

owner, stranger = "0a" * 12, "0b" * 12
ago = timedelta


async def share(client: httpx.AsyncClient, poll_id: str, user: str = owner) -> httpx.Response:
    """Ask for the code of a poll."""
    return await client.post(f"/api/poll/share-poll/{poll_id}", headers=bearer(user))


async def code_of(client: httpx.AsyncClient, poll_id: str) -> str:
    """The code of a poll."""
    answer = await share(client, poll_id)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["code"])


@pytest.fixture
async def poll(client: httpx.AsyncClient) -> dict[str, Any]:
    """A poll of the owner's."""
    return await create_poll(client, owner)


async def test_a_code_is_the_same_again_and_leads_to_the_poll(
    client: httpx.AsyncClient, poll: dict[str, Any]
) -> None:
    first, second = await share(client, poll["id"]), await share(client, poll["id"].upper())
    assert first.status_code == 200
    assert first.json() == second.json()
    code = first.json()["code"]
    assert len(code) == 6
    assert set(code) <= set("23456789ABCDEFGHJKMNPQRSTVWXYZ")
    assert first.json()["address"] == f"http://test/j/{code}"
    for typed in (code, code.lower(), f"{code[:3]}-{code[3:]}", f" {code[:2]} {code[2:]} "):
        answer = await client.get(f"/j/{typed}")
        assert (answer.status_code, answer.headers["Location"]) == (302, f"/polls/{poll['id']}")
    assert (await client.get(f"/J/{code}?lang=fr")).headers["Location"].endswith("?lang=fr")
    assert (await client.head(f"/j/{code}")).status_code == 302
    form = await client.get("/j", params={"code": code.lower()})
    assert form.headers["Location"] == f"/polls/{poll['id']}"


async def test_of_many_who_share_at_once_all_get_one_code(
    client: httpx.AsyncClient, poll: dict[str, Any], settings: Settings
) -> None:
    async with served(create_app(settings)) as other:
        asked = [share(one, poll["id"]) for one in (client, other) * 10]
        answers = await asyncio.gather(*asked)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1


async def test_owners_and_admins_share_and_nobody_else(
    client: httpx.AsyncClient, poll: dict[str, Any]
) -> None:
    assert (await share(client, poll["id"], stranger)).status_code == 403
    admin = bearer(stranger, roles=["admin"])
    answer = await client.post(f"/api/poll/share-poll/{poll['id']}", headers=admin)
    assert answer.json()["code"] == await code_of(client, poll["id"])
    missing = await share(client, "0" * 24)
    assert (missing.status_code, missing.json()["code"]) == (404, "poll_not_found")
    path = f"/api/session/share-session/{'0' * 24}"
    missing = await client.post(path, headers=bearer(owner))
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    assert (await client.post("/api/poll/share-poll/x", headers=bearer(owner))).status_code == 422


async def test_the_pages_of_codes(client: httpx.AsyncClient) -> None:
    for path in ("/j/", "/J", "/j?lang=de"):
        assert (await client.get(path)).status_code == 200
    empty = await client.get("/j")
    assert empty.status_code == 200
    assert "form-action 'self'" in empty.headers["Content-Security-Policy"]
    for wrong in ("222222", "no", "0", "%F0%9F%8E%89", "a/b", "2" * 500):
        answer = await client.get(f"/j/{wrong}", headers={"Accept-Language": "de"})
        assert answer.status_code == 404
        assert 'name="code"' in answer.text
        assert answer.headers["Content-Language"] == "de"
    hostile = await client.get("/j", params={"code": '"><script>x</script>'})
    assert "<script>x" not in hostile.text
    data = await client.get("/j/222222", headers={"Accept": "application/json"})
    assert data.json()["code"] == "not_found"


async def test_after_a_hundred_wrong_codes_an_address_is_refused_until_the_minute_is_over(
    client: httpx.AsyncClient, poll: dict[str, Any], settings: Settings, services: Services
) -> None:
    code = await code_of(client, poll["id"])
    async with served(create_app(settings)) as other:
        asked = [one.get("/j/222222") for one in (client, other) * 60]
        statuses = [answer.status_code for answer in await asyncio.gather(*asked)]
        assert (statuses.count(404), statuses.count(429)) == (100, 20)
        for one in (client, other):
            answer = await one.get(f"/j/{code}")
            assert answer.status_code == 429
            assert 0 < int(answer.headers["Retry-After"]) <= 60
    elsewhere = httpx.ASGITransport(app=client._transport.app, client=("192.0.2.7", 1))  # type: ignore[attr-defined]
    async with httpx.AsyncClient(transport=elsewhere, base_url="http://test") as neighbour:
        assert (await neighbour.get(f"/j/{code}")).status_code == 302
    left = await services.redis.call(
        "PTTL", f"{settings.api_redis_prefix}limit:{{wrong-codes}}:127.0.0.1"
    )
    assert 0 < left <= 60_000


async def test_right_codes_are_never_too_many(
    client: httpx.AsyncClient, poll: dict[str, Any]
) -> None:
    code = await code_of(client, poll["id"])
    answers = await asyncio.gather(*[client.get(f"/j/{code}") for _ in range(150)])
    assert {answer.status_code for answer in answers} == {302}


async def test_a_deleted_poll_has_no_code_and_nobody_else_gets_it(
    client: httpx.AsyncClient, poll: dict[str, Any], services: Services
) -> None:
    code = await code_of(client, poll["id"])
    await client.delete(f"/api/poll/delete-poll/{poll['id']}", headers=bearer(owner))
    assert (await client.get(f"/j/{code}")).status_code == 404
    kept = await services.engine.get_collection(ShareCode).find_one({"code": code})
    assert kept is not None
    assert kept["living"] is False
    assert kept["endedAt"] is not None


async def test_a_code_that_has_ended_stays_ended_when_its_poll_is_opened_again(
    client: httpx.AsyncClient, poll: dict[str, Any], services: Services
) -> None:
    code = await code_of(client, poll["id"])
    await client.post(f"/api/poll/close-poll/{poll['id']}", headers=bearer(owner))
    assert (await client.get(f"/j/{code}")).status_code == 302
    await client.post(f"/api/poll/reopen-poll/{poll['id']}", headers=bearer(owner))
    assert await code_of(client, poll["id"]) == code
    await client.post(f"/api/poll/close-poll/{poll['id']}", headers=bearer(owner))
    await _long_ago(services, poll["id"])
    await services.sharing.codes.sweep()
    await client.post(f"/api/poll/reopen-poll/{poll['id']}", headers=bearer(owner))
    assert (await client.get(f"/j/{code}")).status_code == 404
    assert await code_of(client, poll["id"]) != code


async def _long_ago(services: Services, poll_id: str) -> None:
    """The poll was closed two days ago, and its code made before that."""
    then = datetime.now(UTC) - timedelta(days=2)
    polls = services.polls._polls
    await polls.update_one({"_id": ObjectId(poll_id)}, {"$set": {"closedAt": then}})
    codes = services.engine.get_collection(ShareCode)
    await codes.update_many({}, {"$set": {"createdAt": then}})


@pytest.mark.parametrize(
    ("over_since", "created", "ended"),
    [
        (None, 900, False),
        (23, 900, False),
        (24, 900, True),
        (48, 1, False),
        (48, 24, True),
    ],
)
def test_how_long_a_code_lives(over_since: int | None, created: int, ended: bool) -> None:
    now = datetime(2030, 1, 31, tzinfo=UTC)
    since = None if over_since is None else now - timedelta(hours=over_since)
    page = SharedPage("/polls/x", since)
    assert rules.has_ended(page, now - timedelta(hours=created), now) is ended
    assert rules.has_ended(None, now, now)


def test_codes_have_no_vowels_and_all_other_signs() -> None:
    drawn = set("".join(rules.new_code() for _ in range(2_000)))
    assert drawn == set("23456789BCDFGHJKMNPQRSTVWXYZ")


def test_codes_are_read_as_people_type_them() -> None:
    assert rules.read_code("\uff17\uff4b\uff13m \u2013 9Q\u200b") == "7K3M9Q"
    for wrong in ("", "7K3M9", "7K3M9QX", "7K3M9O", "7K3M9i", "ß" * 6, "7" * 65):
        assert rules.read_code(wrong) is None


async def test_a_host_that_is_none_makes_no_broken_address(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner)
    headers = {**bearer(owner), "Host": "no host"}
    answer = await client.post(f"/api/poll/share-poll/{poll['id']}", headers=headers)
    assert answer.status_code == 200
    assert answer.json()["address"] == f"/j/{answer.json()['code']}"
