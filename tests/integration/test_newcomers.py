"""How many guests may come from one address: over two instances, with proofs of work beyond."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from altcha import v1, v2
from redis import Redis

from quickpoll.composition import Services
from quickpoll.counting.keys import Keys
from quickpoll.factory import create_app
from quickpoll.foundation.stores.redis import RedisLink
from quickpoll.guests.newcomers import Decision, Newcomers
from quickpoll.localrun.embedded import StoreAddresses
from quickpoll.settings import Settings
from tests.builders import create_poll
from tests.conftest import bearer, served
from tests.guests import as_guest, join, solved, with_guests

owner = "65f1c0ffee0000000000d001"
free, most = 3, 6


@pytest.fixture
def settings(settings: Settings) -> Settings:
    limits = {"api_guest_proof_from": free, "api_guest_limit": most, "api_trusted_proxies": 1}
    return with_guests(settings, **limits)


@pytest.fixture
async def pair(
    settings: Settings, client: httpx.AsyncClient
) -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient]]:
    """Clients of two instances on the same stores."""
    async with served(create_app(settings)) as other:
        yield client, other


def from_(address: str) -> dict[str, str]:
    return {"X-Forwarded-For": address}


async def fill(client: httpx.AsyncClient, address: str = "") -> None:
    for _ in range(free):
        answer = await client.post("/guest", json={}, headers=from_(address) if address else {})
        assert answer.status_code == 201


async def challenge(client: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    answer = await client.post("/guest", json=body)
    problem: dict[str, Any] = answer.json()
    assert (answer.status_code, problem["code"]) == (403, "proof_required")
    assert problem["challenge"]["algorithm"] == "SHA-256"
    asked: dict[str, Any] = problem["challenge"]
    return asked


async def test_beyond_some_a_proof_is_asked_for(
    pair: tuple[httpx.AsyncClient, httpx.AsyncClient],
) -> None:
    here, there = pair
    codes = Counter(
        answer.status_code
        for answer in await asyncio.gather(
            *[each.post("/guest", json={}) for each in pair for _ in range(8)]
        )
    )
    assert codes == {201: free, 403: 16 - free}
    proof = solved(await challenge(here))
    answers = await asyncio.gather(
        *[each.post("/guest", json={"proof": proof}) for each in pair for _ in range(3)]
    )
    assert sorted(one.status_code for one in answers) == [201, 403, 403, 403, 403, 403]
    assert (await there.post("/guest", json={"proof": proof})).json()["code"] == "proof_required"


async def test_beyond_more_nobody_comes_in(
    pair: tuple[httpx.AsyncClient, httpx.AsyncClient],
) -> None:
    here, there = pair
    await fill(here)
    for _ in range(most - free):
        proof = solved(await challenge(there))
        assert (await here.post("/guest", json={"proof": proof})).status_code == 201
    for body in ({}, {"proof": "x"}):
        answer = await there.post("/guest", json=body)
        assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
        assert 0 < int(answer.headers["Retry-After"]) <= 600
    assert (await there.post("/guest", json={}, headers=from_("192.0.2.7"))).status_code == 201


async def test_both_of_altchas_ways_to_solve(client: httpx.AsyncClient) -> None:
    await fill(client)
    asked = await challenge(client)
    options = v1.Challenge(
        "SHA-256", asked["challenge"], asked["maxnumber"], asked["salt"], asked["signature"]
    )
    found = v1.solve_challenge(
        options.challenge, options.salt, options.algorithm, options.max_number, 0
    )
    assert found is not None
    kept = {name: asked[name] for name in ("algorithm", "challenge", "salt", "signature")}
    by_hash = b64encode(json.dumps({**kept, "number": found.number}).encode()).decode()
    by_key = v2.Challenge.from_dict(asked)
    solution = v2.solve_challenge(by_key)
    assert solution is not None
    second = v2.Payload(by_key, solution).to_base64()
    statuses = [
        (await client.post("/guest", json={"proof": proof})).status_code
        for proof in (second, by_hash)
    ]
    assert statuses == [201, 403], "one challenge is good once, whichever way it was solved"


def changed(proof: str, **more: Any) -> str:
    return b64encode(json.dumps({**json.loads(b64decode(proof)), **more}).encode()).decode()


async def test_what_is_no_proof(client: httpx.AsyncClient) -> None:
    await fill(client)
    asked = await challenge(client)
    good = solved(asked)
    number = json.loads(b64decode(good))["number"]
    theirs = v1.create_challenge(v1.ChallengeOptions(hmac_key="another", max_number=9))
    forged = solved({**vars(theirs), "maxnumber": 9})
    late = asked["salt"].replace("expires=1", "expires=9")
    for bad in (
        "x", "====", b64encode(b"[]").decode(), b64encode(b"7").decode(), b64encode(b"{}").decode(),
        b64encode(b'{"solution":1}').decode(), b64encode(b'{"solution":{},"challenge":7}').decode(),
        b64encode(b"[" * 4000).decode(), changed(good, number=number + 1),
        changed(good, number=[number]), changed(good, salt=7), changed(good, salt=late),
        changed(good, signature="0" * 64), changed(good, algorithm="SHA-1"), forged,
    ):  # fmt: skip
        answer = await client.post("/guest", json={"proof": bad})
        assert (answer.status_code, answer.json()["code"]) == (403, "proof_required"), bad
    assert (await client.post("/guest", json={"proof": good})).status_code == 201


async def test_those_who_come_back_do_not_count(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, guests="invited")
    path = f"/api/poll/invite-guests/{poll['id']}"
    made = await client.post(path, json={"count": 2}, headers=bearer(owner))
    first, second = made.json()["invites"]
    guest = await join(client)
    for _ in range(most + 1):
        await join(client, invite=first)
        again = await client.post("/guest", json={}, headers=as_guest(guest["token"]))
        assert again.status_code == 200
    await join(client)
    asked = await challenge(client, invite=second)
    assert (await join(client, invite=first))["token"]
    assert (await join(client, invite=second, proof=solved(asked)))["token"]


async def test_addresses_share_nothing(client: httpx.AsyncClient) -> None:
    await fill(client, "198.51.100.1")
    await fill(client, "198.51.100.2")
    await fill(client, "2001:db8::1")
    for address in ("198.51.100.1", "2001:db8::2"):
        answer = await client.post("/guest", json={}, headers=from_(address))
        assert answer.json()["code"] == "proof_required"


async def test_a_room_behind_one_address(settings: Settings) -> None:
    room = settings.model_copy(
        update={"api_guest_proof_from": 400, "api_guest_limit": 400, "api_rate_limits": "on"}
    )
    async with served(create_app(room)) as client:
        answers = await asyncio.gather(*[client.post("/guest", json={}) for _ in range(400)])
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.json()["userId"] for answer in answers}) == 400
        assert (await client.post("/guest", json={})).status_code == 429


async def test_what_is_kept_of_guests_names_nobody(
    stores: StoreAddresses, settings: Settings, client: httpx.AsyncClient
) -> None:
    guest = await join(client)
    with Redis(stores.redis_host, stores.redis_port, decode_responses=True) as redis:
        (key,) = redis.scan_iter(f"{settings.api_redis_prefix}guests:*")
        kept: Any = redis.zrange(key, 0, -1)
        assert len(kept) == 1
        assert guest["userId"] not in f"{key} {kept}"
        assert 0 < redis.ttl(key) <= 600


async def test_without_redis_each_instance_counts_by_itself(settings: Settings) -> None:
    nowhere = settings.model_copy(update={"api_redis_port": 1})
    async with served(create_app(nowhere)) as client:
        await fill(client)
        proof = solved(await challenge(client))
        statuses = [
            (await client.post("/guest", json={"proof": proof})).status_code for _ in range(2)
        ]
        assert statuses == [201, 403]
        for _ in range(most - free - 1):
            await join(client, proof=solved(await challenge(client)))
        assert (await client.post("/guest", json={})).status_code == 429


async def test_the_same_guest_counts_once_over_instances_and_repetitions(
    settings: Settings, services: Services
) -> None:
    """A script whose answer was not heard is run again; two devices may come by one invite."""
    keys = Keys(settings.redis_prefix)
    here, there = (Newcomers(services.redis, keys, proof_from=1, limit=2) for _ in range(2))
    for each in (here, there, here):
        assert (await each.judge("192.0.2.1", "a", None))[0] is Decision.LET_IN
    assert (await there.judge("192.0.2.1", "b", None))[0] is Decision.ASK_FOR_PROOF
    for _ in range(2):
        assert (await there.judge("192.0.2.1", "b", "proof"))[0] is Decision.LET_IN
    assert (await here.judge("192.0.2.1", "c", None))[0] is Decision.REFUSE


async def test_redis_hears_of_those_who_came_without_it(
    settings: Settings, services: Services
) -> None:
    keys, nowhere = Keys(settings.redis_prefix), RedisLink("127.0.0.1", 1)
    here = Newcomers(nowhere, keys, proof_from=2, limit=9)
    await here.judge("192.0.2.1", "a", None)
    here._link = services.redis  # it has come back
    assert (await here.judge("192.0.2.1", "b", None))[0] is Decision.LET_IN
    there = Newcomers(services.redis, keys, proof_from=2, limit=9)
    assert (await there.judge("192.0.2.1", "c", None))[0] is Decision.ASK_FOR_PROOF
    await nowhere.aclose()
