"""CallerStates are read together for callers who ask together."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from quickpoll.results.caller_state import MOST_PAIRS, CallerState, CallerStateReader
from quickpoll.votes.store import Ballot

lanes = 4


class Stores:
    """Ballots and likes in memory, whose answers can be held up."""

    def __init__(self) -> None:
        self.ballots: dict[tuple[str, str], Ballot] = {}
        self.likes: set[tuple[str, str]] = set()
        self.asked: list[tuple[set[str], tuple[str, ...]]] = []
        self.open = asyncio.Event()

    async def among(self, user_ids: Iterable[str], poll_ids: Iterable[str]) -> Any:
        users, polls = set(user_ids), tuple(poll_ids)
        self.asked.append((users, polls))
        await self.open.wait()
        return {pair: one for pair, one in self.ballots.items() if self._is_asked(pair)}

    def _is_asked(self, pair: tuple[str, str]) -> bool:
        return any(pair[0] in users and pair[1] in polls for users, polls in self.asked)


class Likes(Stores):
    async def among(self, user_ids: Iterable[str], poll_ids: Iterable[str]) -> Any:
        users, polls = set(user_ids), set(poll_ids)
        return {pair for pair in self.likes if pair[0] in users and pair[1] in polls}


def ballot(user: str, poll: str, *options: str) -> Ballot:
    return Ballot("ballot", "document", user, poll, options, datetime.now(UTC))


async def ask(reader: CallerStateReader, user: str, *polls: str) -> dict[str, CallerState]:
    return await reader.answer(reader.ask(user, polls))


async def test_those_who_wait_are_answered_by_one_query() -> None:
    votes, likes = Stores(), Likes()
    for user in ("u3", "u30"):
        votes.ballots[user, "p1"] = ballot(user, "p1", "red")
    likes.likes = {("u3", "p1"), ("u5", "p2")}
    reader = CallerStateReader(votes, likes)  # type: ignore[arg-type]
    reader.start()
    first = [asyncio.create_task(ask(reader, f"busy{n}", f"p{n}")) for n in range(lanes)]
    while len(votes.asked) < lanes:  # noqa: ASYNC110 - every lane is at work then
        await asyncio.sleep(0)
    waiting = [asyncio.create_task(ask(reader, f"u{n}", "p1", "p2")) for n in range(40)]
    other = asyncio.create_task(ask(reader, "u3", "p2", "p1"))
    await asyncio.sleep(0)
    votes.open.set()
    answers = await asyncio.gather(*waiting)
    await asyncio.gather(*first)

    assert [polls for _, polls in votes.asked[lanes:]] == [("p1", "p2"), ("p2", "p1")]
    assert votes.asked[lanes][0] == {f"u{n}" for n in range(40)}
    assert answers[3] == await other == {"p1": CallerState(("red",), liked=True)}
    assert answers[5] == {"p2": CallerState(liked=True)}
    assert answers[30] == {"p1": CallerState(("red",))}
    assert answers[7] == {}
    await reader.aclose()


async def test_no_query_looks_for_too_many() -> None:
    votes = Stores()
    votes.open.set()
    reader = CallerStateReader(votes, Likes())  # type: ignore[arg-type]
    polls = tuple(f"p{n}" for n in range(MOST_PAIRS // 10))
    asked = [ask(reader, f"u{n}", *polls) for n in range(100)]
    reader.start()
    await asyncio.gather(*asked)

    assert max(len(users) * len(polls) for users, polls in votes.asked) == MOST_PAIRS
    assert len(votes.asked) < 100
    await reader.aclose()
