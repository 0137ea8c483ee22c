"""What docs/operations.md calls enough is enough, and nothing in it is too much: the very lines of
the page, on real servers that ask who is there."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx
import pytest

from quickpoll.auth.caller import Caller
from quickpoll.composition import Services
from quickpoll.factory import create_app
from quickpoll.localrun.child_process import LOOPBACK
from quickpoll.localrun.embedded import StoreAddresses
from tests.builders import create_poll, look, vote
from tests.checkout import root
from tests.conftest import bearer, environment, served, settings_from
from tests.guests import join, with_guests
from tests.integration.redis_servers import Valkey
from tests.integration.secured_stores import SecuredMongo

owner = "a" * 24
page = (root / "docs" / "operations.md").read_text()


def acl_line() -> list[str]:
    """The words of the page's ``ACL SETUSER``."""
    found = re.search(r"^ACL SETUSER (quickpoll .*)$", page, re.MULTILINE)
    assert found is not None
    return found[1].split()


def role() -> dict[str, Any]:
    """The page's ``db.createRole``."""
    found = re.search(r"^db\.createRole\((\{.*?\})\)$", page, re.MULTILINE | re.DOTALL)
    assert found is not None
    parsed: dict[str, Any] = json.loads(found[1])
    return parsed


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    server = Valkey(tmp_path, "valkey").start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def mongo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredMongo]:
    server = SecuredMongo(tmp_path_factory.mktemp("secured")).start_secured()
    yield server
    server.stop()


async def use(client: httpx.AsyncClient, services: Services) -> None:
    """Everything that the service does with its stores."""
    poll = await create_poll(client, owner, allowVoteChange=True)
    voter, path = token_hex(12), f"/api/poll/{{}}/{poll['id']}"
    for place in (0, 0, 1):
        assert (await vote(client, poll, place, voter)).status_code in (200, 201)
    for method, name in (
        ("PUT", "like-poll"),
        ("DELETE", "like-poll"),
        ("GET", "poll-timeline"),
        ("GET", "export-poll"),
        ("DELETE", "ballot"),
        ("PATCH", "update-poll"),
        ("POST", "close-poll"),
        ("POST", "reopen-poll"),
        ("GET", "get-all-polls"),
    ):
        body = {"visibility": "unlisted"} if method == "PATCH" else None
        where = "/api/poll/get-all-polls" if name == "get-all-polls" else path.format(name)
        user = voter if name == "ballot" else owner
        answer = await client.request(method, where, headers=bearer(user), json=body)
        assert answer.status_code < 300, (name, answer.text)
    shown = await look(client, poll, owner)
    assert shown["votersCount"] == 0
    await services.reconciler.settle_all()
    for _ in range(3):
        await services.reconciler.round()
    await use_sessions(client, services)
    deleted = await client.delete(path.format("delete-poll"), headers=bearer(owner))
    assert deleted.status_code == 204


async def use_sessions(client: httpx.AsyncClient, services: Services) -> None:
    """A guest who follows a session, and a code that leads nowhere."""
    guest = await join(client)
    assert (await client.get("/j/222222")).status_code == 404
    made = await client.post(
        "/api/session/create-session",
        json={"title": "Party", "guests": "open"},
        headers=bearer(owner),
    )
    session = made.json()["id"]
    caller = services.audience.enter("x", Caller(guest["userId"], guest=True)).caller
    services.session_relay.join("x", session)
    await services.session_relay.snapshot(caller, session)
    await services.attendance.round()


async def test_the_redis_acl_of_the_page_is_enough(
    stores: StoreAddresses, name: str, valkey: Valkey
) -> None:
    user, *rights = acl_line()
    valkey.ask("ACL", "SETUSER", user, *rights)
    password = next(one[1:] for one in rights if one.startswith(">"))
    url = f"redis://{user}:{password}@{LOOPBACK}:{valkey.port}"
    prefix = next(one[1:-1] for one in rights if one.startswith("~"))
    more = {"API_REDIS_URL": url, "API_REDIS_PREFIX": prefix, "API_RATE_LIMITS": "on"}
    app = create_app(with_guests(settings_from(environment(stores, name, **more))))
    async with served(app) as client:
        services: Services = app.extensions["quickpoll"]
        await use(client, services)
        await services.limit_sharing.share()
        await services.store_watch.look()
        assert (await client.get("/health/ready")).json() == {"status": "ready"}
        assert services.redis.failure is None
    denied = await asyncio.to_thread(valkey.ask, "ACL", "LOG")
    assert denied == []
    # And it does not reach what is others'.
    asked = valkey.ask("ACL", "DRYRUN", user, "GET", "somebody-else's")
    assert "no permissions" in str(asked).lower()


async def test_nothing_in_the_redis_acl_is_unused(
    stores: StoreAddresses, name: str, valkey: Valkey
) -> None:
    _, *rights = acl_line()
    named = {one[1:].partition("|")[0] for one in rights if re.fullmatch(r"\+[a-z|]+", one)}
    valkey.ask("CONFIG", "RESETSTAT")
    url = f"redis://{LOOPBACK}:{valkey.port}"
    more = {"API_REDIS_URL": url, "API_RATE_LIMITS": "on"}
    app = create_app(with_guests(settings_from(environment(stores, name, **more))))
    async with served(app) as client:
        services: Services = app.extensions["quickpoll"]
        await use(client, services)
        await services.limit_sharing.share()
        await services.store_watch.look()
    seen = valkey.ask("INFO", "commandstats")
    used = {one.removeprefix("cmdstat_").partition("|")[0] for one in seen}
    rare = {"pexpire", "eval", "unsubscribe"}
    assert named - rare <= used
    assert used - {"config", "acl"} <= named


async def test_the_mongodb_role_of_the_page_is_enough(
    stores: StoreAddresses, name: str, mongo: SecuredMongo
) -> None:
    shown = role()
    for privilege in shown["privileges"]:
        assert privilege["resource"]["db"] == "quickpoll"
        privilege["resource"]["db"] = name
    rest = {key: value for key, value in shown.items() if key != "role"}
    await asyncio.to_thread(mongo.command, "createRole", f"r{name}", **rest)
    await asyncio.to_thread(mongo.command, "createUser", f"u{name}", pwd="p", roles=[f"r{name}"])
    url = mongo.url_of(f"u{name}", "p", name)
    variables = environment(stores, name, API_DATABASE_URL=url)
    app = create_app(with_guests(settings_from(variables)))
    async with served(app) as client:
        services: Services = app.extensions["quickpoll"]
        await use(client, services)
        await services.schema.create()
        assert (await client.get("/health/ready")).json() == {"status": "ready"}
