"""No query of the service scans a collection: every command that it sends is looked at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any

import httpx
import pytest
from bson import ObjectId
from pymongo import MongoClient, monitoring
from quart import Quart

from quickpoll.composition import Services
from quickpoll.results.bodies import PollQuery
from quickpoll.results.plans import ORDERS, Wanted, plan
from quickpoll.results.ranges import ranges
from quickpoll.results.sample import Sample
from quickpoll.settings import Settings
from tests.builders import create_poll, vote
from tests.conftest import bearer, served

owner, other = "65f1c0ffee0000000000fa01", "65f1c0ffee0000000000fa02"

Document = dict[str, Any]


class Recorder(monitoring.CommandListener):
    """Keeps the commands that clients send to one database."""

    def __init__(self) -> None:
        self.database = ""
        self.commands: list[Document] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.database_name == self.database:
            self.commands.append(dict(event.command))

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Of no interest here."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Of no interest here."""


recorder = Recorder()
monitoring.register(recorder)  # clients that are made from now on tell it; it listens to one test


@pytest.fixture
async def recorded(app: Quart) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application, whose commands are kept."""
    services: Services = app.extensions["quickpoll"]
    recorder.database, recorder.commands = services.settings.database_name, []
    async with served(app) as client:
        yield client
    recorder.database = ""


def searches(command: Document) -> Iterator[tuple[str, Document, Document]]:
    """Where a command searches, what for, and in which order."""
    kind = next(iter(command))
    name = command[kind]
    if kind == "find":
        yield name, command.get("filter", {}), command.get("sort", {})
    elif kind == "aggregate":
        steps = command["pipeline"]
        first = steps[0].get("$match", {})
        yield name, first, next((one["$sort"] for one in steps if "$sort" in one), {})
    elif kind in ("update", "delete"):
        for one in command[f"{kind}s"]:
            yield name, one["q"], {}
    elif kind == "findAndModify":
        yield name, command["query"], {}
    else:
        assert kind in ("insert", "getMore", "createIndexes", "listIndexes", "ping"), kind


async def exercise(client: httpx.AsyncClient, services: Services) -> None:
    """Every route, and every loop once."""
    soon = datetime.now(UTC) + timedelta(milliseconds=300)
    poll = await create_poll(client, owner, allowVoteChange=True, maxChoices=2)
    await create_poll(client, owner, closesAt=soon.isoformat())
    users = [token_hex(12) for _ in range(3)]
    await asyncio.gather(*[vote(client, poll, n, user) for n, user in enumerate(users)])
    await asyncio.gather(*[vote(client, poll, 0, user) for user in users])
    path = f"/api/poll/like-poll/{poll['id']}"
    for method in ("POST", "POST", "PUT", "DELETE"):
        await client.request(method, path, headers=bearer(other))
    await client.delete(f"/api/poll/ballot/{poll['id']}", headers=bearer(users[0]))
    changes: list[Document] = [{"question": "Q?"}, {"visibility": "unlisted"}, {"closesAt": None}]
    for change in changes:
        path = f"/api/poll/update-poll/{poll['id']}"
        await client.patch(path, json=change, headers=bearer(owner))
    for name in ("close-poll", "reopen-poll", "duplicate-poll"):
        await client.post(f"/api/poll/{name}/{poll['id']}", headers=bearer(owner))
    for name in ("get-poll-by-id", "ballot", "poll-timeline", "poll-history", "export-poll"):
        await client.get(f"/api/poll/{name}/{poll['id']}", headers=bearer(owner))
    for path in ("/api/poll/get-all-polls", f"/api/poll/get-poll-by-user-id/{owner}"):
        for query in (
            "",
            "?q=q&status=open&limit=1",
            "?sort=popular&status=closed&q=x",
            "?context.a=b&q=x",
            "?closedSince=2026-01-01T00:00:00Z",
        ):
            answer = await client.get(path + query, headers=bearer(owner))
            if "next" in answer.links:
                await client.get(answer.links["next"]["url"], headers=bearer(owner))
    await services.census.count(poll["id"])
    await services.deadlines.round()
    await client.delete(f"/api/poll/delete-poll/{poll['id']}", headers=bearer(owner))
    await services.deletion.sweep()


async def test_nothing_scans_a_collection(
    app: Quart, recorded: httpx.AsyncClient, settings: Settings
) -> None:
    """Each search enters an index: by its first key, or in the order that it keeps."""
    await exercise(recorded, app.extensions["quickpoll"])
    asked = [one for command in recorder.commands for one in searches(command)]
    recorder.database = ""

    url = settings.api_database_url.get_secret_value()
    with MongoClient[Document](url) as mongo:
        database = mongo[settings.database_name]
        entries = {
            # Also a collection that nothing was put in yet has that one index.
            name: {"_id"}
            | {index["key"][0][0] for index in database[name].index_information().values()}
            for name in {name for name, *_ in asked}
        }
    scans = [
        (name, wanted)
        for name, wanted, order in asked
        if not entries[name] & {*wanted, *list(order)[:1]}
    ]
    # What is still to be counted is a list of its own, empty as a rule, and read as a whole.
    assert [one for one in scans if one[0] != "uncounted"] == []
    assert entries.keys() >= {"poll", "vote", "like", "poll_change", "deletion"}


async def test_counting_reads_index_keys(
    client: httpx.AsyncClient, services: Services, settings: Settings
) -> None:
    """The plans of what runs most, where the database's own explanation can be relied on."""
    poll = await create_poll(client, owner)
    await vote(client, poll, 0, other)
    poll_id = ObjectId(poll["id"])
    now = datetime.now(UTC)
    database = services.mongo[settings.database_name]
    since = {"status": "closed", "closedSince": "2026-01-01T00:00:00Z"}
    queries: list[Document] = [{}, {"status": "open"}, since, {"context.a": "b"}]
    lists = [
        entry
        for user in (None, owner)
        for sort in ("newest", "popular")
        for query in queries
        for entry in await entries({**query, "sort": sort}, user, services)
    ]
    searches: list[tuple[str, Document]] = [
        ("vote", {"pollId": poll_id}),
        ("vote", {"pollId": poll_id, "optionIds": ObjectId(poll["options"][0]["id"])}),
        ("vote", {"userId": ObjectId(other), "pollId": poll_id}),
        ("like", {"userId": ObjectId(other), "pollId": poll_id}),
        ("poll", {"status": "open", "closesAt": {"$gt": now, "$lte": now}}),
        ("deletion", {"at": {"$lt": now}}),
        ("poll_change", {"pollId": poll_id}),
        *[("poll", match) for match in lists],
    ]
    for name, wanted in searches:
        plan = await database.command("explain", {"find": name, "filter": wanted})
        assert "IXSCAN" in str(plan["queryPlanner"]["winningPlan"]), (name, wanted)


