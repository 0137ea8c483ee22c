"""One client's outbox: straight to the socket where that keeps the order, else in the queue."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from engineio import packet as engineio_packet

from quickpoll.socketio import outbox
from quickpoll.socketio.frames import SharedPacket
from quickpoll.socketio.outbox import Outbox


@dataclass
class Socket:
    """Stands for the way down: what was written, how much of it the client has not taken."""

    open: bool = True
    written: list[bytes] = field(default_factory=list)
    unsent: int = 0
    aborted: bool = False

    def abort(self) -> None:
        self.aborted = True

    @property
    def transport(self) -> "Socket":
        return self

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def get_write_buffer_size(self) -> int:
        return self.unsent


@dataclass
class Client:
    upgraded: bool = True
    upgrading: bool = False


class Case:
    def __init__(self, *, max_bytes: int = 1000, max_packets: int = 10) -> None:
        self.drops: list[str] = []
        self.outbox = Outbox(max_bytes, max_packets, lambda _, reason: self.drops.append(reason))
        self.client = Client()
        self.socket = Socket()

    def attach(self) -> "Case":
        path: Any = self.socket
        self.outbox.attach(self.client, path)
        return self


def message(text: str) -> SharedPacket:
    return SharedPacket(text)


PING = engineio_packet.Packet(engineio_packet.PING)


async def test_straight_to_the_socket() -> None:
    case = Case().attach()
    case.outbox.put_nowait(message("one"))
    await case.outbox.put(engineio_packet.Packet(engineio_packet.MESSAGE, "two"))
    assert case.socket.written == [b"\x81\x04" + b"4one", b"\x81\x04" + b"4two"]
    assert case.outbox.empty()


async def test_long_polling_queues() -> None:
    case = Case()
    packet = message("one")
    case.outbox.put_nowait(packet)
    assert case.outbox.get_nowait() is packet


@pytest.mark.parametrize("client", [Client(upgraded=False), Client(upgrading=True)])
async def test_an_upgrade_under_way_queues(client: Client) -> None:
    case = Case()
    case.client = client
    case.attach().outbox.put_nowait(message("one"))
    assert case.socket.written == []
    assert case.outbox.qsize() == 1


async def test_nothing_overtakes_what_is_queued() -> None:
    case = Case()
    case.outbox.put_nowait(message("queued while polling"))
    case.attach().outbox.put_nowait(message("later"))
    assert case.socket.written == []
    assert case.outbox.qsize() == 2


async def test_nothing_overtakes_what_the_writer_has_taken() -> None:
    case = Case().attach()
    case.outbox.put_nowait(PING)
    assert case.outbox.get_nowait() is PING  # taken, but not written yet
    case.outbox.put_nowait(message("behind the ping"))
    assert case.socket.written == []
    case.outbox.sent()
    case.outbox.get_nowait()
    case.outbox.sent()
    case.outbox.put_nowait(message("on its own"))
    assert len(case.socket.written) == 1


async def test_pings_wake_the_writer() -> None:
    """Engine.IO's writer closes a WebSocket whose queue stays silent for a ping cycle."""
    case = Case().attach()
    case.outbox.put_nowait(PING)
    assert case.outbox.get_nowait() is PING


async def test_binary_packets_queue() -> None:
    case = Case().attach()
    case.outbox.put_nowait(engineio_packet.Packet(engineio_packet.MESSAGE, b"\0"))
    assert case.outbox.qsize() == 1


async def test_nothing_is_written_behind_a_closing_frame() -> None:
    case = Case().attach()
    case.socket.open = False
    case.outbox.put_nowait(message("too late"))
    assert case.socket.written == []
    assert case.outbox.empty()


async def test_a_full_socket_drops_the_client_once() -> None:
    case = Case(max_bytes=100).attach()
    case.socket.unsent = 101
    case.outbox.put_nowait(message("one"))
    case.outbox.put_nowait(message("two"))
    assert case.drops == ["backlog over 100 bytes"]
    assert len(case.socket.written) == 1
    assert case.outbox.empty()


async def test_a_full_queue_drops_the_client() -> None:
    case = Case(max_bytes=100)
    for _ in range(4):
        case.outbox.put_nowait(message("x" * 30))
    assert case.drops == ["backlog over 100 bytes"]
    case = Case(max_packets=3)
    for _ in range(6):
        case.outbox.put_nowait(message(""))
    assert case.drops == ["backlog over 3 packets"]
    assert case.outbox.qsize() == 4  # bounded: nothing more came in


async def test_what_is_no_message_counts_too() -> None:
    for attached in (False, True):
        case = Case(max_packets=3)
        if attached:
            case.attach()
        for _ in range(20):
            case.outbox.put_nowait(engineio_packet.Packet(engineio_packet.NOOP))
        assert case.drops == ["backlog over 3 packets"]
        assert case.outbox.qsize() == 4


async def test_a_poll_that_waits_is_answered_though_its_client_was_dropped() -> None:
    case = Case(max_packets=0)
    case.outbox.put_nowait(message("one"))
    assert case.drops == ["backlog over 0 packets"]
    await case.outbox.get()
    noop = engineio_packet.Packet(engineio_packet.NOOP)
    case.outbox.put_nowait(noop)
    case.outbox.put_nowait(noop)
    assert case.outbox.qsize() == 1


async def test_what_is_taken_no_longer_counts() -> None:
    case = Case(max_bytes=100)
    for _ in range(10):
        case.outbox.put_nowait(message("x" * 60))
        case.outbox.get_nowait()
    assert case.drops == []
    assert case.outbox.backlog == 0


async def test_the_end_of_the_writer_passes_through() -> None:
    case = Case().attach()
    await case.outbox.put(None)
    assert case.outbox.get_nowait() is None
    case.outbox.put_nowait(message("not held up"))
    assert len(case.socket.written) == 1


async def test_after_the_websocket_it_queues_again() -> None:
    case = Case().attach()
    case.outbox.detach()
    case.outbox.put_nowait(message("one"))
    assert case.socket.written == []
    assert case.outbox.qsize() == 1


async def test_an_answer_to_long_polling_has_no_more_packets_than_clients_read() -> None:
    case = Case(max_packets=100)
    for number in range(20):
        case.outbox.put_nowait(message(str(number)))
    answers = []
    for _ in range(2):
        answers.append([await case.outbox.get()])
        with suppress(asyncio.QueueEmpty):
            while True:
                answers[-1].append(case.outbox.get_nowait())
    assert [len(answer) for answer in answers] == [16, 4]


async def test_a_socket_that_ended_is_cut_off_if_its_client_takes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outbox, "LINGER_SECONDS", 0)
    case = Case().attach()
    await case.outbox.put(None)
    await asyncio.sleep(0.01)
    assert case.socket.aborted


async def test_a_socket_that_ends_by_itself_is_not_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "LINGER_SECONDS", 0)
    case = Case().attach()
    await case.outbox.put(None)
    case.outbox.detach()
    await asyncio.sleep(0.01)
    assert not case.socket.aborted
