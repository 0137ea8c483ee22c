"""What the reading routes do, apart from any framework."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from quickpoll.auth.caller import Caller
from quickpoll.errors import Forbidden
from quickpoll.foundation.http.answers import Reply, joined, json_reply, nothing
from quickpoll.polls.ids import checked_id
from quickpoll.polls.models import NO_GUESTS, NOBODY
from quickpoll.polls.rules import check_manages
from quickpoll.results import export
from quickpoll.results.bodies import PollQuery
from quickpoll.results.encoding import Encodings
from quickpoll.results.listing import Page, PollListing
from quickpoll.results.poll_view import PollView, PollViews, entity_tag
from quickpoll.results.timeline import Timeline
from quickpoll.votes.store import VoteStore


class ResultHandlers:
    """Read polls, lists of polls, timelines and exports."""

    def __init__(
        self, views: PollViews, listing: PollListing, timeline: Timeline, votes: VoteStore
    ) -> None:
        self._views = views
        self._listing = listing
        self._timeline = timeline
        self._votes = votes
        self.encodings = Encodings()

    async def poll(self, caller: Caller, poll_id: str, if_none_match: str | None) -> Reply:
        """One poll; 304 where the caller has this answer already."""
        view = await self._views.one(caller, checked_id("poll_id", poll_id))
        body = self.encodings.of(view)
        tag = entity_tag(body, caller)
        headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
        if if_none_match is not None and _matches(if_none_match, tag):
            return nothing(304, headers)
        return json_reply(body, headers=headers)

    async def of_user(
        self, caller: Caller, user_id: str, query: PollQuery, next_link: Callable[[str], str]
    ) -> Reply:
        """A page of one user's polls, for that user or an admin."""
        user = checked_id("user_id", user_id)
        if not caller.admin and (caller.user_id != user or user == str(NOBODY)):
            raise Forbidden("Only this user or an administrator may list these polls.")
        _check_visibility(caller, query)
        return await self._page(caller, await self._listing.of_user(user, query), next_link)

    async def all(self, caller: Caller, query: PollQuery, next_link: Callable[[str], str]) -> Reply:
        """A page of all public polls; of all there are, where an admin asks for any."""
        _check_visibility(caller, query)
        return await self._page(caller, await self._listing.public(query), next_link)

    async def timeline(self, caller: Caller, poll_id: str, seconds: int) -> Reply:
        """The counts over time, for whoever may see them."""
        poll = checked_id("poll_id", poll_id)
        view = await self._views.results(caller, poll)
        rows = await self._timeline.rows(poll, view.known.option_order, seconds)
        return json_reply(rows)

    async def export(self, caller: Caller, poll_id: str, kind: str) -> Reply:
        """The results as a file, for the owner or an admin."""
        view = await self._views.one(caller, checked_id("poll_id", poll_id))
        check_manages(caller, view.known.poll)
        name = f'attachment; filename="poll-{view.known.id}.{kind}"'
        headers = {"Content-Disposition": name}
        if kind == "csv":
            return Reply(200, export.as_csv(view).encode(), headers, "text/csv; charset=utf-8")
        return json_reply(export.as_json(view, await self.guests_in(view)), headers=headers)

    async def guests_in(self, view: PollView) -> int:
        """How many ballots are guests': none where the poll admits none, as that is fixed with the
        first of them."""
        if view.known.poll.guests == NO_GUESTS:
            return 0
        return await self._votes.guests(view.known.id)

    async def _page(self, caller: Caller, page: Page, next_link: Callable[[str], str]) -> Reply:
        views = await self._views.many(caller, page.poll_ids)
        headers: dict[str, Any] = {}
        if page.cursor is not None:
            headers["Link"] = f'<{next_link(page.cursor)}>; rel="next"'
        return json_reply(joined([self.encodings.of(view) for view in views]), headers=headers)


def _check_visibility(caller: Caller, query: PollQuery) -> None:
    if query.visibility is not None and not caller.admin:
        raise Forbidden("Only an administrator may list unlisted polls.")


def _matches(if_none_match: str, tag: str) -> bool:
    """RFC 9110, section 13.1.2: weak comparison with each of the tags, or ``*``."""
    tags = (one.strip().removeprefix("W/") for one in if_none_match.split(","))
    return any(one in ("*", tag) for one in tags)
