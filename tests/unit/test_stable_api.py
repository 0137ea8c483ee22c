"""The judge of what is sent to MongoDB notices what a strict server would refuse."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stable_api import objections


@pytest.mark.parametrize(
    "command",
    [
        {"distinct": "vote", "key": "userId"},
        {"mapReduce": "vote"},
        {"find": "vote", "filter": {}, "noCursorTimeout": True},
        {"aggregate": "vote", "pipeline": [{"$collStats": {}}], "cursor": {}},
        {"createIndexes": "vote", "indexes": [{"key": {"a": 1}, "name": "a", "sparse": True}]},
        {"createIndexes": "vote", "indexes": [{"key": {"a": 1}, "name": "a", "background": 1}]},
        {"update": "vote", "updates": [{"q": {}, "u": {}, "hasty": True}]},
        {"collStats": "vote"},
    ],
)
def test_what_strict_refuses_is_noticed(command: dict[str, Any]) -> None:
    assert objections(command)


@pytest.mark.parametrize(
    "command",
    [
        {"ping": 1, "$db": "admin", "lsid": {}},
        {"insert": "vote", "ordered": False, "documents": [{}], "writeConcern": {}},
        {"createIndexes": "vote", "indexes": [{"key": {"a": 1}, "name": "a", "unique": True}]},
        {"update": "vote", "updates": [{"q": {}, "u": {}, "multi": False, "upsert": False}]},
    ],
)
def test_what_is_documented_is_taken(command: dict[str, Any]) -> None:
    assert objections(command) == []
