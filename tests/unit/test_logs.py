"""What is blotted out of log lines, and which request they name."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from quickpoll.foundation.http.request_middleware import (
    Message,
    Receive,
    RequestMiddleware,
    Scope,
    Send,
)
from quickpoll.foundation.observability.logs import blotted, configure_logs
from tests.conftest import sign


@pytest.mark.parametrize(
    ("line", "left"),
    [
        (f"refused {sign()} today", "refused ******** today"),
        ("GET /x?token=abc.def&limit=1", "GET /x?token=********&limit=1"),
        ('{"token": "abc"}', '{"token": "********"}'),
        ("Authorization: Bearer abc", "Authorization: ********"),
        ("signed with whsec_c2VjcmV0IHNlY3JldA==", "signed with ********"),
        ("mongodb://user:pa%73s@host/db", "mongodb://user:********@host/db"),
        ("rediss://:pass@host:1/0", "rediss://:********@host:1/0"),
        ("invalid_token 65f1c0ffee0000000000c001", "invalid_token 65f1c0ffee0000000000c001"),
        (
            "dup key: { userId: ObjectId('65f1c0ffee0000000000c001'), pollId: ObjectId('6') }",
            "dup key: { userId: ObjectId('********'), pollId: ObjectId('6') }",
        ),
        ("{'user_id': '65F1C0FFEE0000000000C001'}", "{'user_id': '********'}"),
        ("http://127.0.0.1:8001 (CTRL + C to quit)", "http://127.0.0.1:8001 (CTRL + C to quit)"),
    ],
)
def test_what_looks_like_a_secret_is_blotted_out(line: str, left: str) -> None:
    assert blotted(line) == left


@pytest.mark.parametrize("part", ["eyJ", "a://b:", "eyJaaaa.", "token=", "bearer ", "a", "a://"])
def test_no_line_takes_long_to_look_through(part: str) -> None:
    # Where it took time in the square of its length, this would take minutes.
    assert len(blotted(part * 100_000)) > 5


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.configure(**before)


async def test_a_line_names_the_request_that_it_is_about_and_no_later_one(
    logging_as_before: None, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs("INFO", "json")
    log = structlog.get_logger("test")
    scope: Scope = {
        "type": "http",
        "method": "GET",
        "path": "/p/" + "x" * 1000,
        "query_string": b"token=abc",
        "headers": [(b"x-request-id", b"mine")],
    }

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        log.info("inside", poll_id="p1")

    async def nothing() -> Message:
        return {"type": "http.disconnect"}

    async def unheard(message: Message) -> None:
        """Nobody listens."""

    await RequestMiddleware(app)(scope, nothing, unheard)
    log.info("outside")
    logging.getLogger("another.library").warning("said %s", "so")

    inside, outside, library = map(json.loads, capsys.readouterr().err.splitlines())
    assert {name: inside[name] for name in ("request_id", "poll_id", "event")} == {
        "request_id": "mine",
        "poll_id": "p1",
        "event": "inside",
    }
    assert len(inside["path"]) == 300
    assert "request_id" not in outside
    assert (library["event"], library["logger"]) == ("said so", "another.library")
