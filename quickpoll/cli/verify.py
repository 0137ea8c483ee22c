"""verify: check a poll's log, with nothing but what anybody can read.

It needs no settings and no store, so it is a command of Quart's own (an entry point) as well as
one of the application: it runs where the application cannot.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import click

from quickpoll.cli.public_files import NoAddress, Place, WebFiles, fetcher, find_place
from quickpoll.cli.running import BadArguments, Command
from quickpoll.verification.check import check
from quickpoll.verification.findings import CannotCheck, Kept, NotServed, Report
from quickpoll.verification.fold import Fold
from quickpoll.verification.notes import BadNote, VerifierKey

MAY_BE_LATE = {"openings_withheld", "not_closed", "counts_shown"}
"""What the service has ten seconds for after a close."""

PATIENCE_SECONDS, PAUSE_SECONDS = 12, 2


@click.command(cls=Command)
@click.argument("address")
@click.option("--receipt", "receipts", multiple=True, metavar="FILE", help="A voter's receipt.")
@click.option(
    "--since",
    "checkpoints",
    multiple=True,
    metavar="CHECKPOINT",
    help="An older checkpoint: a file, or what a live update said.",
)
@click.option(
    "--promise",
    "promises",
    multiple=True,
    metavar="FILE",
    help="What a vote was answered, or the header Quickpoll-Promise.",
)
@click.option("--key", "keys", multiple=True, metavar="VKEY", help="The key to trust.")
@click.option("--token", metavar="TOKEN", help="Compare with what the page shows, too.")
@click.option(
    "--patience",
    type=click.IntRange(0),
    default=PATIENCE_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for what may only be late.",
)
def verify(
    address: str,
    receipts: tuple[str, ...],
    checkpoints: tuple[str, ...],
    promises: tuple[str, ...],
    keys: tuple[str, ...],
    token: str | None,
    patience: int,
) -> None:
    """Check the log of a verifiable poll. ADDRESS is its page or its log.

    Ends with 0 where nothing is wrong, with 1 and a line for each finding, with 2 where it could
    not be checked.
    """
    try:
        place = find_place(address)
        trusted = [VerifierKey.parse(key) for key in keys]
        kept = Kept([*map(_older, checkpoints)], [*map(_file, receipts)], [*map(_file, promises)])
        report = look(place, trusted, kept, token, patience)
    except (NoAddress, BadNote) as error:
        raise BadArguments(str(error)) from error
    except CannotCheck as error:
        raise BadArguments(_legible(f"It cannot be checked: {error}.")) from error
    _say(place, report)


def look(
    place: Place,
    keys: Iterable[VerifierKey],
    kept: Kept,
    token: str | None,
    patience: float,
    sleep: Callable[[float], None] = time.sleep,
) -> Report:
    """Check, and again every two seconds while what is missing may only be late.

    Raises :class:`~quickpoll.verification.findings.CannotCheck`.
    """
    files, left = fetcher(place), patience
    while True:
        shown = _shown(files, place, token)
        report = check(files, place.poll_id, keys, replace(kept, shown=shown), time.time())
        if left < PAUSE_SECONDS or not _may_pass(report, shown):
            return report
        sleep(PAUSE_SECONDS)
        left -= PAUSE_SECONDS


def _shown(
    files: Callable[[str], bytes], place: Place, token: str | None
) -> Mapping[str, Any] | None:
    if token is None:
        return None
    if not isinstance(files, WebFiles):
        raise BadArguments("A folder shows no page to compare with: leave --token out.")
    try:
        return files.poll(place.poll_id, token)
    except NotServed as error:
        raise CannotCheck(f"the poll cannot be seen with this token: {error}") from error


def _may_pass(report: Report, shown: Mapping[str, Any] | None) -> bool:
    codes = {one.code for one in report.findings}
    if not codes or not codes <= MAY_BE_LATE:
        return False
    try:
        closed = datetime.fromisoformat(str((shown or {})["closedAt"])).timestamp()
    except (KeyError, ValueError):
        return True
    return time.time() - closed < PATIENCE_SECONDS


def _file(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise CannotCheck(f"{name} cannot be read: {error.strerror}") from error


def _older(given: str) -> bytes:
    """A checkpoint in a file, or written out as a live update has it."""
    return given.encode() if given.lstrip().startswith("{") else _file(given)


def _say(place: Place, report: Report) -> NoReturn:
    for finding in report.findings:
        click.echo(_legible(f"{finding.code}: {finding.said}."))
    for note in report.notes:
        click.echo(_legible(f"note: {note}"))
    if report.fold is not None and not report.findings:
        _say_result(place, report, report.fold)
    click.get_current_context().exit(1 if report.findings else 0)


def _say_result(place: Place, report: Report, fold: Fold) -> None:
    _, size, root, *_ = report.signed.decode().split("\n")
    click.echo(f"Nothing is wrong with the log of {place.poll_id}: {size} entries, root {root}.")
    if fold.closed is None:
        click.echo(f"Open, so far with {len(fold.ballots)} ballots in the log.")
        return
    click.echo(f"Closed with {fold.closed.ballots} ballots. Votes for each option:")
    for option_id, votes in fold.closed.tally:
        click.echo(f"  {option_id} {votes}")


def _legible(text: str) -> str:
    """Whatever the service wrote in it, one line that no terminal takes for a command."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
