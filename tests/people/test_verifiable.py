"""Whoever leaves a verifiable poll: its log says that a ballot went, and nobody can say whose."""

from __future__ import annotations

from secrets import token_hex

import httpx
import pytest
from bson import ObjectId

from quickpoll.composition import Services
from quickpoll.localrun.embedded import StoreAddresses
from quickpoll.settings import Settings
from tests.builders import create_poll, vote
from tests.conftest import environment, settings_from
from tests.integration.log_harness import log_settings, published
from tests.people.life import Places, act, erased

owner, user = "65f1c0ffee0000000009f001", "65f1c0ffee0000000009f002"


@pytest.fixture
def settings(stores: StoreAddresses, name: str) -> Settings:
    return settings_from(environment(stores, name, **log_settings))


async def test_the_log_has_an_erase_entry_and_nothing_that_opens_it_is_left(
    client: httpx.AsyncClient, services: Services, places: Places
) -> None:
    opened, closed = [await create_poll(client, owner, verifiable=True) for _ in range(2)]
    for poll in (opened, closed):
        for someone in (user, *(token_hex(12) for _ in range(5))):
            assert (await vote(client, poll, 0, someone)).status_code == 201
    await act(client, "POST", "close-poll", closed, owner)
    await published(client, closed, 8)

    await erased(client, services, user)

    # The definition, six ballots (and the close), the erasure.
    before, after = await published(client, opened, 8), await published(client, closed, 9)
    assert [log.kinds.count("erase") for log in (before, after)] == [1, 1]
    for log in (before, after):
        (gone,) = [line.split(" ")[1] for line in log.lines if line.startswith("erase ")]
        assert log.check().findings == []
        assert gone not in str(log.files.get(f"log/{log.poll_id}/openings"))
        stored = await places.database["vote"].find_one({"log.entry": {"$regex": gone}})
        assert stored is not None, "its entry is not in it"
        assert stored["log"].keys() & {"pepper", "salt"} == set()
    assert "1 of 6 ballots are sealed by erasure" in " ".join(after.check().notes)
    left = {"pollId": ObjectId(closed["id"]), "log.pepper": {"$exists": True}}
    assert await places.database["vote"].count_documents(left) == 5


async def test_nothing_that_tells_whose_it_was_is_left_of_a_ballot_that_was_taken_back(
    client: httpx.AsyncClient, services: Services, places: Places
) -> None:
    """It has no entry of an erasure, since it does not count; its pepper goes all the same."""
    poll = await create_poll(client, owner, verifiable=True, allowVoteChange=True)
    assert (await vote(client, poll, 0, user)).status_code == 201
    assert (await act(client, "DELETE", "ballot", poll, user)).status_code == 204

    await erased(client, services, user)

    opened = {"pollId": ObjectId(poll["id"]), "log.pepper": {"$exists": True}}
    assert await places.database["vote"].find_one(opened) is None
