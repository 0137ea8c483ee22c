"""What OpenAPI says of a route beyond what quart-schema reads from its models."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from quart_schema.openapi import OpenAPIProvider
from werkzeug.routing.converters import BaseConverter
from werkzeug.routing.rules import Rule

from quickpoll.errors import (
    ExpiredToken,
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

View = TypeVar("View", bound=Callable[..., Any])

problem_media_type = "application/problem+json"
_attribute = "_quickpoll_operation"

_any_api_route = (MissingToken, InvalidToken, ExpiredToken, RateLimited, Unavailable, Overloaded)
_any_body = (MalformedJson, PayloadTooLarge, UnsupportedMediaType, InvalidRequest)


class FieldError(BaseModel):
    """One field that is wrong."""

    field: str
    message: str


class Problem(BaseModel):
    """An error (RFC 9457); ``code`` is for programs, ``detail`` for people."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str = Field(json_schema_extra={"enum": [leaf.code for leaf in leaves()]})
    errors: list[FieldError] | None = None


@dataclass(slots=True)
class Answer:
    """One successful answer of a route."""

    status: int
    description: str
    model: Any = None
    media_types: tuple[str, ...] = ("application/json",)
    headers: dict[str, str] = field(default_factory=dict)
    example: Any = None


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
        setattr(view, _attribute, Operation(answers, errors, headers or {}))
        return view

    return decorate


class QuickPollOpenAPI(OpenAPIProvider):
    """Adds answers, errors, security and patterns of ids to the document."""

    def generate_rules(self) -> Iterable[Rule]:
        """The rules of the API; pages for people are none of it."""
        return (rule for rule in super().generate_rules() if not rule.endpoint.startswith("web."))

    def build_paths(self, rule: Rule) -> tuple[dict[str, Any], dict[str, Any]]:
        """The operations of one rule, each with all that it may answer."""
        paths, components = super().build_paths(rule)
        operation = getattr(self._app.view_functions[rule.endpoint], _attribute, None)
        for path, methods in paths.items():
            for method, described in methods.items():
                if operation is not None:
                    described.update(_described(operation, described, path, components))
                described["operationId"] = f"{rule.endpoint.rpartition('.')[2]}_{method}"
                if not path.startswith("/api/"):
                    described["security"] = []
        components["Problem"] = Problem.model_json_schema(ref_template=_references)
        components["FieldError"] = components["Problem"].pop("$defs")["FieldError"]
        return paths, components

    def build_path_parameter(self, name: str, converter: BaseConverter) -> dict[str, Any]:
        """Path parameters are ids: 24 hexadecimal digits."""
        parameter = super().build_path_parameter(name, converter)
        parameter["schema"] = {"type": "string", "pattern": "^[0-9a-fA-F]{24}$"}
        parameter["example"] = "65f1c0ffee0000000000a001"
        return parameter


_references = "#/components/schemas/{model}"


def _described(
    operation: Operation, described: dict[str, Any], path: str, components: dict[str, Any]
) -> dict[str, Any]:
    responses = {str(one.status): _answer(one, components) for one in operation.answers}
    errors = list(operation.errors)
    if path.startswith("/api/"):
        errors += _any_api_route
    if "requestBody" in described:
        described["requestBody"]["required"] = True
        errors += _any_body
    elif described.get("parameters"):
        errors.append(InvalidRequest)
    for status, kinds in _by_status(errors).items():
        responses[str(status)] = _problems(kinds)
    parameters = [*described.get("parameters", []), *map(_header, operation.headers.items())]
    return {"responses": responses, "parameters": parameters}


def _answer(answer: Answer, components: dict[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = {"description": answer.description}
    if answer.model is not None:
        schema = TypeAdapter(answer.model).json_schema(
            ref_template=_references, mode="serialization"
        )
        components.update(schema.pop("$defs", {}))
        content: dict[str, Any] = {"schema": schema}
        if answer.example is not None:
            content["example"] = answer.example
        said["content"] = dict.fromkeys(answer.media_types, content)
    elif answer.media_types != ("application/json",):
        said["content"] = {kind: {"schema": {"type": "string"}} for kind in answer.media_types}
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
    examples = {kind.code: {"value": problem(_example(kind))} for kind in kinds}
    said: dict[str, Any] = {
        "description": "; ".join(f"`{kind.code}`: {kind.default_detail}" for kind in kinds),
        "content": {
            problem_media_type: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": examples,
            }
        },
    }
    headers = {name: name for kind in kinds for name in _example(kind).headers}
    if headers:
        said["headers"] = {name: {"schema": {"type": "string"}} for name in headers}
    return said


def _example(kind: type[QuickPollError]) -> QuickPollError:
    if issubclass(kind, InvalidRequest):
        return kind([{"field": "question", "message": "must not be empty"}])
    return kind()


def _header(named: tuple[str, str]) -> dict[str, Any]:
    name, description = named
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": {"type": "string"},
    }
