"""The parts of this room, put together."""

from __future__ import annotations

from odmantic import AIOEngine

from quickpoll.personal.departures import Departures
from quickpoll.personal.jobs import ErasureStore
from quickpoll.personal.key import People
from quickpoll.personal.tombstones import Tombstones


class PersonalParts:
    """Who is known again, who is leaving, what they leave behind."""

    def __init__(self, engine: AIOEngine) -> None:
        people = People(engine)
        self.departures = Departures(engine, people)
        self.tombstones = Tombstones(engine, people)
        self.jobs = ErasureStore(engine, people)
