"""erase, export-user."""

from __future__ import annotations

import asyncio
import sys

import click

from quickpoll.cli.running import BadArguments, Command, HexId, with_services
from quickpoll.composition import Services
from quickpoll.personal.models import DONE, Erasure
from quickpoll.polls.models import NOBODY

LOOK_SECONDS = 0.1


@click.command(cls=Command)
@click.argument("user_id", type=HexId())
@with_services
async def erase(services: Services, user_id: str) -> None:
    """Erase a person's data: ballots, likes, polls, and every mention of them."""
    if user_id == str(NOBODY):
        raise BadArguments("This id is nobody's: the polls of people who were erased are.")
    erasure = await services.people.erasures.request(user_id)
    total = await services.people.erasures.left(user_id)
    with click.progressbar(length=total, label="Erasing") as bar:
        while (await _now(services, erasure)).status != DONE:
            await services.people.erasures.round()
            bar.update(total - bar.pos - min(total, await services.people.erasures.left(user_id)))
            await asyncio.sleep(LOOK_SECONDS)
        bar.update(total - bar.pos)
    await services.people.lease.leave()
    click.echo(f"Nothing of this person is left ({erasure.id}).")


async def _now(services: Services, erasure: Erasure) -> Erasure:
    found = await services.personal.jobs.get(str(erasure.id))
    return found or erasure


@click.command("export-user", cls=Command)
@click.argument("user_id", type=HexId())
@with_services
async def export_user(services: Services, user_id: str) -> None:
    """Write everything that is held of a person to standard output, as JSON."""
    async for piece in services.people.export.pieces(user_id):
        sys.stdout.write(piece.decode())
    click.echo()
