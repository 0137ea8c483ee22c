"""`quart seed`: polls, votes and likes that go the way of real ones."""

from __future__ import annotations

import httpx

from tests.integration.cli.commands import Run, all_polls, owner


async def test_seeding_goes_the_way_of_real_votes(quart: Run, service: httpx.AsyncClient) -> None:
    sizes = ("--polls", "4", "--voters", "20", "--votes", "50", "--likes", "30")

    done = await quart("seed", *sizes, "--user-id", owner.upper())

    assert (done.exit_code, done.stderr) == (0, "")
    assert "4 polls, 50 votes, 30 likes." in done.stdout
    polls = await all_polls(service)
    assert {poll["userId"] for poll in polls} == {owner}
    assert sum(poll["votersCount"] for poll in polls) == 50
    assert sum(poll["counts"]["likes"] for poll in polls) == 30
    for poll in polls:
        assert poll["id"] in done.stdout
        assert sum(poll["counts"][one["id"]] for one in poll["options"]) == poll["votersCount"]
    assert "0 mended" in (await quart("recount")).stdout


async def test_votes_that_are_refused_for_a_moment_are_cast_again(
    quart: Run, service: httpx.AsyncClient
) -> None:
    sizes = ("--polls", "2", "--voters", "30", "--votes", "50", "--likes", "50")

    done = await quart("seed", *sizes, api_vote_queue=20)

    assert done.exit_code == 0, done.stderr
    polls = await all_polls(service)
    assert sum(poll["votersCount"] for poll in polls) == 50
    assert sum(poll["counts"]["likes"] for poll in polls) == 50


async def test_the_same_random_seed_makes_the_same_polls(
    quart: Run, service: httpx.AsyncClient
) -> None:
    found = []
    for seed in ("7", "7", "8"):
        done = await quart(
            "seed", "--polls", "6", "--voters", "9", "--votes", "20", "--random-seed", seed
        )
        assert done.exit_code == 0
        polls = (await all_polls(service))[:6]
        found.append(
            [
                (
                    poll["question"],
                    poll["userId"],
                    [(one["text"], poll["counts"][one["id"]]) for one in poll["options"]],
                )
                for poll in polls
            ]
        )
    assert found[0] == found[1] != found[2]


async def test_only_what_is_asked_for_is_made(quart: Run, service: httpx.AsyncClient) -> None:
    done = await quart("seed")

    assert "5 polls, 0 votes, 0 likes." in done.stdout
    polls = await all_polls(service)
    assert len(polls) == 5
    assert sum(poll["votersCount"] + poll["counts"]["likes"] for poll in polls) == 0


async def test_the_polls_of_a_random_seed_are_the_same_for_any_owner(
    quart: Run, service: httpx.AsyncClient
) -> None:
    for more in ((), ("--user-id", owner), ("--voters", "7", "--likes", "3")):
        assert (await quart("seed", "--random-seed", "7", *more)).exit_code == 0
    polls = [
        (poll["question"], [one["text"] for one in poll["options"]])
        for poll in await all_polls(service)
    ]
    assert polls[:5] == polls[5:10] == polls[10:]


async def test_seeding_without_redis(quart: Run, service: httpx.AsyncClient) -> None:
    sizes = ("--polls", "2", "--voters", "5", "--votes", "8", "--likes", "3")

    assert (await quart("seed", *sizes, api_redis_port=1)).exit_code == 0

    polls = await all_polls(service)
    assert sum(poll["votersCount"] for poll in polls) == 8
    assert sum(poll["counts"]["likes"] for poll in polls) == 3
