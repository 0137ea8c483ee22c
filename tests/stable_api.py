"""What is sent to MongoDB, held to its Stable API.

The facts are those of MongoDB's manual, "Stable API": with ``apiVersion: "1"`` and ``apiStrict:
true`` a server takes these commands, with the documented options of each but for a few. What keeps
to that works alike on every version from 5.0 on. ``tests/conftest.py`` has a listener hear every
command that the tests' own process sends, and fails the test that sends another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


of_every_command = words(
    "$db $clusterTime $readPreference lsid txnNumber maxTimeMS readConcern writeConcern comment"
    " apiVersion apiStrict"
)

options: Mapping[str, frozenset[str]] = {
    name: words(fields)
    for name, fields in {
        "aggregate": "aggregate pipeline cursor explain allowDiskUse bypassDocumentValidation"
        " collation hint let",
        "count": "count query limit skip hint collation",
        "create": "create timeseries expireAfterSeconds clusteredIndex validator validationLevel"
        " validationAction viewOn pipeline collation",
        "createIndexes": "createIndexes indexes commitQuorum",
        "delete": "delete deletes let ordered",
        "drop": "drop",
        "dropDatabase": "dropDatabase",
        "dropIndexes": "dropIndexes index",
        "endSessions": "endSessions",
        "find": "find filter sort projection hint skip limit batchSize singleBatch collation"
        " allowDiskUse let",
        "findAndModify": "findAndModify query sort remove update new fields upsert"
        " bypassDocumentValidation collation arrayFilters hint let",
        "getMore": "getMore collection batchSize",
        "hello": "hello saslSupportedMechs topologyVersion maxAwaitTimeMS",
        "insert": "insert documents ordered bypassDocumentValidation",
        "killCursors": "killCursors cursors",
        "listCollections": "listCollections filter nameOnly authorizedCollections cursor",
        "listDatabases": "listDatabases filter nameOnly authorizedDatabases",
        "listIndexes": "listIndexes cursor",
        "ping": "ping",
        "update": "update updates let ordered bypassDocumentValidation",
    }.items()
}

index_fields = words(
    "key name unique partialFilterExpression expireAfterSeconds hidden collation wildcardProjection"
)
"""Without ``background``, ``bucketSize``, ``sparse`` and ``storageEngine``: strict refuses them."""

statement_fields = words("q u c upsert multi collation arrayFilters hint sort limit")

stages = words(
    "$addFields $bucket $bucketAuto $count $facet $geoNear $graphLookup $group $limit $lookup"
    " $match $merge $out $project $redact $replaceRoot $replaceWith $sample $set"
    " $setWindowFields $skip $sort $sortByCount $unionWith $unset $unwind"
)

of_tests_alone = words(
    "createUser createRole updateUser serverStatus configureFailPoint explain buildInfo"
)
"""What tests ask a server's administration for."""


def objections(command: Mapping[str, Any]) -> list[str]:
    """What a strict server would not take of a command."""
    name = next(iter(command))
    if name not in options:
        return [f"{name} is no command of the Stable API"]
    strange = set(command) - options[name] - of_every_command
    found = [f"{name} has no documented option {one}" for one in sorted(strange)]
    if name == "aggregate":
        found += _stages(command["pipeline"])
    if name == "createIndexes":
        found += _fields(command["indexes"], index_fields, "an index")
    for statements in ("updates", "deletes"):
        found += _fields(command.get(statements, ()), statement_fields, name)
    return found


def _stages(pipeline: Iterable[Mapping[str, Any]]) -> list[str]:
    return [f"stage {one}" for stage in pipeline for one in stage if one not in stages]


def _fields(documents: Iterable[Mapping[str, Any]], known: frozenset[str], what: str) -> list[str]:
    return [f"{what} with {one}" for d in documents for one in d if one not in known]


class StableApiListener(CommandListener):
    """Hears every command of every client in this process, from the drivers' own threads."""

    def __init__(self) -> None:
        self.heard: set[str] = set()
        self.objections: list[str] = []

    def started(self, event: CommandStartedEvent) -> None:
        """Judge it."""
        if event.command_name in of_tests_alone or not event.command:
            return
        self.heard.add(event.command_name)
        self.objections += objections(event.command)

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Nothing to judge."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Nothing to judge."""


def taken(listener: StableApiListener) -> list[str]:
    """What has been objected to since this was last asked."""
    found, listener.objections = listener.objections, []
    return found
