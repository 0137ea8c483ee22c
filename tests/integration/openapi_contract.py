"""What was really answered, held against the OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
from jsonschema import Draft202012Validator, FormatChecker

Document = dict[str, Any]


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    """Every operation with its method and path."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def contents(operation: Document) -> Iterator[Document]:
    """What an operation may be sent and may answer."""
    for said in (operation.get("requestBody", {}), *operation["responses"].values()):
        yield from said.get("content", {}).values()


def validator(document: Document, schema: Document) -> Draft202012Validator:
    """One that knows the document's components, and refuses what is in none of them: clients have
    to bear new fields, but there are none that the document does not tell of."""
    components = {name: closed(one) for name, one in document["components"]["schemas"].items()}
    whole = {**schema, "components": {"schemas": components}}
    return Draft202012Validator(whole, format_checker=FormatChecker())


def closed(schema: Document) -> Document:
    """The schema of an object that has no other fields."""
    return {"additionalProperties": False, **schema} if "properties" in schema else schema


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
    """Whether a path is one of the template's."""
    pattern = template.replace("{tile}", ".+")  # the one that has several segments
    return re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", pattern), path) is not None
