"""Every Redis key and channel of the service: its name, type, meaning and lifetime.

Keys of one poll that a script needs together share the hash tag ``{poll_id}``, so they live in
one slot of a Redis Cluster. The two plain counters are named for readers outside the service and
have no tag. What this version counts by is named with its form, 2: an instance of another form that
serves at the same time must not find it (:mod:`.former`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

UPDATE_CHANNEL = "poll-updates"
SESSION_CHANNEL = "session-updates"

_POLL_OF_STATE = re.compile(r"tally:2:\{([0-9a-f]{24})\}:state$")


@dataclass(frozen=True)
class Keys:
    """The names, each with ``prefix`` before it."""

    prefix: str = ""

    def option(self, poll_id: str, option_id: str) -> str:
        """String, integer: votes for one option. For readers outside; lives with the poll."""
        return f"{self.prefix}poll:{poll_id}:option:{option_id}"

    def likes(self, poll_id: str) -> str:
        """String, integer: likes of a poll. For readers outside; lives with the poll."""
        return f"{self.prefix}poll:{poll_id}:likes"

    def state(self, poll_id: str) -> str:
        """String, JSON: all counts of a poll with their version (see :mod:`.scripts`)."""
        return f"{self.prefix}tally:2:{{{poll_id}}}:state"

    def writes(self, poll_id: str) -> str:
        """Hash, token → mark (see :mod:`.lua`): batches between MongoDB and the counts."""
        return f"{self.prefix}tally:2:{{{poll_id}}}:writes"

    def barrier(self, poll_id: str) -> str:
        """String, token, expires by itself: a recount is under way, writers wait."""
        return f"{self.prefix}tally:2:{{{poll_id}}}:barrier"

    @property
    def due(self) -> str:
        """Sorted set, poll id by time (ms since 1970): when the reconciler looks at a poll."""
        return f"{self.prefix}tally:2:due"

    @property
    def heartbeat_of_mongo(self) -> str:
        """String, number and name: the last heartbeat that MongoDB has. One that MongoDB lacks says
        that it was restored from a backup."""
        return f"{self.prefix}tally:2:heartbeat"

    @property
    def lease(self) -> str:
        """String, instance id, expires by itself: the instance that reconciles."""
        return f"{self.prefix}tally:2:lease"

    def presence(self, instance: str) -> str:
        """String, run id: an instance (or ``any``) was here in this life of Redis; gone when it
        was emptied. That of an instance expires by itself."""
        return f"{self.prefix}tally:2:presence:{instance}"

    def log_head(self, poll_id: str) -> str:
        """String, size and root: the last checkpoint of a poll's log that was signed. A shorter one
        in MongoDB says that it was restored from a backup. Lives with the poll."""
        return f"{self.prefix}log:{{{poll_id}}}:head"

    def limit(self, name: str, key: str) -> str:
        """String, integer (µs since 1970), expires by itself: when what a user or an address has
        taken of a rate limit will have drained. All of one limit in one slot. ``key`` is a digest
        of whose it is: a name of a key names nobody."""
        return f"{self.prefix}limit:{{{name}}}:{key}"

    def newcomers(self, address: str) -> str:
        """Sorted set, mark of a guest by time (ms since 1970), expires by itself: who has come from
        an address of late, without a word of who that is. In one slot with the next."""
        return f"{self.prefix}guests:{{newcomers}}:{address}"

    def attendance(self, session_id: str) -> str:
        """Sorted set, digest of a person by time (ms since 1970), expires by itself: who follows a
        session, without a word of who that is."""
        return f"{self.prefix}session:{session_id}:attendance"

    def spent_proof(self, name: str) -> str:
        """String, expires by itself: a proof of work by which a guest was let in."""
        return f"{self.prefix}guests:{{newcomers}}:proof:{name}"

    @property
    def updates(self) -> str:
        """Channel: JSON ``{event, pollId, version, …}``, one message a change or batch."""
        return f"{self.prefix}{UPDATE_CHANNEL}"

    @property
    def session_updates(self) -> str:
        """Channel: JSON ``{event, sessionId, version}``, one message a change of a session."""
        return f"{self.prefix}{SESSION_CHANNEL}"

    def wrong_codes(self, address: str) -> str:
        """String, integer, expires by itself: wrong codes that came from an address within a
        minute."""
        return f"{self.prefix}limit:{{wrong-codes}}:{address}"

    def heartbeat(self, instance: str) -> str:
        """Channel: an instance's own heartbeat, to notice a deaf subscription."""
        return f"{self.prefix}heartbeat:{instance}"


@dataclass(frozen=True)
class FormerKeys:
    """What version 0.1 keeps beside the plain counters, as far as it concerns this one."""

    prefix: str = ""

    def state(self, poll_id: str) -> str:
        """String, JSON: its counts of a poll."""
        return f"{self.prefix}tally:{{{poll_id}}}:state"

    @property
    def every_state(self) -> str:
        """The pattern of all its states, for SCAN."""
        return self.state("*").replace("[", "\\[").replace("?", "\\?")

    @property
    def lease(self) -> str:
        """String, expires by itself: there while one of its instances is."""
        return f"{self.prefix}tally:lease"


def every_state(keys: Keys) -> str:
    """The pattern of all states, for SCAN."""
    return keys.state("*").replace("[", "\\[").replace("?", "\\?")


def every_mark(keys: Keys) -> str:
    """The pattern of all hashes of marks, for SCAN."""
    return keys.writes("*").replace("[", "\\[").replace("?", "\\?")


def poll_of_state(name: str) -> str | None:
    """The poll whose state has this name."""
    found = _POLL_OF_STATE.search(name)
    return found[1] if found else None
