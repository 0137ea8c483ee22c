"""The whole service beside an issuer that publishes its keys."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from quickpoll.factory import create_app
from quickpoll.localrun.embedded import StoreAddresses
from tests.conftest import environment, served, settings_from, sign
from tests.integration.jwks_harness import hmac_with, pem
from tests.issuers import Publisher, signed, user

path = "/api/poll/get-all-polls"


@pytest.fixture
def app_of(stores: StoreAddresses, name: str) -> Callable[..., Awaitable[Any]]:
    def make(**variables: str) -> Any:
        given = environment(stores, name, **variables)
        return create_app(settings_from({name: value for name, value in given.items() if value}))

    return make


def bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_both_secret_and_issuer(publisher: Publisher, app_of: Callable[..., Any]) -> None:
    async with served(app_of(JWT_JWKS_URL=publisher.url)) as client:
        answers = [
            await client.get(path, headers=bearing(token))
            for token in (signed("RS256"), sign(user), hmac_with(pem("RS256")))
        ]

    assert [one.status_code for one in answers] == [200, 200, 401]


async def test_before_the_first_keys_nobody_is_told_that_their_token_is_bad(
    publisher: Publisher, app_of: Callable[..., Any]
) -> None:
    publisher.stop()
    app = app_of(JWT_JWKS_URL=publisher.url, JWT_SECRET_KEY="")
    async with served(app) as client:
        good = await client.get(path, headers=bearing(signed("RS256")))
        codes = [
            (await client.get(path, headers=headers)).status_code
            for headers in ({}, bearing("x.y.z"), bearing(sign(user)))
        ]
        ready = await client.get("/health/ready")

        publisher.start()
        later = good
        while later.status_code == 503:
            await asyncio.sleep(0.05)
            later = await client.get(path, headers=bearing(signed("RS256")))

        assert (good.status_code, good.json()["code"]) == (503, "unavailable")
        assert good.headers["Retry-After"] == "1"
        assert codes == [401, 401, 401]
        assert (ready.status_code, ready.json()["degraded"]) == (200, ["issuer"])
        assert later.status_code == 200
        assert (await client.get("/health/ready")).json()["status"] == "ready"


async def test_issuer_audience_and_leeway_hold_for_published_keys(
    publisher: Publisher, app_of: Callable[..., Any]
) -> None:
    app = app_of(
        JWT_JWKS_URL=publisher.url,
        JWT_ALGORITHMS="RS256",
        JWT_ISSUER="https://id.example",
        JWT_AUDIENCE="quickpoll,other",
        API_JWT_LEEWAY="30",
        JWT_SECRET_KEY="",
    )
    good = {"iss": "https://id.example", "aud": ["quickpoll"]}
    claims: dict[str, tuple[dict[str, Any], str | None]] = {
        "good": (good, None),
        "late": ({**good, "exp": time.time() - 10}, None),
        "early": ({**good, "nbf": time.time() + 10}, None),
        "too late": ({**good, "exp": time.time() - 40}, "expired_token"),
        "too early": ({**good, "nbf": time.time() + 40}, "invalid_token"),
        "issuer": ({**good, "iss": "https://id.example/"}, "invalid_token"),
        "audience": ({**good, "aud": "quickpoll2"}, "invalid_token"),
        "no audience": ({"iss": good["iss"]}, "invalid_token"),
        "no issuer": ({"aud": "quickpoll"}, "invalid_token"),
    }
    async with served(app) as client:
        for how, (one, code) in claims.items():
            answer = await client.get(path, headers=bearing(signed("RS256", **one)))
            told = answer.json().get("code") if answer.status_code != 200 else None
            assert told == code, how
