"""Polls in a file: a list of what ``POST /create-poll`` takes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import click
from pydantic import ValidationError
from quart_schema import RequestSchemaValidationError

from quickpoll.errors import InvalidRequest
from quickpoll.foundation.http.problems import as_error
from quickpoll.polls.bodies import PollDefinition
from quickpoll.polls.models import Poll
from quickpoll.polls.rules import Offers, check_offered, make_poll

MOST_OF_A_QUESTION = 60
"""Characters of a question that an error shows."""


ANYTHING = Offers(guests=True, logs=True)
"""A file is read before it is known what the service offers."""


def refuse_what_is_not_offered(polls: list[Poll], offers: Offers) -> None:
    """Raises :class:`click.ClickException` for the first poll that this service does not offer."""
    for number, poll in enumerate(polls, 1):
        try:
            check_offered(poll, {"guests": poll.guests, "verifiable": poll.verifiable}, offers)
        except InvalidRequest as error:
            raise click.ClickException(f"Poll {number}: {_first(error)}") from error


def read_polls(file: Path, owner: str) -> list[Poll]:
    """The polls that a file asks for, all of them valid.

    Raises :class:`click.ClickException` that names the first thing that is wrong: the row, counted
    from 1, and its question.
    """
    rows = _read(file)
    if not isinstance(rows, list):
        raise click.ClickException(f"{file}: it is no list of polls.")
    return [_poll(row, f"{file}: poll {number}", owner) for number, row in enumerate(rows, 1)]


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_bytes().decode("utf-8-sig"), parse_constant=_refuse)
    except UnicodeDecodeError:
        said = "it is not text in UTF-8"
    except json.JSONDecodeError as error:
        said = f"it is not JSON, at line {error.lineno}, column {error.colno}"
    except (ValueError, RecursionError):
        said = "it is not JSON that makes a list of polls"
    except OSError as error:
        said = f"it cannot be read: {error.strerror}"
    raise click.ClickException(f"{file}: {said}.")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _poll(row: Any, place: str, owner: str) -> Poll:
    try:
        return make_poll(PollDefinition.model_validate(row), owner, datetime.now(UTC), ANYTHING)
    except ValidationError as error:
        # The words of the API, which are written for people.
        problem: Exception = as_error(RequestSchemaValidationError(error))
    except InvalidRequest as error:
        problem = error
    raise click.ClickException(f"{place}{_named(row)}: {_first(problem)}")


def _named(row: Any) -> str:
    """The question of a row in brackets, in one line, where it has one."""
    question = row.get("question") if isinstance(row, dict) else None
    if not isinstance(question, str):
        return ""
    shown = question[:MOST_OF_A_QUESTION] + "…" * (len(question) > MOST_OF_A_QUESTION)
    return f" ({json.dumps(shown, ensure_ascii=not shown.isprintable())})"


def _first(problem: Exception) -> str:
    errors = getattr(problem, "extra", {}).get("errors", [])
    if not errors:
        return str(problem)
    field, message = errors[0]["field"], errors[0]["message"]
    return message if field == "body" else f"{field}: {message}"
