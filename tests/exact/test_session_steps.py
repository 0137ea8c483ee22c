"""Webhooks are told of each change of a session, wherever the instance that changes it dies, or the
one that tells."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress
from typing import Any

import orjson
import pytest
from bson import ObjectId

from quickpoll.auth.caller import Caller
from quickpoll.errors import SessionChanged
from quickpoll.localrun.embedded import StoreAddresses
from quickpoll.sessions.bodies import NewSession, SessionUpdate, Step
from quickpoll.sessions.models import Session
from quickpoll.webhooks.models import Webhook
from quickpoll.webhooks.store import moment
from tests.exact.dying import Death
from tests.exact.framing import mongo_command
from tests.exact.pair import owner
from tests.exact.stepping import Stepped, Steps, stepping

caller = Caller(owner)


@pytest.fixture
async def steps(stores: StoreAddresses, name: str) -> AsyncIterator[Steps]:
    """Two instances with webhooks, and one that hears of the owner's sessions."""
    async with stepping(stores, name, API_WEBHOOKS="on") as steps:
        webhook = Webhook(
            id=ObjectId(),
            user_id=ObjectId(owner),
            slot=0,
            url="https://example.org/",
            events=["session.updated"],
            secret="whsec_YQ==",
            since=moment(),
        )
        await steps.a.outbox.webhooks.insert(webhook)
        await steps.a.outbox.listeners.count()
        yield steps


async def new_session(steps: Steps) -> str:
    """A session with a poll, in its lobby."""
    new = NewSession(title="An evening", pollIds=[str((await steps.poll()).id)])
    session = await steps.a.sessions.changes.prepare(caller, new)
    await steps.a.sessions.changes.create(session)
    return str(session.id)


async def tell(at: Stepped, session_id: str) -> None:
    """Tell everything that is noted."""
    while not at.outbox.lease.held:
        await at.outbox.lease.look()
    for source in at.outbox.teller.sources:
        await source()
    await at.outbox.teller.tell(ObjectId(session_id))


async def awaited(work: Awaitable[None]) -> None:
    """Some work as a coroutine."""
    await work


async def told(steps: Steps, session_id: str) -> list[dict[str, Any]]:
    """What was told of a session, in its order."""
    rows = steps.database["webhook_delivery"].find({"topic": ObjectId(session_id)})
    return [orjson.loads(row["body"])["data"] for row in await rows.sort("number", 1).to_list()]


async def begin(steps: Steps, session_id: str) -> int:
    """Go to the poll, on B; answers from which version on."""
    while True:
        at = (await stored(steps, session_id)).revision
        step = Step(at=0, ifVersion=at)
        with suppress(SessionChanged):  # what was on its way from A has landed just now
            await steps.b.sessions.changes.step(caller, session_id, step)
            return at


async def stored(steps: Steps, session_id: str) -> Session:
    """The session as it is."""
    found = await steps.b.sessions.store.known(session_id)
    assert found is not None
    return found


async def test_a_change_is_told_whichever_step_its_instance_dies_at(steps: Steps) -> None:
    for nth in range(60):
        session_id = await new_session(steps)
        death = Death(nth)
        titled = SessionUpdate(title=f"Evening {nth}")
        await death.of(steps.a.sessions.changes.update(caller, session_id, titled))

        # The presenter goes on at the other instance, and repeats nothing.
        at = await begin(steps, session_id)
        await tell(steps.b, session_id)

        session = await stored(steps, session_id)
        found = await told(steps, session_id)
        assert [one["version"] for one in found] == list(range(2, session.revision + 1)), nth
        assert [one["status"] for one in found] == [*["lobby"] * (at - 1), "running"]
        assert session.untold == []
        if not death.come:
            break
    assert not death.come
    assert at == 2


async def test_a_change_is_noted_by_the_write_that_makes_it(steps: Steps) -> None:
    """What a later write notes is lost where the instance dies before that one arrives."""
    session_id = await new_session(steps)
    said = steps.a.wires.mongo.record()
    await steps.a.sessions.changes.end(caller, session_id)
    [change] = [one for one in said if mongo_command("update", "session") in one]
    assert b"untold" in change


async def test_what_is_told_waits_wherever_the_one_that_tells_dies(steps: Steps) -> None:
    for nth in range(60):
        session_id = await new_session(steps)
        changes = steps.a.sessions.changes
        await changes.step(caller, session_id, Step(at=0, ifVersion=1))
        await changes.end(caller, session_id)
        death = Death(nth)
        for source in steps.a.outbox.teller.sources:
            await death.of(awaited(source()))
        await changes.delete(caller, session_id)
        await tell(steps.b, session_id)
        found = await told(steps, session_id)
        assert [one["status"] for one in found] == ["running", "ended"], nth
        assert [(one["version"], one["at"]) for one in found] == [(2, 0), (3, None)]
        assert {one["userId"] for one in found} == {owner}
        if not death.come:
            break
    assert not death.come


async def test_what_is_not_told_yet_of_an_erased_person_names_nobody(steps: Steps) -> None:
    session_id = await new_session(steps)
    await steps.a.sessions.changes.end(caller, session_id)
    (note,) = (await stored(steps, session_id)).untold
    assert owner not in orjson.dumps(note, default=str).decode()
    await steps.a.sessions.changes.erase(await stored(steps, session_id), moment())
    assert (await stored(steps, session_id)).untold == []
    await tell(steps.b, session_id)
    assert await told(steps, session_id) == []
