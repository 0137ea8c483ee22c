"""Fan-out and nothing else: ten events a second to all who have subscribed, under Hypercorn.

``python -m bench.emitter --port N`` sends by the service's own client manager, with ``--stock`` by
python-socketio as it comes. Whoever connects is let in; there are no polls.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import click
import hypercorn.asyncio
import socketio
import uvloop
from hypercorn.config import Config

from quickpoll.foundation import http1
from quickpoll.socketio.fanout import FanOutManager

rate = 10.0
"""Events a second."""


def _payload(number: int) -> dict[str, Any]:
    """As large as an update of a poll with four options."""
    return {
        "pollId": "0" * 24,
        "counts": {"likes": 3, **{f"{option:024x}": number for option in range(4)}},
        "votersCount": 4 * number,
        "votesCount": 4 * number,
        "version": 1_795_533_956_270_546 + number,
        "at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }


async def _serve(port: int, stock: bool) -> None:
    fanout = None if stock else FanOutManager()
    sio = socketio.AsyncServer(async_mode="asgi", client_manager=fanout)

    async def connect(sid: str, environ: Any, auth: Any) -> None:
        """Everybody is welcome."""

    async def subscribe(sid: str, asked: Any) -> dict[str, Any]:
        await sio.enter_room(sid, "all")
        return {"polls": []}

    sio.on("connect", connect)
    sio.on("subscribe", subscribe)
    config = Config()
    config.bind, config.backlog, config.loglevel = [f"127.0.0.1:{port}"], 4096, "WARNING"
    app: Any = socketio.ASGIApp(sio, socketio_path="/ws/updates")
    serving = asyncio.create_task(
        hypercorn.asyncio.serve(app, config, shutdown_trigger=asyncio.Event().wait)
    )
    loop = asyncio.get_running_loop()
    began, number = loop.time(), 0
    while not serving.done():
        number += 1
        if fanout is not None:
            fanout.send("vote-update", _payload(number), room="all")
        else:
            await sio.emit("vote-update", _payload(number), room="all")
        await asyncio.sleep(max(0.0, began + number / rate - loop.time()))


@click.command()
@click.option("--port", type=int, required=True)
@click.option("--stock", is_flag=True, help="python-socketio as it comes.")
def main(port: int, stock: bool) -> None:
    """Send events to whoever subscribes."""
    if not stock:
        http1.install()
    uvloop.run(_serve(port, stock))


if __name__ == "__main__":
    main()
