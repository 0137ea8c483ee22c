"""A new list of options while nobody has voted: what is one, and the counts of it."""

from __future__ import annotations

import asyncio

import httpx
from bson import ObjectId

from quickpoll.composition import Services
from quickpoll.factory import create_app
from quickpoll.settings import Settings
from tests.builders import create_poll, look, option, vote
from tests.conftest import served
from tests.integration.management_harness import (
    Poll,
    changes,
    history,
    nobody,
    other,
    owner,
    patch,
    texts,
)


async def test_what_is_no_list_of_options(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner)
    three = texts(poll, "a", "b", "c")
    refused: list[tuple[list[dict[str, str]], str]] = [
        (three[:1], "options"),
        ([{"text": f"option {n}"} for n in range(51)], "options"),
        ([*three, {"id": nobody, "text": "d"}], "options.3.id"),
        ([{"id": nobody, "text": "c"}, *three[:2]], "options.0.id"),
        ([*three[:2], {**three[0], "text": "c"}], "options.2.id"),
        ([*three[:2], {"id": "x", "text": "c"}], "options.2.id"),
        ([*three[:2], {"id": "", "text": "c"}], "options.2.id"),
        ([*three[:2], {"id": option(poll, 2)}], "options.2.text"),
        ([*three[:2], {"id": option(poll, 2), "text": "A"}], "options.2.text"),
        ([*three[:2], {"text": "A"}], "options.2.text"),
        ([*three[:2], {"text": "c", "pollId": poll["id"]}], "options.2.pollId"),
    ]
    for options, blamed in refused:
        answer = await patch(client, poll, options=options)
        assert answer.status_code == 422, options
        assert [one["field"] for one in answer.json()["errors"]] == [blamed]
    assert (await look(client, poll, owner))["options"] == poll["options"]


async def test_options_may_be_a_new_list_while_nobody_has_voted(
    client: httpx.AsyncClient, services: Services, settings: Settings
) -> None:
    poll = await create_poll(client, owner)
    kept = [{"id": option(poll, n), "text": text} for n, text in ((2, "blue"), (0, "rosy"))]
    async with served(create_app(settings)) as second:
        for instance in (client, second):
            await look(instance, poll, other)  # both have the poll in memory
        answer = await patch(client, poll, options=[{"text": "new"}, *kept, {"text": "red"}])

        changed = answer.json()
        assert answer.status_code == 200
        assert [one["text"] for one in changed["options"]] == ["new", "blue", "rosy", "red"]
        assert [one["id"] for one in changed["options"][1:3]] == [one["id"] for one in kept]
        ids = [one["id"] for one in changed["options"]]
        assert len({*ids, option(poll, 1)}) == 5
        for instance in (second, client):
            seen = await look(instance, poll, other)
            assert seen["options"] == changed["options"]
            assert seen["counts"] == {"likes": 0, **dict.fromkeys(ids, 0)}
        gone = await vote(client, poll, 1, other)
        assert (gone.status_code, gone.json()["code"]) == (404, "option_not_found")
        assert (await vote(second, changed, 3, other)).status_code == 201
        assert (await look(client, poll, owner))["counts"] == {
            "likes": 0,
            **dict.fromkeys(ids, 0),
            ids[3]: 1,
        }
    name = services.counters.keys.option
    plain = [await services.redis.call("GET", name(poll["id"], one)) for one in ids]
    assert plain == ["0", "0", "0", "1"]
    assert await services.redis.call("EXISTS", name(poll["id"], option(poll, 1))) == 0
    rows = await history(client, poll)
    assert changes(rows) == [
        ("updated", {"options": poll["options"]}, {"options": changed["options"]})
    ]


async def option_keys(services: Services, poll: Poll) -> set[str]:
    """The options that have a plain counter in Redis."""
    start = services.counters.keys.option(poll["id"], "")
    found = await services.redis.call("KEYS", f"{start}*")
    return {name.removeprefix(start) for name in found}


async def test_a_recount_that_began_before_a_new_list_does_not_put_the_old_one_back(
    client: httpx.AsyncClient, services: Services
) -> None:
    poll = await create_poll(client, owner)
    scripts = services.counters.scripts
    closed = await scripts.close_barrier(poll["id"], "a recount", wait=False)
    counted = await services.census.count(poll["id"])
    assert counted is not None

    changed = (await patch(client, poll, options=[*texts(poll, "a"), {"text": "b"}])).json()
    again = await scripts.open_barrier(poll["id"], closed.barrier, counted, (), (0, 0))
    await services.rebuilder.recount(poll["id"])

    ids = [one["id"] for one in changed["options"]]
    state = (await services.counters.read([poll["id"]]))[poll["id"]]
    assert again == -1
    assert state is not None
    assert set(state.options) == set(ids) == await option_keys(services, poll)
    assert (await look(client, poll, other))["counts"] == {"likes": 0, **dict.fromkeys(ids, 0)}


async def test_a_recount_finds_a_new_list_that_redis_was_not_told(
    client: httpx.AsyncClient, services: Services
) -> None:
    poll = await create_poll(client, owner)
    known = await services.polls.fresh(poll["id"])
    kept = known.poll.options[1].model_dump_doc()
    new = {"id": ObjectId(), "text": "new"}
    assert await services.polls.change(known.poll, {"options": [kept, new]}) is not None

    assert await services.rebuilder.recount(poll["id"]) == 0

    ids = {option(poll, 1), str(new["id"])}
    assert await option_keys(services, poll) == ids
    assert (await look(client, poll, other))["counts"] == {"likes": 0, **dict.fromkeys(ids, 0)}


async def test_a_new_list_of_options_and_the_first_vote(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    """Whichever comes first: no ballot is for an option that the poll does not have."""
    async with served(create_app(settings)) as second:
        for _ in range(15):
            poll = await create_poll(client, owner)
            edit, cast = await asyncio.gather(
                patch(second, poll, options=[*texts(poll, "red"), {"text": "new"}]),
                vote(client, poll, 1, other),
            )
            seen = await look(client, poll, owner)
            if edit.status_code == 200:
                assert (cast.status_code, cast.json()["code"]) == (404, "option_not_found")
                assert (len(seen["counts"]), seen["votersCount"]) == (3, 0)
            else:
                assert (edit.json()["code"], cast.status_code) == ("poll_has_votes", 201)
                assert seen["counts"][option(poll, 1)] == 1


async def test_the_counts_of_a_new_list_after_redis_has_lost_everything(
    client: httpx.AsyncClient, services: Services
) -> None:
    poll = await create_poll(client, owner)
    await services.redis.call("DEL", services.counters.keys.state(poll["id"]))

    changed = (await patch(client, poll, options=[*texts(poll, "a"), {"text": "b"}])).json()

    ids = [one["id"] for one in changed["options"]]
    assert (await look(client, poll, other))["counts"] == {"likes": 0, **dict.fromkeys(ids, 0)}
    await services.rebuilder.recount(poll["id"])
    assert (await look(client, poll, other))["counts"] == {"likes": 0, **dict.fromkeys(ids, 0)}
    state = (await services.counters.read([poll["id"]]))[poll["id"]]
    assert state is not None
    assert set(state.options) == set(ids)
