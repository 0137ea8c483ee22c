"""docs/issuers.md, tried: the settings of each issuer, and a token of the shape it gives out."""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import httpx
import jwt
import pytest

from quickpoll.factory import create_app
from quickpoll.localrun.embedded import StoreAddresses
from tests.checkout import root
from tests.conftest import environment, secret, served, settings_from
from tests.issuers import Publisher, private_key, public_jwk

document = (root / "docs" / "issuers.md").read_text("utf-8")
life = 300


def section(heading: str) -> str:
    """The part of the page under a heading."""
    return document.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def block(heading: str, language: str, number: int = 0) -> str:
    """A block of code under a heading."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", section(heading), re.M | re.S)
    return str(blocks[number])


def variables(heading: str) -> dict[str, str]:
    """The settings under a heading."""
    return dict(line.split("=", 1) for line in block(heading, "sh").splitlines())


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    """Publishes keys as both issuers do: Keycloak has one for encryption beside it, Auth0
    certificates within."""
    encryption = public_jwk("RS256", "second", use="enc", alg="RSA-OAEP")
    certified = public_jwk("RS256", x5c=["MIIC"], x5t="Zm9v")
    running = Publisher(encryption, certified).start()
    yield running
    running.stop()


@asynccontextmanager
async def service(
    stores: StoreAddresses, name: str, given: dict[str, str]
) -> AsyncIterator[httpx.AsyncClient]:
    """The service with these settings and no other for tokens."""
    known = environment(stores, name) | {"JWT_SECRET_KEY": ""} | given
    chosen = {name: value for name, value in known.items() if value}
    async with served(create_app(settings_from(chosen))) as client:
        yield client


async def me(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.get("/api/user/me", headers={"Authorization": f"Bearer {token}"})


def signed(claims: dict[str, Any], typ: str = "JWT") -> str:
    """By the private half of the published key."""
    headers = {"kid": "first", "typ": typ}
    return jwt.encode(claims, private_key("RS256", "first"), "RS256", headers=headers)


def as_issued_now(claims: dict[str, Any]) -> dict[str, Any]:
    """The page's token, of today."""
    now = int(time.time())
    return {**claims, "iat": now, "exp": now + life}


def moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize("issuer", ["Keycloak", "Auth0"])
@pytest.mark.parametrize("typ", ["JWT", "at+jwt"])
async def test_a_token_is_read_as_the_page_says(
    stores: StoreAddresses, name: str, publisher: Publisher, issuer: str, typ: str
) -> None:
    claims, expected = (json.loads(block(issuer, "json", number)) for number in (0, 1))
    given = variables(issuer) | {"JWT_JWKS_URL": publisher.url}
    async with service(stores, name, given) as client:
        token = signed(today := as_issued_now(claims), typ)
        answer = await me(client, token)
        everybody = await client.get(
            "/api/poll/get-poll-by-user-id/" + "0" * 24,
            headers={"Authorization": f"Bearer {token}"},
        )
    assert moment(expected["expiresAt"]) == claims["exp"]
    assert moment(answer.json()["expiresAt"]) == today["exp"]
    assert answer.json() == {**expected, "expiresAt": answer.json()["expiresAt"]}
    assert everybody.status_code == 200  # the page's token is an administrator's


@pytest.mark.parametrize("issuer", ["Keycloak", "Auth0"])
@pytest.mark.parametrize(
    "change",
    [{"aud": "account"}, {"aud": None}, {"iss": "https://evil.example/"}, {"sub": None}],
    ids=["of another service", "for nobody", "of another issuer", "of nobody"],
)
async def test_another_token_of_the_same_issuer_is_refused(
    stores: StoreAddresses, name: str, publisher: Publisher, issuer: str, change: dict[str, Any]
) -> None:
    whole = as_issued_now(json.loads(block(issuer, "json"))) | change
    claims = {claim: value for claim, value in whole.items() if value is not None}
    given = variables(issuer) | {"JWT_JWKS_URL": publisher.url}
    async with service(stores, name, given) as client:
        answer = await me(client, signed(claims))
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


async def test_roles_of_a_keycloak_client(
    stores: StoreAddresses, name: str, publisher: Publisher
) -> None:
    (claim,) = re.findall(r"`JWT_ROLES_CLAIM=(resource_access\S+)`", section("Keycloak"))
    claims = as_issued_now(json.loads(block("Keycloak", "json")))
    claims["resource_access"]["quickpoll"] = {"roles": ["admin"]}
    given = variables("Keycloak") | {"JWT_JWKS_URL": publisher.url, "JWT_ROLES_CLAIM": claim}
    async with service(stores, name, given) as client:
        assert (await me(client, signed(claims))).json()["roles"] == ["admin"]


async def test_an_issuer_of_your_own(
    stores: StoreAddresses, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JWT_SECRET_KEY", secret)
    scope: dict[str, Any] = {}
    exec(block("Your own", "python"), scope)  # noqa: S102 - the page's own example
    given = variables("Your own") | {"JWT_SECRET_KEY": secret}
    async with service(stores, name, given) as client:
        plain = (await me(client, scope["token_for"]("4711"))).json()
        admin = (await me(client, scope["token_for"]("4711", administrator=True))).json()
    assert (plain["roles"], admin["roles"]) == ([], ["admin"])
    assert plain["userId"] == admin["userId"]
    assert len(plain["userId"]) == 24
