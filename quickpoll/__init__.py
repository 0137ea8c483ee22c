"""QuickPoll: live polls that can be believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quart import Quart

__version__ = "0.1.0"


def create_app() -> Quart:
    """The application for ``quart --app quickpoll …``.

    Where no store is configured it uses those of a running ``make run`` in this folder.
    """
    from quickpoll.settings import settings_or_exit

    settings = settings_or_exit(running=True)  # a bad one is told before the rest is loaded
    from quickpoll.factory import create_app as create

    return create(settings)
