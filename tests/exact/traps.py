"""Traps on a wire: one message that is held until a test lets it go."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress


class Caught:
    """A trap for one message: the n-th that contains all of some bytes.

    What is caught waits, and all that follows it on its connection, until :meth:`release`. With
    ``answers`` the message itself goes through, and what the store answers from then on waits.
    """

    def __init__(self, parts: tuple[bytes, ...], nth: int, *, answers: bool) -> None:
        self.message = b""
        self.answers = answers
        self._parts = parts
        self._left = nth
        self._caught = Moment()
        self._open = Moment()
        self._landed = Moment()

    def takes(self, message: bytes) -> bool:
        """Whether this is the message; it is looked for once."""
        if self._caught.come or self._open.come:
            return False
        if not all(part in message for part in self._parts):
            return False
        self._left -= 1
        if self._left >= 0:
            return False
        self.message = message
        self._caught.comes()
        return True

    @property
    def sprung(self) -> bool:
        """Whether the message has come."""
        return self._caught.come

    async def caught(self, seconds: float = 5.0) -> None:
        """Wait for the message. Raises ``TimeoutError`` where none comes."""
        await self._caught.wait(seconds)

    def release(self) -> None:
        """Let it go on; where it has not come yet, it will not be held."""
        self._open.comes()

    async def released(self) -> None:
        """Wait for the release."""
        await self._open.wait()

    def answered(self) -> None:
        """The store has said something since the message was delivered."""
        self._landed.comes()

    async def landed(self, seconds: float = 5.0) -> None:
        """Release it, and wait until the store has answered it."""
        self.release()
        await self.done(seconds)

    async def done(self, seconds: float = 5.0) -> None:
        """Wait until the store has answered it; with ``answers`` nobody has heard that yet."""
        await self._landed.wait(seconds)


class Moment:
    """Something that comes once, whichever thread it comes from and whichever loop waits."""

    def __init__(self) -> None:
        self._future: Future[None] = Future()

    @property
    def come(self) -> bool:
        """Whether it has come."""
        return self._future.done()

    def comes(self) -> None:
        """It comes now; again is harmless."""
        with suppress(InvalidStateError):
            self._future.set_result(None)

    async def wait(self, seconds: float | None = None) -> None:
        """Wait for it. Raises ``TimeoutError``."""
        async with asyncio.timeout(seconds):
            await asyncio.shield(asyncio.wrap_future(self._future))
