"""The writes of one batch of an erasure."""

from __future__ import annotations

import asyncio

import pytest

from quickpoll.people.erasing import batches


async def test_nothing_goes_on_when_the_batch_is_applied() -> None:
    """A write fails at once; another one is not over yet, and has to be counted."""
    begun, goes_on = asyncio.Event(), asyncio.Event()
    written = []

    async def fails() -> None:
        raise RuntimeError

    async def takes_long() -> None:
        begun.set()
        await goes_on.wait()
        written.append(1)

    batch = asyncio.create_task(batches.in_time([fails, takes_long]))
    await begun.wait()
    await asyncio.sleep(0)
    assert not batch.done()
    goes_on.set()
    with pytest.raises(RuntimeError):
        await batch
    assert written == [1]


async def test_what_could_not_end_in_time_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BEGIN_SECONDS", 0.0)
    written = []

    async def write() -> None:
        written.append(1)

    await batches.in_time([write])
    assert written == []
