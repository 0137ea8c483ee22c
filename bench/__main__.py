"""``python -m bench``: measure QuickPoll beside its peers and print what came out.

``python -m bench soak``: votes for a quarter of an hour, and whether that stays as it was.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path

import click

from bench.install import here
from bench.machine import Cores, description, divide_cores
from bench.report import Table, save
from bench.scenarios import scenarios
from bench.soak import Length, soak
from bench.stores import Stores, embedded, memory
from bench.workbench import Extent, Workbench

outside_quick = frozenset({"flood", "parts"})
"""Scenarios that the short form leaves out unless they are named."""


def _extent(
    quick: bool, seconds: float | None, rounds: int | None, form: tuple[str, ...]
) -> Extent:
    return Extent(
        seconds=seconds or (2.0 if quick else 5.0),
        rounds=rounds or (1 if quick else 5),
        clients=1_000,
        watchers=500,
        stored_votes=20_000 if quick else 1_000_000,
        stored_polls=2_000 if quick else 100_000,
        chosen=frozenset(form) or None,
        quick=quick,
    )


def _measure(kind: str, extent: Extent, names: list[str], cores: Cores) -> list[Table]:
    tables: list[Table] = []
    with (
        tempfile.TemporaryDirectory(prefix="quickpoll-bench-") as folder,
        Stores(kind, Path(folder)) as stores,
        Workbench(stores, cores, extent, Path(folder)) as bench,
    ):
        for name in names:
            for table in scenarios[name](bench):
                click.echo(table.markdown())
                tables.append(table)
    return tables


@click.group(invoke_without_command=True)
@click.option("--quick", "--short", is_flag=True, help="About three minutes in all.")
@click.option(
    "--scenario",
    "-s",
    "names",
    multiple=True,
    type=click.Choice(list(scenarios)),
    help="Measure only this; may be repeated.",
)
@click.option(
    "--form",
    "-f",
    multiple=True,
    type=click.Choice(["quickpoll", "fastapi", "node", "quart"]),
    help="Only this form; may be repeated.",
)
@click.option(
    "--store",
    type=click.Choice([memory, embedded]),
    default=memory,
    show_default=True,
    help="The stand-in that shows the service's own cost, or SecantusDB on disk.",
)
@click.option("--database-url", help="A MongoDB that runs already, instead of --store.")
@click.option("--seconds", type=float, help="Length of one measurement.")
@click.option("--rounds", type=int, help="How often each form is measured.")
@click.option("--stored-votes", type=int, help="Votes stored for the scenario 'stored'.")
@click.option("--stored-polls", type=int, help="Polls stored for the scenario 'stored'.")
@click.option("--clients", type=int, help="WebSocket clients.")
@click.pass_context
def main(
    context: click.Context,
    quick: bool,
    names: tuple[str, ...],
    form: tuple[str, ...],
    store: str,
    database_url: str | None,
    seconds: float | None,
    rounds: int | None,
    stored_votes: int | None,
    stored_polls: int | None,
    clients: int | None,
) -> None:
    """Measure QuickPoll beside its peers. Loads only 127.0.0.1, and ends by itself."""
    if context.invoked_subcommand is not None:
        return
    changes = {"stored_votes": stored_votes, "stored_polls": stored_polls, "clients": clients}
    extent = _extent(quick, seconds, rounds, form)
    extent = Extent(**{**vars(extent), **{k: v for k, v in changes.items() if v is not None}})
    wanted = list(names) or [n for n in scenarios if not (quick and n in outside_quick)]
    cores = divide_cores()
    head = {
        "began": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "machine": description(),
        "store": "a MongoDB of yours" if database_url else store,
        "seconds": extent.seconds,
        "rounds": extent.rounds,
    }
    click.echo("\n".join(f"{name}: {value}" for name, value in head.items()) + "\n")
    tables = _measure(database_url or store, extent, wanted, cores)
    click.echo(f"Saved in {save(here / 'results', head, tables)}")
    if any(table.faults for table in tables):
        raise SystemExit("Not every run was exact: see above.")


@main.command("soak")
@click.option("--minutes", type=click.IntRange(1, 240), default=15, show_default=True)
@click.option("--rate", type=click.FloatRange(1, 1000), default=50.0, show_default=True)
@click.option("--watchers", type=click.IntRange(0, 5000), default=200, show_default=True)
@click.option("--seconds", type=click.FloatRange(1, 60), default=60.0, help="Of a minute.")
def soaked(minutes: int, rate: float, watchers: int, seconds: float) -> None:
    """A trickle of votes on the embedded store, with watchers: does it stay as it was?"""
    cores = divide_cores()
    click.echo(description())
    wrong = soak(Length(minutes, rate, watchers, seconds), cores, click.echo)
    click.echo("\n".join(wrong) or "Flat, and exact.")
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
