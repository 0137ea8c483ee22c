"""How a vote went over time, from the stored ballots."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from bson import ObjectId
from odmantic import AIOEngine

from quickpoll.errors import invalid
from quickpoll.foundation.stores.mongo import Document
from quickpoll.polls.bodies import instant
from quickpoll.votes.models import Vote

MOST_ROWS = 1000


class Timeline:
    """Counts ballots by the time of their present choice."""

    def __init__(self, engine: AIOEngine) -> None:
        self._votes = engine.get_collection(Vote)

    async def rows(
        self, poll_id: str, option_ids: Iterable[str], seconds: int
    ) -> list[dict[str, Any]]:
        """One row for each bucket of ``seconds`` in which a ballot was cast, oldest first.

        Raises :class:`~quickpoll.errors.InvalidRequest` when there are more than 1,000.
        """
        buckets = await self._votes.aggregate(_pipeline(poll_id, seconds * 1000)).to_list(None)
        if len(buckets) > MOST_ROWS:
            raise invalid(
                "bucket", f"This makes more than {MOST_ROWS:,} rows; choose longer buckets."
            )
        return accumulate(buckets, option_ids)


def _pipeline(poll_id: str, milliseconds: int) -> list[Document]:
    moment = {"$toLong": "$castAt"}
    start = {"$subtract": [moment, {"$mod": [moment, milliseconds]}]}
    return [
        {"$match": {"pollId": ObjectId(poll_id)}},
        {"$project": {"_id": 0, "bucket": start, "optionIds": 1}},
        {"$unwind": "$optionIds"},
        {"$group": {"_id": {"at": "$bucket", "option": "$optionIds"}, "votes": {"$sum": 1}}},
        {
            "$group": {
                "_id": "$_id.at",
                "options": {"$push": {"option": "$_id.option", "votes": "$votes"}},
            }
        },
        {"$sort": {"_id": 1}},
        {"$limit": MOST_ROWS + 1},
    ]


def accumulate(buckets: Iterable[Document], option_ids: Iterable[str]) -> list[dict[str, Any]]:
    """The running counts at the end of each bucket (``_id``: its start, ms since 1970)."""
    counts = dict.fromkeys(option_ids, 0)
    rows = []
    for bucket in buckets:
        for one in bucket["options"]:
            counts[str(one["option"])] = counts.get(str(one["option"]), 0) + one["votes"]
        start = datetime.fromtimestamp(bucket["_id"] / 1000, UTC)
        rows.append({"at": instant(start), "counts": dict(counts)})
    return rows
