"""How the tests' own servers stop to accept connections."""

from __future__ import annotations

import asyncio


async def stop_accepting(server: asyncio.Server) -> None:
    """Close a server when whoever is being accepted has joined.

    asyncio accepts a connection in one turn of its loop and hands it over in the next. Where the
    server is closed between the two, its socket is dropped, and the warning of that ends whatever
    test runs when the garbage is collected.
    """
    loop = asyncio.get_running_loop()
    for listening in server.sockets:
        loop.remove_reader(listening.fileno())
    await asyncio.sleep(0)
    server.close()
