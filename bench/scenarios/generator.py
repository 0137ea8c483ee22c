"""The load generator's own limit, so that it is known what it cannot be taken for."""

from __future__ import annotations

import sys

from bench.load import Plan, run_wrk
from bench.report import Table
from bench.stores import wait_until
from bench.workbench import Workbench
from quickpoll.localrun.child_process import LOOPBACK, ChildProcess, free_port, until

_responder = """
import asyncio, sys, uvloop
answer = b"HTTP/1.1 201 Created\\r\\nContent-Length: 2\\r\\n\\r\\n{}"
class Echo(asyncio.Protocol):
    def connection_made(self, transport): self.transport = transport
    def data_received(self, data): self.transport.write(answer * data.count(b"\\r\\n\\r\\n"))
async def main():
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()
uvloop.run(main())
"""


def generator(bench: Workbench) -> list[Table]:
    """wrk against something that only answers."""
    table = Table(
        "generator",
        "The load generator against a responder that does nothing",
        [("rate", "requests/s", 0), ("p99", "p99 ms", 2)],
    )
    port = free_port()
    command = ["taskset", "--cpu-list", str(bench.cores.service), sys.executable, "-c", _responder]
    child = ChildProcess([*command, str(port)], bench.folder / "responder.log", bench.folder)
    try:
        wait_until(lambda: _listens(port), 10, "the start of the responder")
        paths = bench.folder / "paths"
        paths.write_text("/api/poll/vote-on-poll/000000000000000000000000\n")
        tokens = bench.tokens("generator", 1000)
        load = run_wrk(f"http://{LOOPBACK}:{port}", Plan("POST", tokens, paths, 64, 2.0))
        table.add("wrk, 64 connections", {"rate": load.rate, "p99": load.p99})
    finally:
        child.kill()
    return [table]


def _listens(port: int) -> bool:
    import socket

    def connects() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((LOOPBACK, port)) == 0

    return until(connects, 0.05)
