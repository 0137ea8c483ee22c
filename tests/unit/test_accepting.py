"""The tests' own servers drop nobody whom they are accepting."""

from __future__ import annotations

import asyncio
import gc
import socket

import pytest

from tests.accepting import stop_accepting


@pytest.mark.parametrize("turns", range(4))
async def test_no_socket_is_dropped_by_a_server_that_closes(turns: int) -> None:
    """In whichever turn of the loop, and nobody joins later; a socket that is dropped ends this
    test with a warning."""
    joined: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: joined.append(writer), "127.0.0.1", 0)
    with socket.create_connection(server.sockets[0].getsockname()):
        for _ in range(turns):
            await asyncio.sleep(0)
        await stop_accepting(server)
        here = len(joined)
        for _ in range(4):
            await asyncio.sleep(0)
        assert len(joined) == here
        for writer in joined:
            writer.close()
            await writer.wait_closed()
    gc.collect()
