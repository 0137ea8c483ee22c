"""token, indexes, settings."""

from __future__ import annotations

from datetime import timedelta

import click
from quart.cli import ScriptInfo, pass_script_info

from quickpoll.auth.signing import sign_token
from quickpoll.cli.running import Command, HexId, services_of, with_services
from quickpoll.composition import MODELS, Services
from quickpoll.settings import given_variables, masked, unknown_variables

LONGEST_LIFE = 100 * 365 * 86_400
"""Seconds; the calendar ends some time after that."""


@click.command(cls=Command)
@click.option("--user-id", type=HexId(), required=True, help="24 hexadecimal digits.")
@click.option("--admin", is_flag=True, help="With the role admin.")
@click.option(
    "--ttl", type=click.IntRange(1, LONGEST_LIFE), default=3600, show_default=True, help="Seconds.",
)  # fmt: skip
@pass_script_info
def token(info: ScriptInfo, user_id: str, admin: bool, ttl: int) -> None:
    """Sign a token with JWT_SECRET_KEY, for development and tests."""
    roles = ("admin",) if admin else ()
    signed = sign_token(services_of(info).settings, user_id, timedelta(seconds=ttl), roles)
    if signed is None:
        raise click.ClickException("JWT_SECRET_KEY is not set, so only the issuer can sign tokens.")
    click.echo(signed)


@click.command(cls=Command)
@with_services
async def indexes(services: Services) -> None:
    """Create the indexes that are not there yet, and list them."""
    for model in MODELS:
        found = await services.engine.get_collection(model).index_information()
        for name, index in sorted(found.items()):
            keys = ", ".join(f"{key} {direction}" for key, direction in index["key"])
            unique = " unique" if index.get("unique") else ""
            click.echo(f"{model.__collection__}.{name}: {keys}{unique}")


@click.command(cls=Command)
@pass_script_info
def settings(info: ScriptInfo) -> None:
    """Show every setting, secrets masked."""
    for name, value in masked(services_of(info).settings).items():
        click.echo(f"{name}={value}")
    for line in unknown_variables(given_variables()):
        click.echo(line, err=True)
