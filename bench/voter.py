"""Casts votes at given moments over a few connections, as the watchers' process does."""

from __future__ import annotations

import asyncio
import time

LOOPBACK = "127.0.0.1"
connections = 32


class Voter:
    """Casts votes at given moments over a few connections, and notes when."""

    def __init__(self, port: int, paths: list[tuple[str, str]], tokens: list[str]) -> None:
        self._port, self._paths, self._tokens = port, paths, tokens
        self._number = 0
        self.failed = 0
        self.left_out = 0
        self.took: list[float] = []

    async def run(self, cast: dict[str, list[float]], rate: float, seconds: float) -> None:
        """Cast votes at that rate for so long, and note in ``cast`` when; those that find no
        connection free are left out.

        What failed, was left out, and how long the others took is counted anew each time.
        """
        self.failed = self.left_out = 0
        self.took.clear()
        free = [await asyncio.open_connection(LOOPBACK, self._port) for _ in range(connections)]
        began = time.perf_counter()
        tasks = []
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            if free:
                tasks.append(asyncio.create_task(self._cast(cast, free)))
            else:
                self.left_out += 1
        await asyncio.gather(*tasks)
        for _, writer in free:
            writer.close()

    async def _cast(
        self,
        cast: dict[str, list[float]],
        free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]],
    ) -> None:
        reader, writer = free.pop()
        poll, path = self._paths[self._number % len(self._paths)]
        token = self._tokens[self._number]
        self._number += 1
        cast[poll].append(time.time())
        began = time.perf_counter()
        writer.write(
            f"POST {path} HTTP/1.1\r\nHost: {LOOPBACK}\r\nAuthorization: Bearer {token}\r\n"
            "Content-Length: 0\r\n\r\n".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        lines = [line.partition(b":") for line in head.lower().split(b"\r\n")]
        length = next((int(value) for name, _, value in lines if name == b"content-length"), 0)
        await reader.readexactly(length)
        self.took.append(time.perf_counter() - began)
        if b" 201 " not in head[:20]:
            self.failed += 1
        free.append((reader, writer))
