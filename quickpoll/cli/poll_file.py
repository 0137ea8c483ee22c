"""Polls in a file, as ``POST /create-poll`` takes them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import click
from pydantic import TypeAdapter, ValidationError

from quickpoll.errors import InvalidRequest
from quickpoll.polls.bodies import NewPoll
from quickpoll.polls.models import Poll
from quickpoll.polls.rules import make_poll


def read_polls(file: Path, owner: str) -> list[Poll]:
    """The polls that a file asks for, all of them valid.

    Raises :class:`click.ClickException` that names the first thing that is wrong.
    """
    try:
        asked = TypeAdapter(list[NewPoll]).validate_python(json.loads(file.read_text("utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise click.ClickException(f"{file}: {place}: {first['msg']}") from error
    except (ValueError, RecursionError, OSError) as error:
        raise click.ClickException(f"{file}: it is not a JSON file in UTF-8 ({error})") from error
    return [_poll(file, place, new, owner) for place, new in enumerate(asked)]


def _poll(file: Path, place: int, new: NewPoll, owner: str) -> Poll:
    try:
        return make_poll(new, owner, datetime.now(UTC))
    except InvalidRequest as error:
        raise click.ClickException(f"{file}: {place}.{error.detail}") from error
