"""What a run sets for the service that it starts."""

from __future__ import annotations

from collections.abc import Mapping

from quickpoll.localrun.embedded import StoreAddresses
from quickpoll.settings import guests_of_run
from quickpoll.settings.run_record import RunDirectory

THIS_MACHINE = "localhost,127.0.0.0/8,::1"
"""Where webhooks of a run may go beside public addresses: to receivers that somebody is writing."""


def environment_of_run(
    given: Mapping[str, str | None], addresses: StoreAddresses, directory: RunDirectory
) -> dict[str, str]:
    """The variables that this run sets: its stores always, the rest where nobody ``given`` it."""
    environment = {
        "API_DATABASE_URL": addresses.database_url,
        "API_REDIS_HOST": addresses.redis_host,
        "API_REDIS_PORT": str(addresses.redis_port),
    }
    if given.get("API_REDIS_URL"):  # it would win over host and port
        environment["API_REDIS_URL"] = f"redis://{addresses.redis_host}:{addresses.redis_port}"
    if not given.get("JWT_SECRET_KEY"):
        environment["JWT_SECRET_KEY"] = directory.secret()
    environment |= guests_of_run(given, directory)
    if given.get("API_PUBLIC_ADDRESS"):
        environment["API_PUBLIC_ADDRESS"] = str(given["API_PUBLIC_ADDRESS"])
    if not given.get("API_LOG_KEY"):
        environment["API_LOG_KEY"] = directory.log_key()
    if not given.get("API_WEBHOOKS"):
        environment["API_WEBHOOKS"] = "on"
    if not given.get("API_WEBHOOK_ALLOW"):
        environment["API_WEBHOOK_ALLOW"] = THIS_MACHINE
    if not given.get("API_LOG_FORMAT"):
        environment["API_LOG_FORMAT"] = "console"
    return environment
