"""The object that Hypercorn loads: ``hypercorn --config hypercorn.toml quickpoll.asgi:app``."""

from __future__ import annotations

import gc
from collections.abc import AsyncGenerator
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
    made.while_serving(_untroubled_by_the_garbage_collector)  # last, so once all parts are made
    warn_of_unknown_variables(given_variables())
    return made


async def _untroubled_by_the_garbage_collector() -> AsyncGenerator[None]:
    """What was made at the start stays: looking at it again and again would cost every request.

    It concerns the whole process, so it is for whoever serves one application in it. Where many
    come and go in one process (tests), what is frozen would never be freed.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)
    yield


app = _application()
