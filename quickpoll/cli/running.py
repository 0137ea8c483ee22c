"""What the commands share: the parts of the service, and one clear line when something fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Concatenate, ParamSpec

import click
from quart.cli import ScriptInfo

from quickpoll.composition import Services
from quickpoll.errors import QuickPollError
from quickpoll.foundation.mongo import is_outage
from quickpoll.foundation.redis import RedisAway
from quickpoll.lifespan import connected

P = ParamSpec("P")


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

        async def run() -> None:
            async with connected(services):
                await work(services, *args, **kwargs)

        try:
            asyncio.run(run())
        except Exception as error:
            raise click.ClickException(_one_line(error)) from error

    return command


def _one_line(error: Exception) -> str:
    if isinstance(error, click.ClickException):
        raise error
    if isinstance(error, QuickPollError):
        return error.detail
    if is_outage(error):
        return "MongoDB does not answer at API_DATABASE_URL."
    if isinstance(error, RedisAway):
        return "Redis does not answer at API_REDIS_HOST and API_REDIS_PORT."
    raise error
