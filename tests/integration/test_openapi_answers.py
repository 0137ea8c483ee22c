"""What the service answers is what its OpenAPI document says."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from quickpoll.settings import Settings
from tests.builders import create_poll, option, vote
from tests.checkout import root
from tests.conftest import bearer, sign
from tests.guests import with_guests
from tests.instances import Instance
from tests.integration.openapi_contract import Document, check, operations

owner, other, third = (f"65f1c0ffee0000000000c10{n}" for n in (1, 2, 3))
nobody = "0" * 24

held_elsewhere = ("/api/webhook/",)
"""Routes whose answers the tests of their own room hold against the document."""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return with_guests(settings)


def _of_sessions(session: str, evening: dict[str, Any]) -> list[tuple[str, str, str, Any]]:
    """What may be asked of one."""
    base, step = "/api/session", {"at": 0, "ifVersion": 1}
    return [
        ("POST", f"{base}/create-session", owner, evening),
        ("POST", f"{base}/create-session", other, evening),
        ("GET", f"{base}/get-sessions", owner, None),
        ("GET", f"{base}/get-session/{session}", other, None),
        ("GET", f"{base}/get-session/{nobody}", other, None),
        ("POST", f"{base}/share-session/{session}", owner, None),
        ("PATCH", f"{base}/update-session/{session}", owner, {"title": "New"}),
        ("PATCH", f"{base}/update-session/{session}", other, {"title": "New"}),
        ("POST", f"{base}/step-session/{session}", owner, step),
        ("POST", f"{base}/step-session/{session}", owner, {**step, "ifVersion": 2}),
        ("PATCH", f"{base}/update-session/{session}", owner, {"pollIds": []}),
        ("GET", f"{base}/export-session/{session}?format=json", owner, None),
        ("GET", f"{base}/export-session/{session}?format=csv", owner, None),
        ("POST", f"{base}/end-session/{session}", owner, None),
        ("POST", f"{base}/step-session/{session}", owner, step),
        ("DELETE", f"{base}/delete-session/{session}", other, None),
        ("DELETE", f"{base}/delete-session/{session}", owner, None),
    ]


async def test_what_is_answered_is_what_is_documented(
    client: httpx.AsyncClient, document: Document
) -> None:
    poll = await create_poll(client, owner, allowVoteChange=True, maxChoices=2)
    hidden = await create_poll(client, owner, results="owner", closesAt="2099-01-01T00:00:00Z")
    for one in (poll, hidden):
        await vote(client, one, 0, owner)
    await client.put(f"/api/poll/like-poll/{poll['id']}", headers=bearer(owner))
    ballot = {"optionIds": [option(poll, 1), option(poll, 2)]}
    new = {"question": "Q?", "options": [{"text": "a"}, {"text": "b"}]}
    mine, theirs, gone = poll["id"], hidden["id"], nobody
    evening = {"title": "Evening", "pollIds": [mine]}
    made = await client.post("/api/session/create-session", json=evening, headers=bearer(owner))
    session = made.json()["id"]
    begun = await client.post(f"/api/user/erase-user/{third}", headers=bearer(third))
    job = begun.json()["jobId"]
    requests: list[tuple[str, str, str, Any]] = [
        ("GET", "/", "", None),
        ("GET", "/health/live", "", None),
        ("GET", "/health/ready", "", None),
        ("GET", "/metrics", "", None),
        ("GET", "/docs", "", None),
        ("GET", "/redoc", "", None),
        ("GET", "/openapi.json", "", None),
        ("POST", "/guest", "", {}),
        ("POST", "/guest", "", {"invite": "none"}),
        ("POST", "/guest", "", {"invite": 7}),
        ("POST", "/guest", owner, {}),
        ("POST", f"/api/poll/invite-guests/{mine}", owner, {"count": 2}),
        ("POST", f"/api/poll/invite-guests/{mine}", owner, {"count": 0}),
        ("POST", f"/api/poll/invite-guests/{mine}", other, {"count": 2}),
        ("DELETE", f"/api/poll/invite-guests/{mine}", owner, None),
        ("DELETE", f"/api/poll/invite-guests/{gone}", owner, None),
        ("POST", f"/api/session/invite-guests/{session}", owner, {"count": 2}),
        ("POST", f"/api/session/invite-guests/{session}", other, {"count": 2}),
        ("DELETE", f"/api/session/invite-guests/{session}", owner, None),
        ("DELETE", f"/api/session/invite-guests/{gone}", owner, None),
        ("GET", "/log/key", "", None),
        ("GET", f"/log/{mine}/checkpoint", "", None),
        ("GET", f"/log/{mine}/tile/entries/000", "", None),
        ("GET", f"/log/{mine}/openings", "", None),
        ("GET", f"/api/poll/receipt/{mine}", other, None),
        ("GET", f"/api/poll/receipt/{mine}?opening=perhaps", other, None),
        ("GET", "/asyncapi.json", "", None),
        ("GET", "/oembed?url=x", "", None),
        ("GET", "/oembed?url=x&format=xml", "", None),
        ("GET", "/oembed", "", None),
        ("GET", "/api/user/me", owner, None),
        ("GET", "/api/user/me", "", None),
        ("POST", "/api/poll/create-poll", owner, new),
        ("POST", "/api/poll/create-poll", owner, {}),
        ("POST", "/api/poll/create-poll", owner, {**new, "userId": other}),
        ("POST", "/api/poll/create-polls", owner, {"polls": [new, {}]}),
        ("POST", "/api/poll/create-polls", owner, {"polls": []}),
        *_of_sessions(session, evening),
        ("POST", f"/api/poll/share-poll/{mine}", owner, None),
        ("POST", f"/api/poll/share-poll/{mine}", other, None),
        ("GET", f"/api/poll/get-poll-by-id/{mine}", owner, None),
        ("GET", f"/api/poll/get-poll-by-id/{theirs}", other, None),
        ("GET", f"/api/poll/get-poll-by-id/{gone}", other, None),
        ("GET", "/api/poll/get-poll-by-id/x", other, None),
        ("GET", f"/api/poll/get-poll-by-id/{mine}", "", None),
        ("GET", "/api/poll/get-all-polls", other, None),
        ("GET", "/api/poll/get-all-polls?limit=0", other, None),
        ("GET", f"/api/poll/get-poll-by-user-id/{owner}", owner, None),
        ("GET", f"/api/poll/get-poll-by-user-id/{owner}", other, None),
        ("POST", f"/api/poll/vote-on-poll/{mine}/{option(poll, 0)}", other, None),
        ("POST", f"/api/poll/vote-on-poll/{mine}/{option(poll, 0)}", other, None),
        ("POST", f"/api/poll/vote-on-poll/{mine}/{nobody}", other, None),
        ("POST", f"/api/poll/vote-on-poll/{theirs}/{option(hidden, 1)}", owner, None),
        ("GET", f"/api/poll/ballot/{mine}", other, None),
        ("GET", f"/api/poll/ballot/{theirs}", other, None),
        ("PUT", f"/api/poll/ballot/{mine}", other, ballot),
        ("PUT", f"/api/poll/ballot/{mine}", other, {"optionIds": ["x"]}),
        ("DELETE", f"/api/poll/ballot/{mine}", other, None),
        ("DELETE", f"/api/poll/ballot/{theirs}", owner, None),
        ("POST", f"/api/poll/like-poll/{mine}", other, None),
        ("PUT", f"/api/poll/like-poll/{mine}", other, None),
        ("DELETE", f"/api/poll/like-poll/{mine}", other, None),
        ("PATCH", f"/api/poll/update-poll/{mine}", owner, {"closesAt": "2099-01-01T00:00:00Z"}),
        ("PATCH", f"/api/poll/update-poll/{mine}", owner, {"question": "No"}),
        ("PATCH", f"/api/poll/update-poll/{mine}", owner, {"maxChoices": 3}),
        ("PATCH", f"/api/poll/update-poll/{mine}", other, {}),
        ("POST", f"/api/poll/close-poll/{mine}", owner, None),
        ("POST", f"/api/poll/vote-on-poll/{mine}/{option(poll, 0)}", other, None),
        ("POST", f"/api/poll/reopen-poll/{mine}", owner, None),
        ("POST", f"/api/poll/reopen-poll/{mine}", other, None),
        ("GET", f"/api/poll/poll-history/{mine}", other, None),
        ("GET", f"/api/poll/poll-history/{mine}", owner, None),
        ("GET", f"/api/poll/poll-timeline/{mine}", other, None),
        ("GET", f"/api/poll/poll-timeline/{theirs}", other, None),
        ("GET", f"/api/poll/export-poll/{mine}?format=json", owner, None),
        ("GET", f"/api/poll/export-poll/{mine}?format=csv", owner, None),
        ("GET", f"/api/poll/export-poll/{mine}", other, None),
        ("POST", f"/api/poll/duplicate-poll/{theirs}", other, None),
        ("DELETE", f"/api/poll/delete-poll/{theirs}", other, None),
        ("DELETE", f"/api/poll/delete-poll/{theirs}", owner, None),
        ("GET", f"/api/user/export-user/{owner}", owner, None),
        ("GET", f"/api/user/export-user/{owner}", other, None),
        ("GET", f"/api/user/erasure/{gone}", owner, None),
        ("GET", f"/api/user/erasure/{job}", third, None),
        ("POST", f"/api/user/erase-user/{owner}", other, None),
        ("POST", f"/api/user/erase-user/{owner}", owner, None),
        ("POST", f"/api/poll/duplicate-poll/{mine}", owner, None),
    ]
    seen = set()
    for method, path, user, body in requests:
        headers = bearer(user) if user else {}
        answer = await client.request(method, path, json=body, headers=headers)
        seen.add((method, check(document, method, path, answer)))
    assert seen == {
        (method, path)
        for method, path, _ in operations(document)
        if not path.startswith(held_elsewhere)
    }


@pytest.mark.timeout(400)  # one request after the other to some seventy operations
def test_schemathesis_finds_nothing(
    start_instance: Callable[..., Instance], tmp_path: Path
) -> None:
    """Bounded: some thousand requests made from the document, valid ones and others."""
    instance = start_instance()
    config = root / "tests" / "schemathesis.toml"
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config)),
        *("run", f"{instance.url}/openapi.json", "--max-examples", "8", "--no-color"),
        *("--seed", "1", "--header", f"Authorization: Bearer {sign(owner, roles=['admin'])}"),
        "--warnings=off",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=380)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert json.dumps(done.stdout).count("passed") >= 3
