"""Fixtures: an erasure that need not wait, and everywhere where an id may stand."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from quickpoll.localrun.embedded import StoreAddresses
from quickpoll.people import erasures
from tests.people.life import Places


@pytest.fixture(autouse=True)
def nothing_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests wait for their writes themselves."""
    monkeypatch.setattr(erasures, "SETTLED_SECONDS", 0.0)


@pytest.fixture
async def places(stores: StoreAddresses, name: str) -> AsyncIterator[Places]:
    """All collections and keys of this test."""
    found = Places(stores, name)
    yield found
    await found.aclose()
