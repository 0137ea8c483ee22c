"""Which published keys are taken, and for which algorithms."""

from __future__ import annotations

import json
from typing import Any

import pytest

from quickpoll.auth.jwks import UnusableKeys, read_keys
from tests.issuers import private_key, public_jwk

every = ("RS256", "RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA")


def read(*keys: Any, allowed: tuple[str, ...] = every) -> list[frozenset[str]]:
    document = json.dumps({"keys": list(keys)}).encode()
    return [key.algorithms for key in read_keys(document, allowed)]


@pytest.mark.parametrize(
    ("key", "algorithms"),
    [
        (public_jwk("RS256"), {"RS256"}),
        (public_jwk("RS256", alg=None), {"RS256", "RS512", "PS256"}),
        (public_jwk("RS256", alg=None, use=None), {"RS256", "RS512", "PS256"}),
        (public_jwk("RS256", alg="PS256"), {"PS256"}),
        (public_jwk("RS256", use=None, key_ops=["verify"]), {"RS256"}),
        (public_jwk("ES256", alg=None), {"ES256"}),
        (public_jwk("ES384"), {"ES384"}),
        (public_jwk("ES512"), {"ES512"}),
        (public_jwk("EdDSA"), {"EdDSA"}),
        (public_jwk("EdDSA", "448"), {"EdDSA"}),
    ],
)
def test_a_key_is_good_for_its_own_kind(key: dict[str, Any], algorithms: set[str]) -> None:
    assert read(key) == [algorithms]


unusable = {
    "for encryption": public_jwk("RS256", use="enc"),
    "for signing only": public_jwk("RS256", use=None, key_ops=["sign"]),
    "for another kind": public_jwk("RS256", alg="ES256"),
    "for HMAC by name": public_jwk("RS256", alg="HS256"),
    "for another curve": public_jwk("ES256", alg="ES384"),
    "of another curve": public_jwk("ES256", crv="secp256k1", alg=None),
    "symmetric": {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlYw", "kid": "first"},
    "symmetric, named": {"kty": "oct", "k": "c2VjcmV0", "alg": "RS256"},
    "too short": public_jwk("RS256", "weak"),
    "private": public_jwk("RS256", d="AQAB"),
    "broken": public_jwk("RS256", n="!!!"),
    "empty": public_jwk("ES256", x=""),
    "no numbers": public_jwk("ES256", x=7, y=[]),
    "off the curve": public_jwk("ES256", y=public_jwk("ES256", "second")["y"]),
    "of no kind": {"kid": "first"},
    "of an odd kind": {"kty": ["RSA"], "alg": {}},
    "not an object": "key",
}


@pytest.mark.parametrize("key", unusable.values(), ids=unusable.keys())
def test_other_keys_are_left_out(key: Any) -> None:
    assert read(key, public_jwk("ES256", "good")) == [{"ES256"}]
    with pytest.raises(UnusableKeys):
        read(key)


@pytest.mark.parametrize(
    "document", [b"", b"<html>", b"[]", b"{}", b'{"keys": {}}', b'{"keys": []}', b'{"keys": 7}']
)
def test_what_is_no_key_set_is_refused(document: bytes) -> None:
    with pytest.raises(UnusableKeys):
        read_keys(document, every)


def test_a_key_is_of_no_use_to_algorithms_that_are_not_allowed() -> None:
    with pytest.raises(UnusableKeys):
        read(public_jwk("RS256"), allowed=("ES256",))


def test_no_more_keys_are_read_than_a_set_can_sensibly_have() -> None:
    assert len(read(*[public_jwk("EdDSA")] * 150)) == 100


def test_a_private_key_never_becomes_a_verification_key() -> None:
    numbers = private_key("RS256").private_numbers()
    assert numbers.d
    with pytest.raises(UnusableKeys):
        read(public_jwk("RS256", d="x" * 340, p="x", q="x"))
