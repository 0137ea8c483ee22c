"""Reading the settings, from the environment and ``.env``."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from pydantic import ValidationError

from quickpoll.settings.refusals import BadSettings, refusal, refusal_of
from quickpoll.settings.run_record import RunDirectory
from quickpoll.settings.service import Settings
from quickpoll.settings.unknown import unknown_variables

RUN_FOLDER = Path(".quickpoll")
"""Where ``make run`` keeps its data, and says how its stores are reached."""

_FILE_SETTINGS = ("API_REDIS_CA_FILE", "API_REDIS_CERT_FILE", "API_REDIS_KEY_FILE")


def load_settings(*, running: bool = False) -> Settings:
    """Read the settings from the environment and ``.env``.

    ``running`` lets an operator's command find the stores and the secret of a running
    ``make run`` in this folder, where no store is configured.

    Raises :class:`BadSettings` with one line that names the variable, what is wrong and an
    example; a second one names variables that are unknown.
    """
    given = given_variables()
    found = _of_running_service(given) if running else {}
    try:
        settings = Settings(**found)
    except ValidationError as error:
        raise BadSettings(refusal_of(error, found), *unknown_variables(given)) from None
    if line := _refused_file(settings):
        raise BadSettings(line, *unknown_variables(given))
    return settings


def given_variables() -> dict[str, str | None]:
    """What the environment and ``.env`` hold, settings or not.

    Raises :class:`BadSettings` where the file cannot be read or is no text.
    """
    try:
        return {**dotenv_values(".env"), **os.environ}
    except UnicodeDecodeError:
        raise BadSettings("QuickPoll cannot start: .env: it is not UTF-8, and has to be.") from None
    except OSError as error:
        raise BadSettings(f"QuickPoll cannot start: .env: {error.strerror}.") from None


def settings_or_exit(*, running: bool = False) -> Settings:
    """:func:`load_settings`, or one line on standard error and exit status 2."""
    try:
        return load_settings(running=running)
    except BadSettings as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(2) from None


def _of_running_service(given: dict[str, str | None]) -> dict[str, Any]:
    directory = RunDirectory(RUN_FOLDER)
    if given.get("API_DATABASE_URL") or (run := directory.read()) is None:
        return {}
    found: dict[str, Any] = {
        "api_database_url": run.database_url,
        "api_redis_url": None,  # it would win over host and port
        "api_redis_host": run.redis_host,
        "api_redis_port": run.redis_port,
    }
    if not given.get("JWT_SECRET_KEY"):
        found["jwt_secret_key"] = directory.secret()
    if not given.get("API_LOG_KEY"):
        found["api_log_key"] = directory.log_key()
    if not given.get("API_WEBHOOKS"):
        found["api_webhooks"] = "on"
    return found | {name.lower(): value for name, value in guests_of_run(given, directory).items()}


def guests_of_run(given: Mapping[str, str | None], directory: RunDirectory) -> dict[str, str]:
    """The variables by which a run admits guests, unless somebody ``given`` says otherwise."""
    found = {} if given.get("API_GUESTS") else {"API_GUESTS": "on"}
    if not given.get("API_GUEST_KEY"):
        found["API_GUEST_KEY"] = directory.guest_key()
    return found


def _refused_file(settings: Settings) -> str | None:
    """The line for a file that cannot be read, where there is one."""
    for variable in _FILE_SETTINGS:
        file = getattr(settings, variable.lower())
        if file is not None and not os.access(file, os.R_OK):
            return refusal(variable, f"{file} is not there, or cannot be read", str(file))
    return None
