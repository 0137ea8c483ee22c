"""Nobody sees a count before they may, over any route or event: polls, people and moments made up
by chance, held against a rule that is written down here a second time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from quickpoll.settings import Settings
from tests.builders import create_poll, option, vote
from tests.conftest import bearer
from tests.integration.realtime_harness import Live, Screen, running

results = ("always", "after_vote", "after_close", "owner")
openness = {"owner": 0, "after_close": 1, "after_vote": 2, "always": 3}
telling = {"votersCount", "votesCount", "votes", "percent"}

people = ("owner", "admin", "ann", "bob", "carol")
voters = ("owner", "ann", "bob")
"""Carol never votes, and never subscribes to anything."""

Step = tuple[str, ...]

steps = st.one_of(
    st.tuples(st.just("vote"), st.sampled_from(voters), st.sampled_from("012")),
    st.tuples(st.just("retract"), st.sampled_from(voters)),
    st.tuples(st.just("like"), st.sampled_from(("ann", "carol"))),
    st.tuples(st.sampled_from(("close", "reopen", "deadline"))),
    st.tuples(st.just("results"), st.sampled_from(results)),
)


@dataclass
class Model:
    """What the poll is, as far as secrets are concerned."""

    results: str
    is_open: bool = True
    voted_on: bool = False
    ballots: dict[str, int] = field(default_factory=dict)
    likes: set[str] = field(default_factory=set)

    def may_see(self, person: str) -> bool:
        if person in ("owner", "admin") or self.results == "always":
            return True
        if self.results == "after_vote":
            return person in self.ballots or not self.is_open
        return self.results == "after_close" and not self.is_open

    def counts(self, poll: dict[str, Any]) -> dict[str, int]:
        chosen = list(self.ballots.values())
        return {option(poll, n): chosen.count(n) for n in range(3)}


class World:
    """One poll, the people around it, and what is expected of it."""

    def __init__(self, live: Live, rest: httpx.AsyncClient, screens: dict[str, Screen]) -> None:
        self.live, self.rest, self.screens = live, rest, screens
        self.ids = {person: token_hex(12) for person in people}

    def who(self, person: str) -> dict[str, str]:
        roles = {"roles": ["admin"]} if person == "admin" else {}
        return bearer(self.ids[person], **roles)

    async def begin(self, kind: str, visibility: str) -> None:
        fields = {"results": kind, "visibility": visibility, "allowVoteChange": True}
        self.poll = await create_poll(self.rest, self.ids["owner"], **fields)
        self.model = Model(kind)
        self.seen_before = dict.fromkeys(people, True)
        self.heard = dict.fromkeys(people, 0)
        self.quiet: dict[str, tuple[Any, Any]] = {}
        for person in people[:-1]:
            snapshot = await self.screens[person].subscribe(self.poll["id"])
            self.judge(person, "subscribe", snapshot)

    def path(self, name: str, rest: str = "") -> str:
        return f"/api/poll/{name}/{self.poll['id']}{rest}"

    async def do(self, step: Step) -> None:
        """One step by one person; what they are told is looked at as well."""
        name, *more = step
        await getattr(self, f"_{name}")(*more)

    async def _vote(self, person: str, place: str) -> None:
        answer = await vote(self.rest, self.poll, int(place), self.ids[person])
        assert answer.is_success == self.model.is_open or int(place) == self.model.ballots.get(
            person
        )
        if answer.is_success:
            self.model.ballots[person] = int(place)
            self.model.voted_on = True
        self.judge(person, "vote", answer.json())

    async def _retract(self, person: str) -> None:
        answer = await self.rest.delete(self.path("ballot"), headers=self.who(person))
        if answer.status_code == 204:
            self.model.ballots.pop(person, None)

    async def _like(self, person: str) -> None:
        answer = await self.rest.post(self.path("like-poll"), headers=self.who(person))
        self.model.likes ^= {person}
        self.judge(person, "like", answer.json())
        assert answer.json()["likes"] == len(self.model.likes)

    async def _close(self) -> None:
        answer = await self.rest.post(self.path("close-poll"), headers=self.who("owner"))
        assert answer.status_code == 200
        self.model.is_open = False

    async def _reopen(self) -> None:
        answer = await self.rest.post(self.path("reopen-poll"), headers=self.who("owner"))
        assert answer.json()["status"] == "open"
        self.model.is_open = True

    async def _deadline(self) -> None:
        closes_at = datetime.now(UTC) + timedelta(milliseconds=200)
        change = {"closesAt": closes_at.isoformat()}
        answer = await self.rest.patch(
            self.path("update-poll"), json=change, headers=self.who("owner")
        )
        assert answer.status_code == 200
        while datetime.now(UTC) < closes_at:  # noqa: ASYNC110 - the server's clock is this one
            await asyncio.sleep(0.01)
        # Written down now, not at some moment between two looks: that is a version of its own.
        await self.live.services.deadlines.round()
        self.model.is_open = False

    async def _results(self, kind: str) -> None:
        path, change = self.path("update-poll"), {"results": kind}
        answer = await self.rest.patch(path, json=change, headers=self.who("admin"))
        more_open = openness[kind] > openness[self.model.results]
        locked = more_open and self.model.voted_on and self.model.is_open
        assert answer.status_code == (409 if locked else 200), answer.text
        if not locked:
            self.model.results = kind

    async def look(self, *, after_a_vote: bool) -> None:
        """Every person looks everywhere."""
        for person in people:
            await self._read(person, after_a_vote)
            self._listen(person)
        self.seen_before = {person: self.model.may_see(person) for person in people}

    async def _read(self, person: str, after_a_vote: bool) -> None:
        may, headers = self.model.may_see(person), self.who(person)
        answer = await self.rest.get(self.path("get-poll-by-id"), headers=headers)
        self.judge(person, "get-poll-by-id", answer.json())
        self._hold_against_the_model(answer.json(), may)
        self._tells_nothing(person, answer, may, after_a_vote)
        mine = f"/api/poll/get-poll-by-user-id/{self.ids['owner']}"
        for path in (
            "/api/poll/get-all-polls?limit=100",
            "/api/poll/get-all-polls?limit=100&sort=popular&q=colour",
            mine,
            self.path("poll-history"),
            self.path("ballot"),
            self.path("poll-timeline"),
            self.path("export-poll"),
        ):
            answer = await self.rest.get(path, headers=headers)
            assert answer.status_code in (200, 403, 404), (person, path, answer.text)
            self.judge(person, path, self._about_this(answer.json()))
            if "timeline" in path:
                assert answer.status_code == (200 if may else 403)
                if may and self.model.ballots:
                    assert answer.json()[-1]["counts"] == self.model.counts(self.poll)
            if "export" in path or path == mine:
                assert answer.status_code == (200 if person in ("owner", "admin") else 403)
        if person != "carol":
            snapshot = await self.screens[person].subscribe(self.poll["id"])
            self.judge(person, "subscribe", snapshot)
            self._hold_against_the_model(snapshot["polls"][0], may)

    def _about_this(self, said: Any) -> Any:
        """Of a list of polls, this one: the others are of earlier examples."""
        if isinstance(said, list) and said and "options" in said[0]:
            return [one for one in said if one["id"] == self.poll["id"]]
        return said

    def _hold_against_the_model(self, said: dict[str, Any], may: bool) -> None:
        likes = {"likes": len(self.model.likes)}
        if may:
            assert said["counts"] == {**likes, **self.model.counts(self.poll)}
            assert said["votersCount"] == said["votesCount"] == len(self.model.ballots)
            assert "resultsHidden" not in said
        else:
            assert said["counts"] == likes
            assert said["resultsHidden"] is True
            assert {"votersCount", "votesCount"}.isdisjoint(said)

    def _tells_nothing(
        self, person: str, answer: httpx.Response, may: bool, after_a_vote: bool
    ) -> None:
        """Somebody else's vote changes neither version nor tag for those who may not see it."""
        quiet = (answer.headers["ETag"], answer.json()["version"])
        if after_a_vote and not may and person in self.quiet:
            assert quiet == self.quiet[person]
        self.quiet.pop(person, None)
        if not may:
            self.quiet[person] = quiet

    def _listen(self, person: str) -> None:
        """What came to this person's screen since they last looked: an update under way may be
        from before the step."""
        heard = self.screens[person].heard_of(self.poll["id"])
        new, self.heard[person] = heard[self.heard[person] :], len(heard)
        if not (self.model.may_see(person) or self.seen_before[person]):
            for payload in new:
                assert not list(told(payload, self.poll)), (person, payload)

    def judge(self, person: str, where: str, said: Any) -> None:
        """Whoever may not see results is told none."""
        if not self.model.may_see(person):
            assert not list(told(said, self.poll)), (person, where, said)


