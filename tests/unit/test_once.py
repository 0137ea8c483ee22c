"""The same trouble is said once a minute, however many loops meet it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from pymongo.errors import AutoReconnect, OperationFailure
from redis.exceptions import NoPermissionError

from quickpoll.foundation.http.request_middleware import current_request
from quickpoll.foundation.observability.logs import configure_logs
from quickpoll.foundation.observability.once import Once


def test_the_same_is_said_again_after_a_minute_with_how_often_it_was_kept_back() -> None:
    now = 0.0
    once = Once(60, lambda: now)
    assert [once.say("a"), once.say("a"), once.say("b"), once.say("a")] == [0, None, 0, None]
    now = 59.9
    assert once.say("a") is None
    now = 60.0
    assert [once.say("a"), once.say("a")] == [3, None]
    once.forget("a")
    assert once.say("a") == 0


def test_what_is_remembered_is_bounded() -> None:
    once = Once()
    for number in range(5000):
        once.say(number)
    assert len(once._said) == 1000
    assert once.say(4999) is None


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.configure(**before)


def fail(name: str, event: str, error: Exception) -> None:
    try:
        raise error
    except Exception:
        structlog.get_logger(name).exception(event)


def test_no_loop_writes_the_same_failure_twice(
    logging_as_before: None, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs("INFO", "json")
    for _ in range(20):
        fail("quickpoll.a", "round_failed", ValueError("the same"))
        fail("quickpoll.b", "sweep_failed", ValueError("the same"))
        fail("quickpoll.b", "sweep_failed", ValueError("another"))
        try:
            raise KeyError("x")
        except KeyError:
            logging.getLogger("a.library").exception("in a library")
    written = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [one["event"] for one in written] == [
        "round_failed",
        "sweep_failed",
        "sweep_failed",
        "in a library",
    ]


def test_a_store_that_does_not_serve_us_is_one_line_without_a_traceback(
    logging_as_before: None, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs("INFO", "json")
    refused = OperationFailure("Authentication failed.", 18)
    denied = NoPermissionError("User u has no permissions to run the 'publish' command")
    for loop in ("round_failed", "sweep_failed", "recount_failed"):
        fail("quickpoll.a", loop, refused)
        fail("quickpoll.b", loop, denied)
        fail("quickpoll.c", loop, AutoReconnect("connection closed"))
    text = capsys.readouterr().err
    written = [json.loads(line) for line in text.splitlines()]
    assert [(one["event"], one["reason"], one["while"]) for one in written] == [
        ("mongodb_failed", "MongoDB refused our credentials.", "round_failed"),
        (
            "redis_failed",
            "Redis does not let us run PUBLISH: give our user +publish.",
            "round_failed",
        ),
        ("mongodb_failed", "MongoDB does not answer (AutoReconnect).", "round_failed"),
    ]
    assert "Traceback" not in text


def test_a_request_finds_its_line_whoever_has_failed_before(
    logging_as_before: None, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs("INFO", "json")
    for number in range(3):
        scope = {"path": "/p", "quickpoll.request_id": f"r{number}"}
        token = current_request.set(scope)
        fail("quickpoll.a", "unforeseen_error", ValueError("the same"))
        current_request.reset(token)
    written = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [one["request_id"] for one in written] == ["r0", "r1", "r2"]


def test_lines_without_a_failure_all_come_through(
    logging_as_before: None, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs("INFO", "json")
    for _ in range(3):
        structlog.get_logger("quickpoll.a").info("poll_created", poll_id="p")
    assert len(capsys.readouterr().err.splitlines()) == 3
