"""erase, export-user."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

import click
from pymongo.errors import PyMongoError

from quickpoll.cli.running import BadArguments, Command, HexId, with_services
from quickpoll.composition import Services
from quickpoll.personal.models import DONE, Erasure
from quickpoll.polls.models import NOBODY

LOOK_SECONDS = 0.1

REDIS_AWAY = (
    "Redis does not answer at API_REDIS_HOST and API_REDIS_PORT, and nobody can say whether it"
    " still names this person. All else is erased; the same again ends it once Redis is back ({})."
)


def _check_is_somebody(user_id: str) -> None:
    if user_id == str(NOBODY):
        raise BadArguments("This id is nobody's: the polls of people who were erased are.")


@click.command(cls=Command)
@click.argument("user_id", type=HexId())
@with_services
async def erase(services: Services, user_id: str) -> None:
    """Erase a person's data: ballots, likes, polls, and every mention of them."""
    _check_is_somebody(user_id)
    erasure = await services.people.erasures.request(user_id)
    # Where no service runs nobody else ends what one has left that died: batches that name people.
    services.reconciler.start()
    try:
        await _carry_out(services, erasure, user_id)
    finally:
        await services.reconciler.aclose()
        with suppress(PyMongoError):
            await services.people.lease.leave()
    click.echo(f"Nothing of this person is left ({erasure.id}).")


async def _carry_out(services: Services, erasure: Erasure, user_id: str) -> None:
    total = await services.people.erasures.left(user_id)
    with click.progressbar(length=total, label="Erasing") as bar:
        while (await _now(services, erasure)).status != DONE:
            await services.people.erasures.round()
            left = await services.people.erasures.left(user_id)
            bar.update(total - bar.pos - min(total, left))
            if not left and not services.redis.available:
                raise click.ClickException(REDIS_AWAY.format(erasure.id))
            await asyncio.sleep(LOOK_SECONDS)
        bar.update(total - bar.pos)


async def _now(services: Services, erasure: Erasure) -> Erasure:
    found = await services.personal.jobs.get(str(erasure.id))
    return found or erasure


@click.command("export-user", cls=Command)
@click.argument("user_id", type=HexId())
@with_services
async def export_user(services: Services, user_id: str) -> None:
    """Write everything that is held of a person to standard output, as JSON."""
    _check_is_somebody(user_id)
    async for piece in services.people.export.pieces(user_id):
        sys.stdout.write(piece.decode())
    click.echo()
