"""The service without what makes it quick, to see what each part brings.

hypercorn --config hypercorn.toml 'bench.variants:without_lane()'
"""

from __future__ import annotations

from quart import Quart

from quickpoll.factory import create_app
from quickpoll.foundation import http1
from quickpoll.settings import settings_or_exit


def without_lane() -> Quart:
    """Every route is answered by Quart, HTTP is parsed by llhttp."""
    http1.install()
    return create_app(settings_or_exit(), fast_path=False)


def without_parser() -> Quart:
    """The fast path answers, HTTP is parsed by Hypercorn's own code."""
    return create_app(settings_or_exit())


def with_neither() -> Quart:
    """Quart under Hypercorn as they are; votes are still written in groups."""
    return create_app(settings_or_exit(), fast_path=False)
