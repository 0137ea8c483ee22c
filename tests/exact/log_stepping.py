"""Verifiable polls on instances in which nothing runs by itself, and what their logs say."""

from __future__ import annotations

from typing import Any

from quickpoll.auth.caller import Caller
from quickpoll.polls.models import Poll
from quickpoll.verification import tiles, tree
from quickpoll.verification.entries import parse_entry
from quickpoll.verification.fold import Fold
from quickpoll.verification.notes import open_checkpoint, parse_keys
from tests.exact.pair import owner
from tests.exact.stepping import Stepped, Steps

the_owner = Caller(owner, False, 4e9)


async def verifiable(steps: Steps, **fields: Any) -> Poll:
    """A new poll with a log, whose votes may change."""
    return await steps.poll(verifiable=True, allow_vote_change=True, **fields)


async def cast(one: Stepped, poll: Poll, user: str, place: int = 0) -> str:
    """A vote; answers the entry that its voter is promised."""
    await one.uncounted.look()
    result = await one.casting.cast(user, str(poll.id), [poll.option_ids()[place]])
    assert result.promise is not None
    return result.promise.entry.decode()


async def lines(one: Stepped, poll: Poll) -> list[str]:
    """The entries that are published, each allowed where it stands, under the root that is
    signed."""
    poll_id = str(poll.id)
    head = (await one.log_room.store.published([poll_id]))[poll_id]
    keys = parse_keys(one.log_room.signers.published)
    checkpoint, _ = open_checkpoint(head.note, keys)
    assert (checkpoint.size, checkpoint.root) == (head.size, head.root)
    paths = [place.full_path for place in tiles.places(None, head.size)]
    bundles = await one.log_room.store.contents(poll_id, paths)
    found = [line for path in paths for line in tiles.unbundle(bundles[path])][: head.size]
    assert tree.root([tree.leaf_hash(line) for line in found]) == head.root
    fold = Fold(poll_id)
    for line in found:
        fold.apply(parse_entry(line))
    return [line.decode() for line in found]


async def nothing_waits(steps: Steps, poll: Poll) -> bool:
    """Whether all ballots of a poll are in its log."""
    waiting = {
        "pollId": poll.id,
        "$or": [{"unlogged": {"$exists": True}}, {"log.waiting": {"$exists": True}}],
    }
    return await steps.database["vote"].count_documents(waiting) == 0
