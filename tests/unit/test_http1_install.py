"""Stepping into Hypercorn, and staying out of one that is not known."""

import asyncio
import sys
from collections.abc import Iterator

import pytest
from hypercorn.asyncio.tcp_server import TCPServer

from quickpoll.foundation import http1
from quickpoll.foundation.http1 import takeover
from quickpoll.foundation.http1.takeover import hypercorn_run


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    http1.uninstall()
    yield
    http1.uninstall()


def served_by() -> object:
    return hypercorn_run.TCPServer


@pytest.fixture(autouse=True)
def _warnings_are_heard(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever level other tests have left."""
    caplog.set_level("WARNING", logger=http1.__name__)


def test_installs_once_and_uninstalls() -> None:
    assert http1.install()
    assert http1.install()
    assert served_by() is takeover.FastTCPServer
    http1.uninstall()
    http1.uninstall()
    assert served_by() is TCPServer


def test_all_is_replaced_and_all_is_given_back() -> None:
    def present() -> list[object]:
        return [getattr(module, name) for module, name, _, _ in takeover._REPLACED]

    before = present()
    assert http1.install()
    assert all(one is not was for one, was in zip(present(), before, strict=True))
    http1.uninstall()
    assert present() == before


def test_another_hypercorn_serves_by_itself(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(takeover, "version", lambda _: "0.19.0")
    assert not http1.install()
    assert served_by() is TCPServer
    assert len(caplog.records) == 1
    assert "0.19.0" in caplog.text


def test_a_changed_server_serves_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def __init__(self: object, app: object, sockets: object) -> None: ...  # noqa: N807

    monkeypatch.setattr(TCPServer, "__init__", __init__)
    assert not http1.install()


def test_a_server_replaced_by_others_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hypercorn_run, "TCPServer", object)
    assert not http1.install()
    http1.uninstall()
    assert served_by() is object


def test_without_httptools_hypercorn_serves_by_itself(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in [name for name in sys.modules if name.startswith(http1.__name__ + ".")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "httptools", None)
    assert not http1.install()
    assert "httptools" in caplog.text
    assert served_by() is TCPServer


def test_the_stream_we_borrow_from_is_the_one_we_know() -> None:
    async def feed() -> bytes:
        reader = asyncio.StreamReader()
        reader.feed_data(b"early")
        return bytes(reader._buffer)  # type: ignore[attr-defined]

    assert asyncio.run(feed()) == b"early"
