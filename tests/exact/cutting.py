"""Clients that hang up: a request that is cancelled at its n-th await.

A request runs in the task that a server made for it. Quart runs the answer in a task of its own
and cancels that one when the client has gone; the lane answers in the server's task. Either is
cancelled here as asyncio does it, while it waits for the n-th time: with the thing that it waits
for still open (``early``), or just done (``late``). Tasks that the product starts are left alone:
what goes on in them after the hang-up is the product's own affair.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from contextlib import contextmanager, suppress
from typing import Any, Literal

from tests.asgi import Answered, Request

Moment = Literal["early", "late"]

of_the_framework = "ASGIHTTPConnection.handle_request"
"""The coroutine of Quart's that a hang-up cancels."""


class Cut:
    """Counts the waits of a request, and ends it at the n-th."""

    def __init__(self, nth: int, moment: Moment) -> None:
        self.made = False
        self._left = nth
        self._moment = moment
        self._handed_on = False
        self._due = False

    def hand_on(self) -> None:
        """The framework's own task answers: the one of the server only waits for it."""
        self._handed_on = True

    def waits(self, task: asyncio.Task[Any], *, inner: bool) -> None:
        """The request begins to wait."""
        if self.made or inner != self._handed_on:
            return
        self._left -= 1
        if self._left >= 0:
            return
        self.made = True
        if self._moment == "early":
            # As soon as it is suspended, before what it waits for can come.
            asyncio.get_running_loop().call_soon(task.cancel)
        else:
            self._due = True

    def wakes(self, *, inner: bool) -> None:
        """The request has what it waited for. Raises ``CancelledError`` where it is cut here."""
        if self._due and inner == self._handed_on:
            self._due = False
            raise asyncio.CancelledError


class _Counted:
    """Drives a coroutine, and tells of each wait."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], cut: Cut, *, inner: bool) -> None:
        self._coroutine = coroutine
        self._cut = cut
        self._inner = inner

    def __await__(self) -> Generator[Any, Any, Any]:
        task = asyncio.current_task()
        assert task is not None
        thrown: BaseException | None = None
        while True:
            try:
                waits_for = self._step(thrown)
            except StopIteration as ended:
                return ended.value
            thrown = None
            self._cut.waits(task, inner=self._inner)
            try:
                yield waits_for
                self._cut.wakes(inner=self._inner)
            except BaseException as error:
                thrown = error

    def _step(self, thrown: BaseException | None) -> Any:
        if thrown is None:
            return self._coroutine.send(None)
        return self._coroutine.throw(thrown)


@contextmanager
def _handlers_cut(cut: Cut) -> Generator[None, None, None]:
    """Have the framework's task for the request of this task counted, too."""
    loop = asyncio.get_running_loop()
    # Stays for good: of requests that overlap none may put back what it found.
    loop.set_task_factory(_new_task)
    task = asyncio.current_task()
    assert task is not None
    _cuts[task] = cut
    try:
        yield
    finally:
        del _cuts[task]


_cuts: dict[asyncio.Task[Any], Cut] = {}
"""By the task of the server in which the request runs."""


def _new_task(loop: asyncio.AbstractEventLoop, coroutine: Any, **more: Any) -> asyncio.Task[Any]:
    outer = asyncio.current_task(loop)
    cut = _cuts.get(outer) if outer is not None else None
    if cut is not None and coroutine.__qualname__ == of_the_framework:
        cut.hand_on()
        coroutine = _counted(coroutine, cut, inner=True)
    return asyncio.Task(coroutine, loop=loop, **more)


async def _counted(coroutine: Coroutine[Any, Any, Any], cut: Cut, *, inner: bool) -> Any:
    return await _Counted(coroutine, cut, inner=inner)


async def cut_off(work: Coroutine[Any, Any, Any], nth: int, moment: Moment) -> bool:
    """Run ``work`` and end it at its n-th wait, from 0; answers whether it waited so often."""
    cut = Cut(nth, moment)
    with suppress(asyncio.CancelledError):
        await asyncio.create_task(_counted(work, cut, inner=False))
    return cut.made


async def ask_and_hang_up(
    app: Any, request: Request, nth: int, moment: Moment = "early"
) -> Answered | None:
    """Send a request and hang up at its n-th wait, from 0; the answer where it waited less often.

    ``None`` says that the client hung up, whether or not a part of the answer had gone out.
    """
    messages: list[dict[str, Any]] = []
    cut = Cut(nth, moment)
    with suppress(asyncio.CancelledError):
        await asyncio.create_task(_serve(app, request, cut, messages))
    if cut.made:
        return None
    start, *parts = messages
    body = b"".join(part.get("body", b"") for part in parts)
    return Answered(start["status"], start["headers"], body)


async def _serve(app: Any, request: Request, cut: Cut, messages: list[dict[str, Any]]) -> None:
    incoming = [{"type": "http.request", "body": request.body, "more_body": False}]
    forever = asyncio.get_running_loop().create_future()

    async def receive() -> dict[str, Any]:
        return incoming.pop() if incoming else await forever

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    with _handlers_cut(cut):
        await _counted(app(request.scope(), receive, send), cut, inner=False)
