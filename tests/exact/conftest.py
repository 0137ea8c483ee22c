"""Fixtures of the proofs: two instances, each with wires of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from quickpoll.localrun.embedded import StoreAddresses
from tests.exact.pair import Pair, stranger, two_running
from tests.exact.stepping import Steps, stepping


@pytest.fixture
async def pair(stores: StoreAddresses, name: str) -> AsyncIterator[Pair]:
    """Two instances A and B on the same stores."""
    async with two_running(stores, name) as pair:
        await know_scripts(pair)
        yield pair


@pytest.fixture
async def steps(stores: StoreAddresses, name: str) -> AsyncIterator[Steps]:
    """Two instances A and B in which nothing runs by itself."""
    async with stepping(stores, name) as steps:
        yield steps


async def know_scripts(pair: Pair) -> None:
    """Have Redis know the scripts: one that arrives late is told to send itself otherwise."""
    poll = await pair.poll()
    assert (await pair.a.vote(poll, 0, stranger)).status_code == 201
    assert (await pair.a.act("PUT", "like-poll", poll)).status_code == 200
    assert (await pair.a.act("POST", "close-poll", poll)).status_code == 200
    assert (await pair.a.act("DELETE", "delete-poll", poll)).status_code == 204
