"""Fixtures: the service with webhooks on, and receivers on this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from quickpoll.localrun.embedded import StoreAddresses
from quickpoll.settings import Settings
from tests.conftest import environment, settings_from
from tests.webhooks.receiver import Receiver

allowed = "127.0.0.0/8,localhost"
switched_on = {"API_WEBHOOKS": "on", "API_WEBHOOK_ALLOW": allowed}


@pytest.fixture
def settings(stores: StoreAddresses, name: str) -> Settings:
    """Settings of a service whose webhooks may call this machine."""
    return settings_from(environment(stores, name, **switched_on))


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver that is well."""
    async with Receiver() as receiver:
        yield receiver
