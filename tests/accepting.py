"""How the tests' own servers stop to accept connections."""

from __future__ import annotations

import asyncio


async def stop_accepting(server: asyncio.Server) -> None:
    """Close a server when whoever is being accepted has joined.

    asyncio accepts a connection in one turn of its loop, makes its transport in the next, tells
    the protocol in another, and then calls back. Where the server is closed before the second, the
    socket is dropped; where its owner ends what has joined before the last, that one is left. The
    warning of either ends whatever test runs when the garbage is collected.
    """
    loop = asyncio.get_running_loop()
    for listening in server.sockets:
        loop.remove_reader(listening.fileno())
    for _ in range(3):
        await asyncio.sleep(0)
    server.close()
