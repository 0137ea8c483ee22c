"""Tokens of an issuer that publishes its keys: rotation and outages."""

from __future__ import annotations

import asyncio

import pytest

from quickpoll.auth.refusals import Reason
from quickpoll.errors import InvalidToken, Unavailable
from quickpoll.foundation.http.download import download
from tests.conftest import sign
from tests.integration.jwks_harness import Clock, accepted, every, tokens_of
from tests.issuers import Publisher, public_jwk, signed, user


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