def told(said: Any, poll: dict[str, Any]) -> Iterator[str]:
    """Whatever tells of a count other than likes, however deep."""
    options = {one["id"] for one in poll["options"]}
    if isinstance(said, dict):
        yield from said.keys() & (telling | options)
        for one in said.values():
            yield from told(one, poll)
    elif isinstance(said, list):
        for one in said:
            yield from told(one, poll)


@pytest.fixture
async def world(settings: Settings) -> AsyncIterator[World]:
    async with running(settings) as live:
        screens: dict[str, Screen] = {}
        found = World(live, await live.http(), screens)
        for person, user in found.ids.items():
            roles = {"roles": ["admin"]} if person == "admin" else {}
            screens[person] = await live.screen(user, **roles)
        yield found


@hypothesis_settings(
    max_examples=12,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # shrinking would take minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    kind=st.sampled_from(results),
    visibility=st.sampled_from(("public", "unlisted")),
    story=st.lists(steps, min_size=2, max_size=6),
)
async def test_hidden_means_absent(
    world: World, kind: str, visibility: str, story: list[Step]
) -> None:
    await world.begin(kind, visibility)
    await world.look(after_a_vote=False)
    for step in story:
        await world.do(step)
        others = step[0] == "vote"
        if others:
            world.quiet.pop(step[1], None)  # the voter's own view tells of the own ballot
        await world.look(after_a_vote=others)
