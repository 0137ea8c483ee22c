"""The OpenAPI document: complete, valid, and with examples that are true."""

from __future__ import annotations

import re

import httpx
import pytest
from openapi_spec_validator import validate
from quart import Quart

from quickpoll.errors import TooManySubscriptions, leaves
from quickpoll.settings import Settings
from tests.conftest import bearer
from tests.guests import with_guests
from tests.integration.openapi_contract import Document, contents, operations, validator

owner = "65f1c0ffee0000000000c101"

documents = ("/openapi.json", "/asyncapi.json")
"""They are the example, and stand for themselves."""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return with_guests(settings)


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
