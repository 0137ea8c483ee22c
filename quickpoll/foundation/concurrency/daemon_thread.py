"""Blocking work in a thread that nobody has to wait for: neither the event loop nor the exit."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

Result = TypeVar("Result")


async def run_in_daemon_thread(name: str, work: Callable[[], Result], seconds: float) -> Result:
    """The result of ``work``, or the exception that it raises.

    Raises ``TimeoutError`` after ``seconds``; the thread then ends by itself, or with the process.
    One of asyncio's own pool would hold up the end of the process instead.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Result] = loop.create_future()

    def tell(outcome: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop has been closed meanwhile
            loop.call_soon_threadsafe(lambda: None if done.done() else outcome())

    def run() -> None:
        try:
            result = work()
        except Exception as error:
            raised = error
            tell(lambda: done.set_exception(raised))
        else:
            tell(lambda: done.set_result(result))

    threading.Thread(target=run, name=name, daemon=True).start()
    async with asyncio.timeout(seconds):
        return await done
