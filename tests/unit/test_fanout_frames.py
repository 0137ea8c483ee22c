"""Frames and packets made once: the bytes that the libraries would have made for each client."""

import pytest
from engineio import packet as engineio_packet
from socketio import packet as socketio_packet
from wsproto.connection import Connection, ConnectionType
from wsproto.events import TextMessage

from quickpoll.socketio.frames import SharedPacket, event_text, text_frame


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
def test_frames_as_wsproto_makes_them(length: int) -> None:
    text = "é" * (length // 2) + "x" * (length % 2)
    theirs = Connection(ConnectionType.SERVER).send(TextMessage(data=text))
    assert text_frame(text.encode()) == theirs


@pytest.mark.parametrize("namespace", ["/", "/other"])
def test_events_as_python_socketio_reads_them(namespace: str) -> None:
    payload = {"pollId": "a" * 24, "counts": {"b": 1}, "text": "Grüße 🎉 \u2028", "at": None}
    packet = socketio_packet.Packet(encoded_packet=event_text("vote-update", payload, namespace))
    assert packet.packet_type == socketio_packet.EVENT
    assert packet.namespace == (None if namespace == "/" else namespace)
    assert packet.data == ["vote-update", payload]


def test_events_of_plain_ascii_are_the_same_bytes() -> None:
    payload = {"pollId": "a" * 24, "counts": {"b": 1, "c": 2.5}, "list": [True, None]}
    theirs = socketio_packet.Packet(data=["vote-update", payload], namespace="/").encode()
    assert event_text("vote-update", payload) == theirs


def test_a_shared_packet_is_an_engine_io_message() -> None:
    packet = SharedPacket('2["a",{}]')
    assert packet.encode() == engineio_packet.Packet(engineio_packet.MESSAGE, '2["a",{}]').encode()
    assert packet.frame == text_frame(b'42["a",{}]')
    assert packet.size == len(packet.frame)
