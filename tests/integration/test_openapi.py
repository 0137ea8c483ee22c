"""The OpenAPI document: complete, valid, and true of what the service answers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import validate
from quart import Quart

from quickpoll.errors import TooManySubscriptions, leaves
from quickpoll.settings import Settings
from tests.builders import create_poll, option, vote
from tests.checkout import root
from tests.conftest import bearer, sign
from tests.guests import with_guests
from tests.instances import Instance

owner, other, third = (f"65f1c0ffee0000000000c10{n}" for n in (1, 2, 3))
nobody = "0" * 24

documents = ("/openapi.json", "/asyncapi.json")
"""They are the example, and stand for themselves."""

Document = dict[str, Any]

held_elsewhere = ("/api/webhook/",)
"""Routes whose answers the tests of their own room hold against the document."""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return with_guests(settings)


@pytest.fixture
async def document(client: httpx.AsyncClient) -> Document:
    answer = await client.get("/openapi.json")
    assert answer.headers["Content-Type"] == "application/json"
    found: Document = answer.json()
    return found


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def contents(operation: Document) -> Iterator[Document]:
    for said in (operation.get("requestBody", {}), *operation["responses"].values()):
        yield from said.get("content", {}).values()


def validator(document: Document, schema: Document) -> Draft202012Validator:
    """One that knows the document's components, and refuses what is in none of them: clients have
    to bear new fields, but there are none that the document does not tell of."""
    components = {name: closed(one) for name, one in document["components"]["schemas"].items()}
    whole = {**schema, "components": {"schemas": components}}
    return Draft202012Validator(whole, format_checker=FormatChecker())


def closed(schema: Document) -> Document:
    return {"additionalProperties": False, **schema} if "properties" in schema else schema


def test_it_is_valid(document: Document) -> None:
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_it_has_every_route(app: Quart, document: Document) -> None:
    served = {
        (method, re.sub("<(?:[^:>]+:)?([^>]+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if not rule.endpoint.startswith("web.")
    }
    files = ("/docs", "/redoc", "/openapi.json", "/asyncapi.json")
    pages = {("GET", path) for path in files}
    assert {(method, path) for method, path, _ in operations(document)} == served | pages


def test_every_operation_says_what_it_is(document: Document) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names)
    tags = {tag["name"] for tag in document["tags"]}
    for _, path, operation in operations(document):
        assert operation["summary"].strip(), path
        assert set(operation["tags"]) <= tags
        for parameter in operation.get("parameters", ()):
            assert parameter["description"], (path, parameter["name"])
        for content in contents(operation):
            assert "schema" in content


def test_every_route_under_api_asks_for_a_token(document: Document) -> None:
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    for _, path, operation in operations(document):
        security = operation.get("security", document["security"])
        assert security == ([{"bearer": []}] if path.startswith("/api/") else [])


def test_every_error_is_there_with_an_example(document: Document) -> None:
    told: set[str] = set()
    for _, path, operation in operations(document):
        refusals = {status: one for status, one in operation["responses"].items() if status >= "4"}
        if path.startswith("/api/"):
            assert {"401", "429", "503"} <= refusals.keys()
        if "requestBody" in operation:
            assert {"400", "413", "415", "422"} <= refusals.keys()
        if "{" in path:
            assert "422" in refusals
        for status, refusal in refusals.items():
            content = refusal["content"]["application/problem+json"]
            assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
            for code, example in content["examples"].items():
                assert example["value"]["code"] == code
                assert example["value"]["status"] == int(status)
                told.add(code)
    # No one operation answers these: an address that is none, a method, a fault of ours.
    elsewhere = {"method_not_allowed", "internal_error", TooManySubscriptions.code}
    assert told == {leaf.code for leaf in leaves()} - elsewhere


def test_every_example_keeps_its_own_schema(document: Document) -> None:
    checked = 0
    for _, path, operation in operations(document):
        for content in contents(operation):
            examples = [one["value"] for one in content.get("examples", {}).values()]
            if "example" in content:
                examples.append(content["example"])
            for example in examples:
                validator(document, content["schema"]).validate(example)
                checked += 1
            assert examples or "text/html" in str(operation) or path in documents, path
        for parameter in operation.get("parameters", ()):
            if "example" in parameter:
                validator(document, parameter["schema"]).validate(parameter["example"])
    for schema in document["components"]["schemas"].values():
        for example in schema.get("examples", ()):
            validator(document, schema).validate(example)
    assert checked > 100


async def test_every_success_has_an_example_that_is_true(
    client: httpx.AsyncClient, document: Document
) -> None:
    """A request body's own example is accepted as it stands."""
    body = document["paths"]["/api/poll/create-poll"]["post"]["requestBody"]
    example = body["content"]["application/json"]["example"]
    created = await client.post("/api/poll/create-poll", json=example, headers=bearer(owner))
    assert created.status_code == 201
    body = document["paths"]["/api/poll/update-poll/{poll_id}"]["patch"]["requestBody"]
    path = f"/api/poll/update-poll/{created.json()['id']}"
    example = body["content"]["application/json"]["example"]
    assert (await client.patch(path, json=example, headers=bearer(owner))).status_code == 200


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


def check(document: Document, method: str, path: str, answer: httpx.Response) -> str:
    """Hold an answer against the document; answers the path's template."""
    template: str = next(one for one in document["paths"] if fits(one, path.partition("?")[0]))
    responses = document["paths"][template][method.lower()]["responses"]
    where = f"{method} {path}: {answer.status_code}"
    assert str(answer.status_code) in responses, where
    said = responses[str(answer.status_code)]
    media_type = answer.headers.get("Content-Type", "").partition(";")[0]
    if not media_type:
        assert "content" not in said, where
        return template
    assert media_type in said["content"], where
    schema = said["content"][media_type]["schema"]
    body = answer.json() if "json" in media_type else answer.text
    validator(document, schema).validate(body)
    for name in said.get("headers", {}):
        optional = name in ("Idempotent-Replayed", "Link", "Retry-After")
        assert optional or name in answer.headers, where
    return template


def fits(template: str, path: str) -> bool:
    pattern = template.replace("{tile}", ".+")  # the one that has several segments
    return re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", pattern), path) is not None


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
