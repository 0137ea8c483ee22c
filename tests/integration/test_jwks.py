"""Tokens of an issuer that publishes its keys: rotation, outages, and no confusion of keys."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from quickpoll.auth.issuer import Issuer
from quickpoll.auth.keys import KeyRing, SharedSecret
from quickpoll.auth.refusals import Reason
from quickpoll.auth.tokens import Tokens
from quickpoll.errors import InvalidToken, Unavailable
from quickpoll.factory import create_app
from quickpoll.foundation.http.download import DownloadFailed, download
from quickpoll.localrun.embedded import StoreAddresses
from tests.conftest import environment, secret, served, settings_from, sign
from tests.issuers import Publisher, private_key, public_jwk, signed, user

every = ("HS256", "RS256", "RS384", "PS256", "PS512", "ES256", "ES384", "ES512", "EdDSA")
path = "/api/poll/get-all-polls"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    running = Publisher(public_jwk("RS256")).start()
    yield running
    running.stop()


@asynccontextmanager
async def tokens_of(
    publisher: Publisher, clock: Clock | None = None, fetch: Any = download
) -> AsyncIterator[Tokens]:
    issuer = Issuer(publisher.url, every, clock=clock or Clock(), fetch=fetch)
    tokens = Tokens(KeyRing(SharedSecret(secret, every), issuer))
    issuer.on_loss(tokens.forget_all)
    issuer.start()
    try:
        yield tokens
    finally:
        await issuer.aclose()


async def accepted(tokens: Tokens, token: str) -> bool:
    try:
        return (await tokens.verify(token)).user_id == user
    except InvalidToken:
        return False


@pytest.mark.parametrize("algorithm", every[1:])
async def test_every_kind_of_key_verifies(publisher: Publisher, algorithm: str) -> None:
    publisher.keys = [public_jwk(algorithm)]
    async with tokens_of(publisher) as tokens:
        assert await accepted(tokens, signed(algorithm))
        assert not await accepted(tokens, signed(algorithm, "second", header={"kid": "first"}))


async def test_a_new_key_is_fetched_when_a_token_names_it(publisher: Publisher) -> None:
    clock = Clock()
    async with tokens_of(publisher, clock) as tokens:
        assert await accepted(tokens, signed("RS256"))
        publisher.keys = [public_jwk("RS256"), public_jwk("ES256", "second")]

        assert await accepted(tokens, signed("ES256", "second"))
        assert await accepted(tokens, signed("RS256"))


async def test_made_up_key_names_make_no_flood_at_the_issuer(publisher: Publisher) -> None:
    clock = Clock()
    async with tokens_of(publisher, clock) as tokens:
        assert await accepted(tokens, signed("RS256"))
        for number in range(20):
            header = {"kid": f"made-up-{number}"}
            assert not await accepted(tokens, signed("RS256", header=header))
        assert publisher.asked == 2

        clock.now += 6
        assert not await accepted(tokens, signed("RS256", header={"kid": "another"}))
        assert publisher.asked == 3


async def test_a_withdrawn_key_takes_its_tokens_with_it(publisher: Publisher) -> None:
    publisher.keys = [public_jwk("RS256"), public_jwk("ES256", "second")]
    async with tokens_of(publisher) as tokens:
        assert await accepted(tokens, signed("RS256"))
        publisher.keys = [public_jwk("ES256", "second")]

        await accepted(tokens, signed("RS256", header={"kid": "made-up"}))

        assert not await accepted(tokens, signed("RS256"))
        assert await accepted(tokens, signed("ES256", "second"))


async def test_the_reason_for_a_key_that_is_not_published(publisher: Publisher) -> None:
    async with tokens_of(publisher) as tokens:
        for token, reason in (
            (signed("RS256", header={"kid": "made-up"}), Reason.UNKNOWN_KEY),
            (signed("RS256", "second", header={"kid": "first"}), Reason.WRONG_SIGNATURE),
        ):
            with pytest.raises(InvalidToken) as refused:
                await tokens.verify(token)
            assert (refused.value.reason, refused.value.detail) == (
                reason,
                InvalidToken.default_detail,
            )


async def test_a_key_under_an_old_name_takes_the_old_ones_tokens_with_it(
    publisher: Publisher,
) -> None:
    async with tokens_of(publisher) as tokens:
        old = signed("RS256")
        assert await accepted(tokens, old)
        publisher.keys = [public_jwk("RS256", "second", kid="first")]

        await accepted(tokens, signed("RS256", header={"kid": "made-up"}))

        assert not await accepted(tokens, old)
        assert await accepted(tokens, signed("RS256", "second", header={"kid": "first"}))


@pytest.mark.parametrize("way", ["away", "error", "nonsense", "empty"])
async def test_the_last_keys_stay_good_while_the_issuer_is_away(
    publisher: Publisher, way: str
) -> None:
    clock = Clock()
    async with tokens_of(publisher, clock) as tokens:
        assert await accepted(tokens, signed("RS256"))
        publisher.keys.append(public_jwk("ES256", "second"))
        if way == "away":
            publisher.stop()
        publisher.status = 500 if way == "error" else 200
        publisher.body = {"nonsense": b"<html>", "empty": b'{"keys": []}'}.get(way)

        assert not await accepted(tokens, signed("ES256", "second"))
        assert await accepted(tokens, signed("RS256", jti="not seen before"))

        if way == "away":
            publisher.start()
        publisher.status, publisher.body = 200, None
        clock.now += 6
        assert await accepted(tokens, signed("ES256", "second"))


async def test_a_token_that_names_no_key_is_tried_with_each(publisher: Publisher) -> None:
    publisher.keys = [public_jwk("RS256", "second"), public_jwk("RS256"), public_jwk("ES256")]
    async with tokens_of(publisher) as tokens:
        assert await accepted(tokens, signed("RS256", header={"kid": None}))
        assert not await accepted(tokens, signed("RS256", "third", header={"kid": None}))


def pem(algorithm: str) -> bytes:
    public = private_key(algorithm).public_key()
    return bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def hmac_with(key: bytes, **header: Any) -> str:
    """What no library makes: an HMAC token whose secret is the text of a public key."""
    import base64
    import hashlib
    import hmac
    import json

    def coded(value: bytes) -> bytes:
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    told = {"alg": "HS256", "kid": "first", **header}
    claims = {"sub": user, "exp": time.time() + 60}
    said = b".".join(coded(json.dumps(part).encode()) for part in (told, claims))
    return (said + b"." + coded(hmac.digest(key, said, hashlib.sha256))).decode()


async def test_no_key_serves_as_another(publisher: Publisher) -> None:
    publisher.keys = [public_jwk("RS256"), public_jwk("ES256", "second", alg=None)]
    confused = {
        "public key as secret": hmac_with(pem("RS256")),
        "its text without a line": hmac_with(pem("RS256").strip()),
        "secret under a public key's name": hmac_with(secret.encode(), alg="RS256"),
        "another hash": signed("RS384", header={"kid": "first"}),
        "other padding than the key's own": signed("PS256", header={"kid": "first"}),
        "another key's name": signed("ES256", "second", header={"kid": "first"}),
        "no such algorithm": hmac_with(secret.encode(), alg="hs256"),
        "a list of algorithms": hmac_with(secret.encode(), alg=["HS256"]),
        "none at all": hmac_with(secret.encode(), alg=None),
        "a critical extension": signed("RS256", header={"crit": ["exp"], "exp": 1}),
    }
    async with tokens_of(publisher) as tokens:
        assert await accepted(tokens, signed("RS256"))
        assert await accepted(tokens, sign(user))
        for how, token in confused.items():
            assert not await accepted(tokens, token), how


async def test_keys_that_a_token_brings_along_are_not_used(publisher: Publisher) -> None:
    elsewhere = Publisher(public_jwk("RS256", "own")).start()
    brought = {"kid": "own", "jwk": public_jwk("RS256", "own"), "jku": elsewhere.url}
    try:
        async with tokens_of(publisher) as tokens:
            assert not await accepted(tokens, signed("RS256", "own", header=brought))
            brought["kid"] = "first"
            assert not await accepted(tokens, signed("RS256", "own", header=brought))
        assert elsewhere.asked == 0
    finally:
        elsewhere.stop()


async def test_a_hanging_issuer_holds_up_only_who_needs_it(publisher: Publisher) -> None:
    publisher.hangs.set()
    async with tokens_of(publisher) as tokens:
        unknown = asyncio.create_task(tokens.verify(signed("RS256")))
        assert await accepted(tokens, sign(user))
        assert not unknown.done()

        with pytest.raises(Unavailable):
            await unknown


async def test_a_token_that_waited_for_the_first_keys_is_accepted(publisher: Publisher) -> None:
    may_fetch = asyncio.Event()

    async def fetch(url: str, seconds: float) -> bytes:
        await may_fetch.wait()
        return await download(url, seconds)

    async with tokens_of(publisher, fetch=fetch) as tokens:
        waiting = asyncio.create_task(accepted(tokens, signed("RS256")))
        await asyncio.sleep(0)
        may_fetch.set()
        assert await waiting


# The whole service


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


# Fetching


async def test_what_is_not_to_be_had_says_why(publisher: Publisher) -> None:
    publisher.status = 404
    with pytest.raises(DownloadFailed, match="404"):
        await download(publisher.url, 5)

    publisher.status, publisher.body = 200, b"x" * (1024 * 1024 + 1)
    with pytest.raises(DownloadFailed, match="larger"):
        await download(publisher.url, 5)

    publisher.status, publisher.location, publisher.body = 302, "file:///etc/hostname", b""
    with pytest.raises(DownloadFailed):
        await download(publisher.url, 5)

    publisher.stop()
    with pytest.raises(DownloadFailed, match="refused"):
        await download(publisher.url, 5)


async def test_a_redirect_is_followed(publisher: Publisher) -> None:
    moved = Publisher().start()
    moved.status, moved.location = 302, publisher.url
    try:
        assert await download(moved.url, 5) == publisher.document()
    finally:
        moved.stop()


async def test_files_are_no_addresses() -> None:
    with pytest.raises(DownloadFailed):
        await download("file:///etc/hostname", 5)


async def test_a_download_has_its_time(publisher: Publisher) -> None:
    publisher.hangs.set()
    with pytest.raises(DownloadFailed, match="within"):
        await download(publisher.url, 0.1)


def test_the_confusing_token_would_be_good_if_keys_were_confused() -> None:
    # The test above is worth nothing if its token is refused for another reason.
    token = hmac_with(b"k" * 32)
    assert jwt.decode(token, "k" * 32, ["HS256"])["sub"] == user
