"""Whom the service takes a caller for, and what it says of tokens that it refuses."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import httpx
import pytest
import structlog

from quickpoll.auth.refusals import Reason
from quickpoll.factory import create_app
from quickpoll.foundation.observability.logs import configure_logs
from quickpoll.settings import Settings
from tests.builders import create_poll, look, vote
from tests.checkout import root
from tests.conftest import bearer, served, sign
from tests.integration.test_auth import bad_tokens, tomorrow

user = "65f1c0ffee0000000000c001"
path = "/api/user/me"


async def test_me(client: httpx.AsyncClient) -> None:
    expiry = 4_000_000_000

    answer = await client.get(path, headers=bearer(user.upper(), exp=expiry, roles=["admin", "x"]))

    assert answer.status_code == 200
    assert answer.json() == {
        "userId": user,
        "roles": ["admin", "x"],
        "expiresAt": "2096-10-02T07:06:40.000Z",
    }
    assert (await client.get(path, headers=bearer(user))).json()["roles"] == []


async def test_me_asks_for_a_token(client: httpx.AsyncClient) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (401, "missing_token")


@pytest.mark.parametrize("expiry", [10**30, 300_000_000_000])
async def test_me_of_a_token_that_outlives_the_calendar(
    client: httpx.AsyncClient, expiry: int
) -> None:
    answer = await client.get(path, headers=bearer(user, exp=expiry))
    assert answer.json()["expiresAt"] == "9999-12-31T23:59:59.000Z"


async def test_people_with_other_ids_own_polls_and_vote(settings: Settings) -> None:
    ids = settings.model_copy(update={"jwt_user_ids": "any", "jwt_roles_claim": "realm.roles"})
    async with served(create_app(ids)) as client:
        ann, bob = "auth0|ann", "9f1c7e0e-6b1f-4d0e-9a51-0c2a4d8f7b11"
        poll = await create_poll(client, ann)
        mine = (await client.get(path, headers=bearer(ann))).json()["userId"]
        assert poll["userId"] == mine
        assert (await vote(client, poll, 0, bob)).status_code == 201
        assert (await look(client, poll, bob))["userHasVoted"] == poll["options"][0]["id"]
        close = f"/api/poll/close-poll/{poll['id']}"
        admin = {"realm": {"roles": ["admin"]}}
        statuses = [
            (await client.post(close, headers=bearer(bob, roles=["admin"]))).status_code,
            (await client.post(close, headers=bearer(bob, **admin))).status_code,
            (await client.post(close, headers=bearer(ann))).status_code,
        ]
        assert statuses == [403, 200, 200]


async def test_a_token_that_begins_later_says_when(client: httpx.AsyncClient) -> None:
    begins = int(time.time()) + 1000

    answer = await client.get(path, headers=bearer(user, nbf=begins))

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
    (moment,) = re.findall(r"it begins at (\S+Z)\.$", answer.json()["detail"])
    assert datetime.fromisoformat(moment).timestamp() == begins


async def test_one_that_begins_in_no_year_says_so(client: httpx.AsyncClient) -> None:
    answer = await client.get(path, headers=bearer(user, nbf=10**30))
    assert answer.json()["detail"] == "The token is not valid yet."


async def test_only_whoever_holds_a_good_signature_hears_when_it_begins(
    client: httpx.AsyncClient,
) -> None:
    token = sign(user, nbf=int(time.time()) + 1000)
    forged = {"Authorization": f"Bearer {token[:-4]}AAAA"}
    assert "begins" not in (await client.get(path, headers=forged)).json()["detail"]


refusals: dict[Reason, dict[str, str]] = {
    Reason.MISSING: {},
    Reason.MALFORMED: {"Authorization": "Bearer x.y.z"},
    Reason.WRONG_ALGORITHM: {"Authorization": f"Bearer {bad_tokens['other algorithm']}"},
    Reason.WRONG_SIGNATURE: {"Authorization": f"Bearer {bad_tokens['other key']}"},
    Reason.EXPIRED: bearer(user, seconds=-5),
    Reason.NOT_YET_VALID: bearer(user, nbf=tomorrow),
    Reason.WRONG_ISSUER: bearer(user, iss="https://evil.example", aud="quickpoll"),
    Reason.WRONG_AUDIENCE: bearer(user, iss="https://id.example", aud="elsewhere"),
    Reason.BAD_USER_ID: bearer("not-an-id", iss="https://id.example", aud="quickpoll"),
    Reason.BAD_CLAIM: {"Authorization": f"Bearer {bad_tokens['no exp']}"},
}
"""A request for each reason; that of a key which is not published is in ``test_jwks``."""


@pytest.fixture
def logging_at_debug(settings: Settings) -> Iterator[Callable[[], None]]:
    """Turns DEBUG on once an application has set its own level."""
    before = structlog.get_config()
    yield lambda: configure_logs("DEBUG", "json")
    configure_logs(settings.log_level, settings.api_log_format)
    structlog.configure(**before)


@pytest.mark.parametrize(("reason", "headers"), refusals.items(), ids=refusals)
async def test_the_reason_is_told_to_the_operator_alone(
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
    logging_at_debug: Callable[[], None],
    reason: Reason,
    headers: dict[str, str],
) -> None:
    strict = {"jwt_issuer": "https://id.example", "jwt_audience": ("quickpoll",)}
    async with served(create_app(settings.model_copy(update=strict))) as client:
        logging_at_debug()
        before = await counted(client)
        answer = await client.get(path, headers=headers)
        after = await counted(client)
    assert answer.status_code == 401
    assert {name for name in after if after[name] != before[name]} == {reason.value}
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    (told,) = [line for line in lines if line["event"] == "token_refused"]
    assert (told["reason"], told["level"]) == (reason.value, "debug")
    assert user not in json.dumps(told)
    assert "evil.example" not in json.dumps(told)
    assert told["detail"] not in answer.text


async def counted(client: httpx.AsyncClient) -> dict[str, float]:
    """Refusals so far, by reason."""
    text = (await client.get("/metrics")).text
    rows = re.findall(r'^quickpoll_tokens_refused_total\{reason="(\w+)"\} (\S+)$', text, re.M)
    return {reason: float(count) for reason, count in rows}


def test_every_reason_is_documented() -> None:
    text = (root / "docs" / "logs.md").read_text("utf-8")
    table = text.partition("| Reason |")[2].partition("\n\n")[0]
    codes = dict(re.findall(r"^\| `(\w+)` \| .* \| `(\w+)` \|$", table, re.M))
    special = {Reason.MISSING: "missing_token", Reason.EXPIRED: "expired_token"}
    assert codes == {one.value: special.get(one, "invalid_token") for one in Reason}


async def test_every_reason_has_a_series_from_the_start(client: httpx.AsyncClient) -> None:
    assert set(await counted(client)) == {reason.value for reason in Reason}


async def test_what_differs_in_reason_alone_is_answered_alike(settings: Settings) -> None:
    strict = {"jwt_issuer": "https://id.example", "jwt_audience": ("quickpoll",)}
    untold = (
        Reason.MALFORMED,
        Reason.WRONG_ALGORITHM,
        Reason.WRONG_SIGNATURE,
        Reason.WRONG_ISSUER,
        Reason.WRONG_AUDIENCE,
        Reason.BAD_CLAIM,
    )
    answers: list[Any] = []
    async with served(create_app(settings.model_copy(update=strict))) as client:
        for reason in untold:
            answers.append((await client.get(path, headers=refusals[reason])).json())
    assert all(one == answers[0] for one in answers)
