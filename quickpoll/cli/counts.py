"""recount, watch, export."""

from __future__ import annotations

import asyncio
import shutil

import click
from bson import ObjectId

from quickpoll.auth.caller import Caller
from quickpoll.cli.running import Command, HexId, with_services
from quickpoll.composition import Services
from quickpoll.counting.tally import Counted, Tally
from quickpoll.errors import PollNotFound
from quickpoll.polls.models import Poll
from quickpoll.results.poll_view import PollView

LOOK_SECONDS = 0.25

operator = Caller(str(ObjectId("0" * 24)), admin=True)
"""Whoever may run commands may see and change everything."""


@click.command(cls=Command)
@click.argument("poll_ids", nargs=-1, type=HexId(), metavar="[POLL_ID]…")
@with_services
async def recount(services: Services, poll_ids: tuple[str, ...]) -> None:
    """Count polls (all of them without an argument) in MongoDB and mend the counts in Redis."""
    known = await services.polls.fresh_many(poll_ids)
    for poll_id in poll_ids:
        if poll_id not in known:
            raise click.ClickException(f"There is no poll {poll_id}.")
    wanted = list(poll_ids) or await _all_polls(services)
    mended = 0
    for poll_id in wanted:
        differences = await _mend(services, poll_id)
        for line in differences:
            click.echo(line)
        mended += bool(differences)
    click.echo(f"{len(wanted)} polls counted, {mended} mended.")


async def _all_polls(services: Services) -> list[str]:
    found = services.engine.get_collection(Poll).find({}, {"_id": 1})
    return [str(one["_id"]) async for one in found]


async def _mend(services: Services, poll_id: str) -> list[str]:
    before = await services.reconciler.stored(poll_id)
    await services.counters.scripts.give_up([poll_id])
    await services.rebuilder.recount(poll_id)
    after = await services.census.count(poll_id)
    return [] if after is None else _differences(poll_id, before, after)


def _differences(poll_id: str, before: dict[str, int | None], after: Counted) -> list[str]:
    counted = {**after.options, "likes": after.likes, "voters": after.voters}
    return [
        f"{poll_id} {name}: {_said(before.get(name))} in Redis, {value} in MongoDB, mended"
        for name, value in counted.items()
        if before.get(name) != value
    ]


def _said(value: int | None) -> str:
    return "nothing" if value is None else str(value)


@click.command(cls=Command)
@click.argument("poll_id", type=HexId())
@click.option("--format", "kind", type=click.Choice(["csv", "json"]), default="json")
@with_services
async def export(services: Services, poll_id: str, kind: str) -> None:
    """Write a poll's results to standard output."""
    reply = await services.result_handlers.export(operator, poll_id, kind)
    click.echo(reply.body.decode(), nl=kind == "json")


@click.command(cls=Command)
@click.argument("poll_id", type=HexId())
@click.option("--once", is_flag=True, help="Show the counts once and end.")
@with_services
async def watch(services: Services, poll_id: str, once: bool) -> None:
    """Show a poll's counts as bars that move, until Ctrl-C."""
    view = await services.views.one(operator, poll_id)
    shown = draw(view, clear=not once)
    try:
        while not once:
            await asyncio.sleep(LOOK_SECONDS)
            view = await services.views.one(operator, poll_id)
            if (view.tally, view.known.poll.status_at(view.now)) != shown:
                shown = draw(view, clear=True)
    except PollNotFound as error:
        raise click.ClickException("The poll was deleted.") from error
    except asyncio.CancelledError:
        click.echo()  # Ctrl-C is how this ends; the prompt gets a line of its own


def draw(view: PollView, *, clear: bool) -> tuple[Tally, str]:
    """Show a poll; answers what was shown."""
    if clear:
        click.clear()
    click.echo("\n".join(bars(view, shutil.get_terminal_size().columns)))
    return view.tally, view.known.poll.status_at(view.now)


def bars(view: PollView, columns: int) -> list[str]:
    """A poll as lines of text no wider than ``columns``."""
    poll, tally = view.known.poll, view.tally
    room = max(columns - 34, 10)
    lines = [poll.question, ""]
    for option, votes in zip(
        poll.options, tally.of_options(poll.option_ids()).values(), strict=True
    ):
        share = votes / tally.voters if tally.voters else 0.0
        bar = "█" * round(share * room)
        lines.append(f"{option.text[:16]:16} {votes:8} {share:6.1%} {bar}")
    status = poll.status_at(view.now)
    return [*lines, "", f"{tally.voters} voters, {tally.likes} likes, {status}"]
