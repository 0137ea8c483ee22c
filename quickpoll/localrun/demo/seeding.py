"""Filling the first run's database with demo polls, the way an operator would."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click
from pymongo import MongoClient

from quickpoll.localrun.child_process import ChildProcess
from quickpoll.settings.run_record import RunDirectory

POLLS = Path(__file__).with_name("polls.json")
SESSION = "A session to try"
CROWD = "--voters 300 --votes 900 --likes 120 --random-seed 1"
SEED_SECONDS = 120.0


def seed_once(directory: RunDirectory, database_url: str, owner: str) -> None:
    """Seed, unless that was done before; what goes wrong is said and keeps nobody from starting.

    Nobody is served meanwhile: what an interrupted seeding has left is all there is in the
    database, and is dropped.
    """
    done, begun = directory.path / "seeded", directory.path / "seeding"
    if done.exists():
        return
    if begun.exists():
        _drop(database_url)
    click.echo("Seeding demo polls (first start) ...")
    begun.touch()
    log = directory.path / "seed.log"
    if not _seed(owner, log):
        click.echo(f"The demo polls could not be seeded; {log} says why.", err=True)
    done.touch()
    begun.unlink()


def _drop(database_url: str) -> None:
    with MongoClient[dict[str, Any]](database_url) as client:
        client.drop_database(client.get_default_database().name)


def _seed(owner: str, log: Path) -> bool:
    command = [
        *(sys.executable, "-m", "quart", "--app", "quickpoll", "seed"),
        *("--file", str(POLLS), "--user-id", owner, "--session", SESSION, *CROWD.split()),
    ]
    seeding = ChildProcess(command, log, Path.cwd(), os.environ)
    try:
        return seeding.wait(SEED_SECONDS) == 0
    finally:
        seeding.kill()
