"""Reading polls, lists, timelines and exports."""

from __future__ import annotations

from quart import Blueprint, Response, request
from quart_schema import validate_querystring

from quickpoll.auth.web import current_caller
from quickpoll.errors import Forbidden, PollNotFound, ResultsHidden
from quickpoll.foundation.openapi.document import Answer, documented
from quickpoll.results.bodies import (
    ExportBody,
    ExportQuery,
    PollQuery,
    PollViewBody,
    TimelineQuery,
    TimelineRow,
)
from quickpoll.results.export import table
from quickpoll.results.handlers import ResultHandlers
from quickpoll.results.links import next_link

_page = Answer(
    200,
    "A page of polls.",
    list[PollViewBody],
    headers={"Link": 'the next page, rel="next"; absent on the last'},
)


_example_table = table(
    ["option", "votes", "percent"], [["Monday", 12, "63.2"], ["Tuesday", 7, "36.8"]]
)


def _here() -> str:
    """The address of this list, without a host where the caller named none that could be one."""
    return request.base_url if request.host else request.path


def blueprint(handlers: ResultHandlers) -> Blueprint:
    """The routes of this package."""
    views = Blueprint("results", __name__, url_prefix="/api/poll")

    @views.get("/get-poll-by-id/<poll_id>")
    @documented(
        Answer(200, "The poll as the caller may see it.", PollViewBody, headers={"ETag": "a tag"}),
        Answer(304, "The caller has this answer already.", headers={"ETag": "the same tag"}),
        errors=(PollNotFound,),
        headers={"If-None-Match": "the ETag of the answer that the caller has"},
    )
    async def get_poll_by_id(poll_id: str) -> Response:
        """A poll with its counts."""
        tag = request.headers.get("If-None-Match")
        return (await handlers.poll(current_caller(), poll_id, tag)).response()

    @views.get("/get-poll-by-user-id/<user_id>")
    @validate_querystring(PollQuery)
    @documented(_page, errors=(Forbidden,))
    async def get_poll_by_user_id(user_id: str, query_args: PollQuery) -> Response:
        """A user's own polls, unlisted ones included; for that user and admins."""
        link = next_link(query_args, _here())
        return (await handlers.of_user(current_caller(), user_id, query_args, link)).response()

    @views.get("/get-all-polls")
    @validate_querystring(PollQuery)
    @documented(_page, errors=(Forbidden,))
    async def get_all_polls(query_args: PollQuery) -> Response:
        """All public polls, newest or most liked first."""
        link = next_link(query_args, _here())
        return (await handlers.all(current_caller(), query_args, link)).response()

    @views.get("/poll-timeline/<poll_id>")
    @validate_querystring(TimelineQuery)
    @documented(
        Answer(200, "A row for each bucket that saw a ballot.", list[TimelineRow]),
        errors=(PollNotFound, ResultsHidden),
    )
    async def poll_timeline(poll_id: str, query_args: TimelineQuery) -> Response:
        """How the vote went over time; a ballot counts from the moment of its present choice."""
        reply = await handlers.timeline(current_caller(), poll_id, query_args.bucket)
        return reply.response()

    @views.get("/export-poll/<poll_id>")
    @validate_querystring(ExportQuery)
    @documented(
        Answer(
            200,
            "The results as a file.",
            ExportBody,
            headers={"Content-Disposition": "attachment, with a file name"},
            texts={"text/csv": _example_table},
        ),
        errors=(PollNotFound, Forbidden),
    )
    async def export_poll(poll_id: str, query_args: ExportQuery) -> Response:
        """Results to take home, as JSON or CSV; percentages are of the voters."""
        return (await handlers.export(current_caller(), poll_id, query_args.format)).response()

    return views
