"""What the commands share: the parts of the service, and one clear line when something fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

import click
from pymongo.errors import PyMongoError
from quart.cli import ScriptInfo

from quickpoll.composition import Services
from quickpoll.errors import QuickPollError
from quickpoll.foundation.stores.failures import of_mongo
from quickpoll.foundation.stores.mongo import is_outage
from quickpoll.foundation.stores.redis import RedisAway
from quickpoll.lifespan import connected
from quickpoll.polls.ids import is_id

P = ParamSpec("P")


class Command(click.Command):
    """A command that answers bad arguments with one line, and exit status 2."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Parse the arguments."""
        try:
            return super().make_context(*args, **kwargs)
        except click.UsageError as error:
            raise BadArguments(error.format_message()) from error


class BadArguments(click.ClickException):
    """What was asked for makes no sense."""

    exit_code = 2


class HexId(click.ParamType[str]):
    """An id as an argument: 24 hexadecimal digits, in lower case from here on."""

    name = "hex"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Raises :class:`click.BadParameter`."""
        if not is_id(value):
            self.fail(f"{value!r} is not an id of 24 hexadecimal digits.", param, ctx)
        return value.lower()


def services_of(info: ScriptInfo) -> Services:
    """The parts of the application that the command belongs to."""
    services: Services = info.load_app().extensions["quickpoll"]
    return services


def with_services(
    work: Callable[Concatenate[Services, P], Awaitable[None]],
) -> Callable[P, None]:
    """A command that runs with stores connected; exit status 1 and one line where it fails."""

    @wraps(work)
    def command(*args: P.args, **kwargs: P.kwargs) -> None:
        services = services_of(click.get_current_context().ensure_object(ScriptInfo))
        # A person reads this: what matters is in the one line that the command ends with.
        logging.getLogger().setLevel(logging.ERROR)

        async def run() -> None:
            async with connected(services):
                await work(services, *args, **kwargs)

        try:
            asyncio.run(run())
        except (click.ClickException, BrokenPipeError):
            raise  # click knows what to do, also where nobody reads on (`… | head`)
        except Exception as error:
            line = _one_line(error)
            if line is None and services.settings.log_level == "DEBUG":
                raise
            raise click.ClickException(line or _unforeseen(error)) from error

    return command


def _one_line(error: Exception) -> str | None:
    """What is wrong, in words for the operator; ``None`` for what nobody foresaw."""
    if isinstance(error, QuickPollError):
        return error.detail
    if isinstance(error, RedisAway):
        return "Redis does not answer at API_REDIS_HOST and API_REDIS_PORT."
    if is_outage(error):
        failure = of_mongo(error)
        if failure.lasts:
            return f"{failure.detail} (API_DATABASE_URL)"
        return "MongoDB does not answer at API_DATABASE_URL."
    if isinstance(error, PyMongoError):
        said = str(error).partition(", full error")[0].splitlines()[0]
        return f"MongoDB refuses (API_DATABASE_URL): {said}"
    return None


def _unforeseen(error: Exception) -> str:
    said = " ".join(str(error).split())
    return f"A fault of ours, {type(error).__name__}: {said} (LOG_LEVEL=DEBUG shows where)."
