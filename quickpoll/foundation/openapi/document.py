"""What OpenAPI says of a route beyond what quart-schema reads from its models."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, Field
from quart_schema.openapi import OpenAPIProvider
from quart_schema.validation import DataSource
from werkzeug.routing.converters import BaseConverter
from werkzeug.routing.rules import Rule

from quickpoll.errors import (
    ExpiredToken,
    Forbidden,
    GuestsNotAllowed,
    InvalidRequest,
    InvalidToken,
    MalformedJson,
    MissingToken,
    Overloaded,
    PayloadTooLarge,
    QuickPollError,
    RateLimited,
    Unavailable,
    UnsupportedMediaType,
    leaves,
    problem,
)
from quickpoll.foundation.http.answers import JSON_MEDIA_TYPE
from quickpoll.foundation.openapi.schemas import example, plain_schema, query_fields, reference

View = TypeVar("View", bound=Callable[..., Any])

PROBLEM_MEDIA_TYPE = "application/problem+json"
_ATTRIBUTE = "_quickpoll_operation"

_PARAMETER = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")

_ANY_API_ROUTE = (
    MissingToken,
    InvalidToken,
    ExpiredToken,
    GuestsNotAllowed,
    RateLimited,
    Unavailable,
    Overloaded,
)
_ANY_BODY = (MalformedJson, PayloadTooLarge, UnsupportedMediaType, InvalidRequest)


class FieldError(BaseModel):
    """One field that is wrong."""

    field: str
    message: str


class Problem(BaseModel):
    """An error (RFC 9457); ``code`` is for programs, ``detail`` for people."""

    type: str
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    code: str = Field(json_schema_extra={"enum": [leaf.code for leaf in leaves()]})
    errors: list[FieldError] | None = Field(None, description="with `invalid_request`")
    option_ids: list[str] | None = Field(
        None, alias="optionIds", description="with `already_voted`: the present ballot"
    )
    challenge: dict[str, Any] | None = Field(
        None, description="with `proof_required`: what has to be solved, in ALTCHA's form"
    )
    session: dict[str, Any] | None = Field(
        None, description="with `session_changed`: the session as it is now"
    )


@dataclass(slots=True)
class Answer:
    """One successful answer of a route: JSON of a model, or texts (an example of each by its media
    type), or nothing."""

    status: int
    description: str
    model: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Operation:
    """What a route may answer."""

    answers: tuple[Answer, ...]
    errors: tuple[type[QuickPollError], ...]
    headers: dict[str, str]


def documented(
    *answers: Answer,
    errors: tuple[type[QuickPollError], ...] = (),
    headers: dict[str, str] | None = None,
) -> Callable[[View], View]:
    """Say what a route answers: its successes, the errors of its own, the headers it reads."""

    def decorate(view: View) -> View:
        setattr(view, _ATTRIBUTE, Operation(answers, errors, headers or {}))
        return view

    return decorate


class QuickPollOpenAPI(OpenAPIProvider):
    """Adds answers, errors, security, examples and patterns of ids to the document."""

    def schema(self) -> dict[str, Any]:
        """The whole document."""
        document = super().schema()
        document["components"]["schemas"] |= plain_schema(Problem, "serialization").pop("$defs")
        reference(Problem, "serialization", document["components"]["schemas"])
        document["paths"] |= {path: {"get": _page(*said)} for path, said in _PAGES.items()}
        document["tags"] = [{"name": name, "description": text} for name, text in _TAGS.items()]
        return document

    def generate_rules(self) -> Iterable[Rule]:
        """The rules of the API; the pages of the web are described by hand or not at all."""
        return (rule for rule in super().generate_rules() if not rule.endpoint.startswith("web."))

    def build_paths(self, rule: Rule) -> tuple[dict[str, Any], dict[str, Any]]:
        """The operations of one rule, each with all that it may answer."""
        found, components = super().build_paths(rule)
        # Its own reading of a rule goes wrong where one parameter of several has a converter.
        paths = {_PARAMETER.sub(r"{\1}", rule.rule): methods for methods in found.values()}
        operation = getattr(self._app.view_functions[rule.endpoint], _ATTRIBUTE, None)
        tag, _, name = rule.endpoint.rpartition(".")
        for path, methods in paths.items():
            for method, described in methods.items():
                if operation is not None:
                    writes = method != "get"
                    described.update(_described(operation, described, path, components, writes))
                described["operationId"] = name
                described["tags"] = [tag]
                described["description"] = described.get("description", "").strip()
                if not path.startswith("/api/"):
                    described["security"] = []
        return paths, components

    def build_path_parameter(self, name: str, converter: BaseConverter) -> dict[str, Any]:
        """Path parameters are ids: 24 hexadecimal digits."""
        parameter = super().build_path_parameter(name, converter)
        if not name.endswith("_id"):
            text = {"schema": {"type": "string"}, "example": "entries/000"}
            return {**parameter, **text, "description": f"Which {name}, by its path."}
        parameter["schema"] = {"type": "string", "pattern": "^[0-9a-fA-F]{24}$"}
        parameter["description"] = f"The {name.removesuffix('_id')}'s id, in either case."
        parameter["example"] = "65f1c0ffee0000000000a001"
        return parameter

    def build_querystring_parameters(
        self, model: type[Any]
    ) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Query parameters, with what their fields say of themselves."""
        fields = query_fields(model)
        return [_parameter(name, "query", one) for name, one in fields.items()], {}

    def build_request_body(
        self, model: type[Any], source: DataSource
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The body by reference, with an example."""
        components: dict[str, Any] = {}
        content = {"schema": reference(model, "validation", components), "example": example(model)}
        return {"required": True, "content": {"application/json": content}}, components


_TAGS = {
    "polls": "Creating polls.",
    "votes": "Voting, and the ballot as a resource.",
    "likes": "Liking polls.",
    "results": "Polls with their counts, lists of them, timelines and exports.",
    "management": "What its owner may do to a poll, and the history of it.",
    "guests": "People without an account, and invites for them.",
    "sessions": "Evenings of polls, through which a presenter leads.",
    "invites": "Invites to a session, for guests.",
    "sharing": "Short codes that lead to polls and sessions.",
    "log": "The logs of verifiable polls, by which anybody can check a result. Open to all.",
    "receipts": "The proof that one's own ballot is in such a log.",
    "previews": "What other services show of polls that anybody may see. Open to all.",
    "people": "A person's data: whom the service takes the caller for, exports, erasures.",
    "operations": "For operators and their machines. Open to all.",
    "documentation": "This document, and pages that show it. Open to all.",
}

_PAGES = {
    "/openapi.json": ("openapi", "This document.", "application/json", {"type": "object"}),
    "/asyncapi.json": (
        "asyncapi",
        "What goes over Socket.IO, as AsyncAPI 3 describes it.",
        "application/json",
        {"type": "object"},
    ),
    "/docs": ("docs", "Swagger UI.", "text/html", {"type": "string"}),
    "/redoc": ("redoc", "ReDoc.", "text/html", {"type": "string"}),
}


def _page(name: str, summary: str, media_type: str, schema: dict[str, str]) -> dict[str, Any]:
    answer = {"description": summary, "content": {media_type: {"schema": schema}}}
    return {
        "operationId": name,
        "summary": summary,
        "tags": ["documentation"],
        "security": [],
        "responses": {"200": answer},
    }


def _described(
    operation: Operation,
    described: dict[str, Any],
    path: str,
    components: dict[str, Any],
    writes: bool,
) -> dict[str, Any]:
    responses = {str(one.status): _answer(one, components) for one in operation.answers}
    errors = list(operation.errors)
    if path.startswith("/api/"):
        errors += _ANY_API_ROUTE
        errors += [Forbidden] if writes else []  # to whoever is being erased
    if "requestBody" in described:
        errors += _ANY_BODY
    elif described.get("parameters"):
        errors.append(InvalidRequest)
    for status, kinds in _by_status(errors).items():
        responses[str(status)] = _problems(kinds)
    headers = [
        _parameter(name, "header", {"type": "string", "description": text})
        for name, text in operation.headers.items()
    ]
    return {"responses": responses, "parameters": [*described.get("parameters", []), *headers]}


def _answer(answer: Answer, components: dict[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = {"description": answer.description}
    if answer.model is not None:
        schema = reference(answer.model, "serialization", components)
        said["content"] = {JSON_MEDIA_TYPE: {"schema": schema, "example": example(answer.model)}}
    for media_type, text in answer.texts.items():
        content = {"schema": {"type": "string"}, "example": text}
        said.setdefault("content", {})[media_type] = content
    if answer.headers:
        said["headers"] = {
            name: {"description": text, "schema": {"type": "string"}}
            for name, text in answer.headers.items()
        }
    return said


def _by_status(
    errors: list[type[QuickPollError]],
) -> dict[int, list[type[QuickPollError]]]:
    found: dict[int, list[type[QuickPollError]]] = {}
    for error in dict.fromkeys(errors):
        found.setdefault(error.status, []).append(error)
    return dict(sorted(found.items()))


def _problems(kinds: list[type[QuickPollError]]) -> dict[str, Any]:
    examples = {kind.code: {"value": problem(kind.example())} for kind in kinds}
    said: dict[str, Any] = {
        "description": "; ".join(f"`{kind.code}`: {kind.default_detail}" for kind in kinds),
        "content": {
            PROBLEM_MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": examples,
            }
        },
    }
    headers = {name: name for kind in kinds for name in kind.example().headers}
    if headers:
        said["headers"] = {name: {"schema": {"type": "string"}} for name in headers}
    return said


def _parameter(name: str, place: str, schema: dict[str, Any]) -> dict[str, Any]:
    described = {"description": schema.pop("description", "")}
    if "examples" in schema:
        described["example"] = schema.pop("examples")[0]
    if schema.get("type") == "object":
        described |= {"style": "deepObject", "explode": True}
    return {"name": name, "in": place, "required": False, **described, "schema": schema}
