"""The settings: read once from the environment and ``.env``, typed, frozen.

Each field is the environment variable of the same name in capitals. Its description and example
make the tables in ``docs/settings.md``, which a test holds against this package.
"""

from __future__ import annotations

from quickpoll.settings.loading import (
    RUN_FOLDER,
    given_variables,
    guests_of_run,
    load_settings,
    settings_or_exit,
)
from quickpoll.settings.refusals import BadSettings
from quickpoll.settings.service import GROUPS, Settings, masked, names
from quickpoll.settings.tokens import TokenSettings
from quickpoll.settings.unknown import unknown_variables, warn_of_unknown_variables

__all__ = [
    "GROUPS",
    "RUN_FOLDER",
    "BadSettings",
    "Settings",
    "TokenSettings",
    "given_variables",
    "guests_of_run",
    "load_settings",
    "masked",
    "names",
    "settings_or_exit",
    "unknown_variables",
    "warn_of_unknown_variables",
]
