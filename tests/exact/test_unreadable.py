"""Hole 11: whatever a key holds that is not what we write counts as missing, for one poll alone."""

from __future__ import annotations

import json
from secrets import token_hex

import pytest

from tests.exact.pair import Pair, settles

unreadable = {
    "no JSON": "not json",
    "a list": "[]",
    "a number": "7",
    "a text": '"text"',
    "null": "null",
    "empty": "",
    "no fields": "{}",
    "bytes": b"\xff\xfe\x00",
    "an older form": json.dumps({"run": "r", "v": "1", "o": {}, "n": 0}),
    "options as a list": json.dumps(
        {"run": "RUN", "v": "1", "p": "1", "r": 1, "d": 0, "q": 0, "n": 0, "l": 0, "o": []}
    ),
    "fields of other kinds": json.dumps(
        {"run": "RUN", "v": None, "p": {}, "r": "x", "d": 0, "q": 0, "n": "1", "l": [], "o": 5}
    ),
    "a version that is no number": json.dumps(
        {"run": "RUN", "v": "x", "p": "y", "r": 1, "d": 0, "q": 0, "n": 0, "l": 0, "o": {}}
    ),
}


@pytest.mark.parametrize("what", unreadable.values(), ids=list(unreadable))
async def test_an_unreadable_state_is_recounted(
    pair: Pair, what: str | bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    poll, other = await pair.poll(), await pair.poll()
    assert (await pair.b.vote(poll, 0, token_hex(12))).status_code == 201
    capfd.readouterr()
    if isinstance(what, str):
        what = what.replace("RUN", await _run(pair))
    await pair.redis.set(pair.keys.state(poll["id"]), what)

    views = [await member.look(poll) for member in pair.both]
    assert [view.get("votersCount") for view in views] == [1, 1], views
    for member in pair.both:
        assert (await member.vote(poll, 1, token_hex(12))).status_code == 201
        assert (await member.act("PUT", "like-poll", poll, token_hex(12))).status_code == 200
        ready = (await member.http.get("/health/ready")).json()
        assert ready["status"] != "degraded", ready
        assert (await member.vote(other, 1, token_hex(12))).status_code == 201
    await pair.exact(poll)
    await pair.exact(other)
    assert (await pair.a.act("POST", "close-poll", poll)).status_code == 200
    assert len(capfd.readouterr().err.splitlines()) < 10


@pytest.mark.parametrize("kind", ["hash", "list", "set"])
async def test_a_key_of_another_kind_is_replaced(pair: Pair, kind: str) -> None:
    """A stranger's hash, list or set where the state is."""
    poll = await pair.poll()
    assert (await pair.b.vote(poll, 0, token_hex(12))).status_code == 201
    name = pair.keys.state(poll["id"])
    await pair.redis.delete(name)
    if kind == "hash":
        await pair.redis.hset(name, "a", "1")
    elif kind == "list":
        await pair.redis.lpush(name, "1")
    else:
        await pair.redis.sadd(name, "1")
    views = [await member.look(poll) for member in pair.both]
    assert [view.get("votersCount") for view in views] == [1, 1], views
    for member in pair.both:
        assert (await member.vote(poll, 1, token_hex(12))).status_code == 201
    await settles(lambda: pair.differences(poll))


@pytest.mark.parametrize("what", ["not a number", "", "[]"])
async def test_an_unreadable_mark_is_dropped(pair: Pair, what: str) -> None:
    poll = await pair.poll()
    await pair.redis.hset(pair.keys.writes(poll["id"]), "a-token", what)
    assert (await pair.b.vote(poll, 0, token_hex(12))).status_code == 201
    await pair.exact(poll)
    assert (await pair.a.act("POST", "close-poll", poll)).status_code == 200


async def _run(pair: Pair) -> str:
    info = await pair.redis.info("server")
    return str(info["run_id"])
