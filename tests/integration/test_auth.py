"""Nobody passes under /api/ without a token that another service issued."""

from __future__ import annotations

import base64
import json
import time

import httpx
import jwt
import pytest

from tests.conftest import bearer, secret, sign

path = "/api/poll/get-all-polls"
user = "65f1c0ffee0000000000c001"


def _unsigned() -> str:
    parts = ({"alg": "none", "typ": "JWT"}, {"sub": user, "exp": time.time() + 60})
    coded = [base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=") for p in parts]
    return b".".join([*coded, b""]).decode()


tomorrow = time.time() + 86_400  # farther off than a run of all tests takes

bad_tokens = {
    "garbage": "x.y.z",
    "other key": jwt.encode({"sub": user, "exp": tomorrow}, "k" * 32, "HS256"),
    "other algorithm": jwt.encode({"sub": user, "exp": tomorrow}, secret * 2, "HS512"),
    "no exp": jwt.encode({"sub": user}, secret, "HS256"),
    "no sub": jwt.encode({"exp": tomorrow}, secret, "HS256"),
    "bad user": sign("not-an-id"),
    "infinite exp": jwt.encode({"sub": user, "exp": float("inf")}, secret, "HS256"),
    "too long": "a" * 9000,
    "nested": base64.urlsafe_b64encode(b"[" * 3000).decode() + ".e30.x",
}


@pytest.mark.parametrize("token", bad_tokens.values(), ids=bad_tokens.keys())
async def test_a_bad_token_is_refused(client: httpx.AsyncClient, token: str) -> None:
    answer = await client.get(path, headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == 401
    assert answer.json()["code"] == "invalid_token"
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_unsigned_expired_and_missing_tokens(client: httpx.AsyncClient) -> None:
    unsigned = await client.get(path, headers={"Authorization": f"Bearer {_unsigned()}"})
    expired = await client.get(path, headers=bearer(user, seconds=-1))
    missing = await client.get(path)
    basic = await client.get(path, headers={"Authorization": "Basic eDp5"})

    codes = [(one.status_code, one.json()["code"]) for one in (unsigned, expired, missing, basic)]
    assert codes == [
        (401, "invalid_token"),
        (401, "expired_token"),
        (401, "missing_token"),
        (401, "missing_token"),
    ]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_no_address_under_api_answers_without_one(
    client: httpx.AsyncClient, method: str
) -> None:
    for address in ("/api/nothing", "/api/poll/create-poll", "/api/poll/ballot/zzz"):
        assert (await client.request(method, address)).status_code == 401


async def test_a_token_that_was_good_expires(client: httpx.AsyncClient) -> None:
    token = {"Authorization": f"Bearer {sign(user, seconds=1)}"}
    assert (await client.get(path, headers=token)).status_code == 200

    while (answer := await client.get(path, headers=token)).status_code == 200:
        continue
    assert answer.json()["code"] == "expired_token"


async def test_a_browser_may_call_from_any_origin(client: httpx.AsyncClient) -> None:
    asked = {"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}
    preflight = await client.options("/api/poll/create-poll", headers=asked)
    answer = await client.get(path, headers={**bearer(), "Origin": "https://a.example"})

    assert preflight.status_code == 200
    for one in (preflight, answer):
        assert one.headers["Access-Control-Allow-Origin"] == "https://a.example"
        assert one.headers["Access-Control-Allow-Credentials"] == "true"


async def test_a_browser_may_send_what_libraries_and_tracers_add(client: httpx.AsyncClient) -> None:
    sent = (
        "authorization,baggage,content-type,if-none-match,traceparent,tracestate,x-request-id,"
        "x-requested-with"
    )
    asked = {
        "Origin": "https://a.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": sent,
    }
    preflight = await client.options("/api/poll/create-poll", headers=asked)
    allowed = preflight.headers["Access-Control-Allow-Headers"].lower().split(", ")
    assert sorted(allowed) == sent.split(",")


async def test_a_missing_token_is_no_invalid_one(client: httpx.AsyncClient) -> None:
    """RFC 6750, section 3.1: who sent nothing is told of no error."""
    for headers in ({}, {"Authorization": "Basic dTpw"}, {"Authorization": "Bearer "}):
        answer = await client.get(path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "missing_token")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
