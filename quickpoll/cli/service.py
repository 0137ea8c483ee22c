"""token, indexes, settings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import click
import jwt
from quart.cli import ScriptInfo, pass_script_info

from quickpoll.cli.running import Command, HexId, services_of, with_services
from quickpoll.composition import Services, models
from quickpoll.settings import Settings, masked


@click.command(cls=Command)
@click.option("--user-id", type=HexId(), required=True, help="24 hexadecimal digits.")
@click.option("--admin", is_flag=True, help="With the role admin.")
@click.option("--ttl", type=click.IntRange(1), default=3600, show_default=True, help="Seconds.")
@pass_script_info
def token(info: ScriptInfo, user_id: str, admin: bool, ttl: int) -> None:
    """Sign a token with JWT_SECRET_KEY, for development and tests."""
    click.echo(sign(services_of(info).settings, user_id, admin=admin, ttl=ttl))


def sign(settings: Settings, user_id: str, *, admin: bool, ttl: int) -> str:
    """A token as this service accepts it. Raises :class:`click.ClickException` without a
    secret."""
    algorithm = next((one for one in settings.jwt_algorithms if one.startswith("HS")), None)
    if settings.jwt_secret_key is None or algorithm is None:
        raise click.ClickException("JWT_SECRET_KEY is not set, so only the issuer can sign tokens.")
    now = datetime.now(UTC)
    claims: dict[str, Any] = {
        settings.jwt_user_id_claim: user_id,
        "iat": now,
        "exp": now + timedelta(seconds=ttl),
    }
    if admin:
        claims["roles"] = ["admin"]
    if settings.jwt_issuer:
        claims["iss"] = settings.jwt_issuer
    if settings.jwt_audience:
        claims["aud"] = settings.jwt_audience[0]
    return jwt.encode(claims, settings.jwt_secret_key.get_secret_value(), algorithm)


@click.command(cls=Command)
@with_services
async def indexes(services: Services) -> None:
    """Create the indexes that are not there yet, and list them."""
    for model in models:
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
