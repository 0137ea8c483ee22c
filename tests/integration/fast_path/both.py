"""The lane, and Quart behind it, asked the same."""

from __future__ import annotations

from quart import Quart

from quickpoll.fast_path.dispatch import FastPath
from tests.asgi import Answered, Request, ask

owner = "65f1c0ffee0000000000a001"
voter = "65f1c0ffee0000000000a002"
unknown = "65f1c0ffee00000000000404"
page = {"Origin": "https://a.example"}

get, cast, like, listing = (
    f"/api/poll/{name}" for name in ("get-poll-by-id", "vote-on-poll", "like-poll", "get-all-polls")
)


class Both:
    """The lane, and Quart behind it, over the same stores."""

    def __init__(self, app: Quart) -> None:
        self.lane: FastPath = app.extensions["quickpoll.fast_path"]

    async def answers(self, request: Request) -> tuple[Answered, Answered]:
        """What the lane answers, and what Quart does."""
        assert self.lane.take(request.scope()) is not None
        return await ask(self.lane, request), await ask(self.lane.app, request)

    async def agree(self, request: Request) -> Answered:
        """The answer that both give."""
        by_lane, by_quart = await self.answers(request)
        assert by_lane == by_quart
        return by_lane
