"""The other commands: tokens, recounts, exports, indexes, settings."""

from __future__ import annotations

import httpx
from pydantic import SecretStr
from redis.asyncio import Redis

from quickpoll.counting.keys import Keys
from quickpoll.factory import create_app
from quickpoll.localrun.embedded import StoreAddresses
from quickpoll.settings import Settings
from tests.builders import create_poll, option, vote
from tests.conftest import bearer, secret, served
from tests.integration.cli.commands import Run, failed, other, owner


async def test_a_token_is_one_that_the_service_takes(
    quart: Run, service: httpx.AsyncClient
) -> None:
    poll = await create_poll(service, owner)
    path = f"/api/poll/export-poll/{poll['id']}"
    statuses = {}
    for user, *more in ((owner,), (other.upper(),), (other, "--admin", "--ttl", "60")):
        done = await quart("token", "--user-id", user, *more)
        assert (done.exit_code, len(done.stdout.split())) == (0, 1)
        token = {"Authorization": f"Bearer {done.stdout.strip()}"}
        statuses[user, *more] = (await service.get(path, headers=token)).status_code
    assert list(statuses.values()) == [200, 403, 200]


async def test_a_token_has_the_claims_that_are_asked_for(quart: Run, settings: Settings) -> None:
    claims = {
        "jwt_issuer": "https://id.example",
        "jwt_audience": ("polls", "others"),
        "jwt_user_id_claim": "uid",
    }
    done = await quart("token", "--user-id", owner, "--ttl", "60", **claims)
    asked = settings.model_copy(update=claims)
    async with served(create_app(asked)) as client:
        token = {"Authorization": f"Bearer {done.stdout.strip()}"}
        assert (await client.get("/api/poll/get-all-polls", headers=token)).status_code == 200


async def test_without_a_secret_only_the_issuer_signs(quart: Run) -> None:
    elsewhere = {"jwt_secret_key": None, "jwt_jwks_url": "http://127.0.0.1:1/keys"}
    failed(await quart("token", "--user-id", owner, **elsewhere), 1, "JWT_SECRET_KEY")


async def test_recount_prints_and_mends_each_difference(
    quart: Run, settings: Settings, stores: StoreAddresses
) -> None:
    # While the service runs it would mend the count by itself.
    async with served(create_app(settings)) as client:
        poll = await create_poll(client, owner)
        await vote(client, poll, 0, other)
    assert "0 mended" in (await quart("recount")).stdout
    key = Keys(settings.redis_prefix).option(poll["id"], option(poll, 0))
    async with Redis(host=stores.redis_host, port=stores.redis_port) as redis:
        await redis.set(key, 99)

        done = await quart("recount", poll["id"].upper())

        assert done.exit_code == 0, done.stderr
        assert f"{poll['id']} {option(poll, 0)}: 99 in Redis, 1 in MongoDB, mended" in done.stdout
        assert "1 polls counted, 1 mended." in done.stdout
        assert await redis.get(key) == b"1"
    assert "0 mended" in (await quart("recount")).stdout


async def test_export_is_what_the_route_answers(quart: Run, service: httpx.AsyncClient) -> None:
    poll = await create_poll(service, owner, texts=("=1", "b"), results="owner")
    await vote(service, poll, 0, other)
    for kind in ("csv", "json"):
        path = f"/api/poll/export-poll/{poll['id']}?format={kind}"
        answer = await service.get(path, headers=bearer(owner))
        done = await quart("export", poll["id"], "--format", kind)
        assert done.exit_code == 0
        assert done.stdout.split() == answer.text.split()


async def test_indexes_are_made_and_listed(quart: Run) -> None:
    for _ in range(2):
        done = await quart("indexes")
        assert (done.exit_code, done.stderr) == (0, "")
        assert "vote.one_ballot: userId 1, pollId 1 unique" in done.stdout
        assert "like.one_like: userId 1, pollId 1 unique" in done.stdout


async def test_settings_show_no_secret(quart: Run, settings: Settings) -> None:
    secrets = {
        "api_redis_password": SecretStr("hidden-redis"),
        "api_metrics_token": SecretStr("hidden-metrics"),
        "api_database_url": SecretStr("mongodb://user:hidden-mongo@127.0.0.1:1/polls"),
    }
    done = await quart("settings", **secrets)

    assert (done.exit_code, done.stderr) == (0, "")
    shown = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert set(shown) == {name.upper() for name in Settings.model_fields}
    assert "hidden" not in done.stdout
    assert secret not in done.stdout
    assert "127.0.0.1:1/polls" in shown["API_DATABASE_URL"]
    assert shown["API_RATE_LIMITS"] == "off"
