"""No key serves as another: public keys as secrets, and keys that tokens bring along."""

from __future__ import annotations

import jwt

from tests.conftest import secret, sign
from tests.integration.jwks_harness import accepted, hmac_with, pem, tokens_of
from tests.issuers import Publisher, public_jwk, signed, user


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


def test_the_confusing_token_would_be_good_if_keys_were_confused() -> None:
    # The test above is worth nothing if its token is refused for another reason.
    token = hmac_with(b"k" * 32)
    assert jwt.decode(token, "k" * 32, ["HS256"])["sub"] == user
