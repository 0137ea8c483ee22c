"""The object that Hypercorn loads: ``hypercorn --config hypercorn.toml quickpoll.asgi:app``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quickpoll.settings import given_variables, settings_or_exit, warn_of_unknown_variables

if TYPE_CHECKING:
    from quart import Quart


def _application() -> Quart:
    settings = settings_or_exit()  # a bad one is told before the rest is loaded
    from quickpoll.factory import create_app
    from quickpoll.foundation import http1

    http1.install()
    made = create_app(settings)
    warn_of_unknown_variables(given_variables())
    return made


app = _application()
