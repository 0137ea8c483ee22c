"""The operator's commands: ``quart --app quickpoll …``."""

from __future__ import annotations

from quart import Quart

from quickpoll.cli.counts import export, recount, watch
from quickpoll.cli.people import erase, export_user
from quickpoll.cli.seed import seed
from quickpoll.cli.service import indexes, settings, token
from quickpoll.cli.verify import verify


def add_commands(app: Quart) -> None:
    """Add every command to the application."""
    service = (recount, watch, export, indexes, settings, verify)
    for command in (seed, token, *service, erase, export_user):
        app.cli.add_command(command)
