"""``python -m bench.memory_mongo --port N``: run the stand-in until it is ended."""

from __future__ import annotations

import asyncio
import gc
import logging

import click
import uvloop

from bench.memory_mongo.commands import Database
from bench.memory_mongo.wire import Connection


async def _serve(port: int) -> None:
    database = Database(f"127.0.0.1:{port}")
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(database.answer), "127.0.0.1", port, backlog=1024
    )
    async with server:
        await server.serve_forever()


@click.command()
@click.option("--port", type=int, required=True, help="Port on 127.0.0.1.")
def main(port: int) -> None:
    """Answer the MongoDB wire protocol from memory. For measuring only: nothing is kept."""
    logging.basicConfig(level=logging.WARNING)
    gc.disable()  # nothing here makes cycles, and a full collection over a million rows takes long
    uvloop.run(_serve(port))


if __name__ == "__main__":
    main()