async def entries(query: Document, user: str | None, services: Services) -> list[Document]:
    """Where a list enters an index: its first part, and one between two places."""
    sample = Sample(services.engine)
    await sample.ready()
    wanted = Wanted(PollQuery.model_validate(query), user)
    how = plan(wanted, sample, datetime.now(UTC))
    assert how is not None
    low, high = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    places = {"newest": ((low,), (high,)), "popular": ((1, low), (3, high))}
    between = ranges(wanted.order, *places[wanted.query.sort])
    parts = [{}, *between] if how.in_parts else [{}]
    found = [{**entry, **part} for entry in how.entries for part in parts]
    return found + ([how.overdue[0]] if how.overdue else [])


async def test_an_entry_is_equal_values_and_one_range_in_the_order_of_an_index(
    client: httpx.AsyncClient, services: Services, settings: Settings
) -> None:
    """What MongoDB needs for one scan without a sort, and all that the embedded database can use:
    values that are equal, then one range, then the rest of the order, all keys of one index."""
    polls = services.mongo[settings.database_name]["poll"]
    found = (await polls.index_information()).values()
    indexes = [[key for key, _ in index["key"]] for index in found]
    for user in (None, owner):
        for sort in ("newest", "popular"):
            for status in ({}, {"status": "open"}, {"status": "closed"}):
                for entry in await entries({"sort": sort, **status}, user, services):
                    ranged = [isinstance(value, dict) for value in entry.values()]
                    assert True not in ranged[:-1], entry
                    order = [*ORDERS[sort], "_id"]
                    keys = [*entry, *(key for key in order if key not in entry)]
                    assert "closesAt" in entry or keys in indexes, entry
