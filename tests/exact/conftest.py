"""Fixtures of the proofs: two instances, each with wires of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from quickpoll.foundation.embedded import StoreAddresses
from tests.exact.pair import Pair, two_running


@pytest.fixture
async def pair(stores: StoreAddresses, name: str) -> AsyncIterator[Pair]:
    """Two instances A and B on the same stores."""
    async with two_running(stores, name) as pair:
        yield pair
