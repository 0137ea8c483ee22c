"""The key of a state: its text without what only tells one run from another.

Tokens are numbered anew, versions and revisions of documents take their rank, ids their order of
appearance, and of deadlines counts whether they have passed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

_token = re.compile(r"<([\w+-]+)\.(\d+)>")
_version = re.compile(r"\b17\d{14}\b")
_moment = re.compile(r"(?<![\d])17\d{11}(?:\.\d+)?\b")
_id = re.compile(r"\b[0-9a-f]{24}\b")
_date = re.compile(r"(?:datetime\.datetime|ModelTime)\([^)]*\)+")

IDLE_FIELDS = {"question", "folded", "options", "userId", "minChoices", "maxChoices", "visibility"}
IDLE_FIELDS |= {"createdAt", "castAt", "at", "closedAt", "results", "instance", "before", "after"}
"""Of documents: what never changes in these plays, or what nobody goes by."""


def digest(answer: Any) -> Any:
    """An answer, or a document, without what makes no difference."""
    if isinstance(answer, dict):
        drop = IDLE_FIELDS - ({"userId"} if "pollId" in answer else set())
        return {key: digest(one) for key, one in answer.items() if key not in drop}
    if isinstance(answer, list | tuple):
        return [digest(one) for one in answer]
    if isinstance(answer, str) and answer.startswith('{"'):
        return json.loads(answer)
    return answer if isinstance(answer, int | float | str | None) else str(answer)


def normal(text: str, now_ms: float, ids: dict[str, str]) -> str:
    """The text with names instead of numbers. ``ids`` are those that mean the same in every run."""
    text = _date.sub("moment", text)
    text = _id.sub(_by_appearance(ids), text)
    text = _version.sub(_by_rank(text), text)
    text = _moment.sub(lambda found: "past" if float(found[0]) < now_ms else "ahead", text)
    return _token.sub(_by_maker(text), text)


def _by_appearance(ids: dict[str, str]) -> Callable[[re.Match[str]], str]:
    found = dict(ids)
    return lambda match: found.setdefault(match[0], f"id{len(found)}")


def _by_rank(text: str) -> Callable[[re.Match[str]], str]:
    ranks = {one: f"v{place}" for place, one in enumerate(sorted(set(_version.findall(text))))}
    return lambda match: ranks[match[0]]


def _by_maker(text: str) -> Callable[[re.Match[str]], str]:
    numbers: dict[str, list[int]] = {}
    for maker, number in sorted(set(_token.findall(text)), key=lambda one: (one[0], int(one[1]))):
        numbers.setdefault(maker, []).append(int(number))
    return lambda match: f"<{match[1]}.{numbers[match[1]].index(int(match[2]))}>"
