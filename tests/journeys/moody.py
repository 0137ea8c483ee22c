"""A receiver of webhooks that fails at random, and holds what comes against what was promised."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import Container
from typing import Any

from tests.webhooks.receiver import Message, Receiver

RESET = b""
"""No answer: the connection is cut."""

longest_answer = 10.0
"""After which the service gives up an attempt."""

clocks_apart = 2.0

moods = ("is well", "refuses", "resets", "takes and resets", "dawdles")


class Moody:
    """Refuses, cuts off, dawdles and hangs, each message once at most: a second failure would wait
    for five minutes. What it took it remembers, and what was wrong with the order."""

    def __init__(self, seed: int, *, hangs_at: Container[int] = (), well: bool = False) -> None:
        self.random = random.Random(seed)
        self.secret = ""
        self.wrong: list[str] = []
        self.moods: Counter[str] = Counter()
        self.bodies: dict[str, bytes] = {}
        self.taken: defaultdict[str, list[Message]] = defaultdict(list)
        """The messages of each topic, in the order in which they were first taken."""
        self._first: defaultdict[str, list[str]] = defaultdict(list)
        self._done: set[str] = set()
        self._hangs_at = hangs_at
        self._well = well

    async def __call__(self, _: Receiver, message: Message) -> int | bytes:
        self._judge(message)
        mood = self._mood(message)
        self.moods[mood] += 1
        self.bodies.setdefault(message.id, message.raw)
        if mood == "refuses":
            return self.random.choice((500, 502, 503, 429, 404))
        if mood == "resets":
            return RESET
        if mood == "hangs":
            await asyncio.sleep(longest_answer + 1)
            return RESET
        if mood == "dawdles":
            await asyncio.sleep(self.random.uniform(0.2, 1.5))
        self._take(message)
        return RESET if mood == "takes and resets" else 204

    def _mood(self, message: Message) -> str:
        if self._well or message.id in self.bodies:
            return "is well"
        if len(self.bodies) in self._hangs_at:
            return "hangs"
        return self.random.choices(moods, (86, 4, 4, 2, 4))[0]

    def _take(self, message: Message) -> None:
        if message.id not in self._done:
            self._done.add(message.id)
            self.taken[topic_of(message)].append(message)

    def _judge(self, message: Message) -> None:
        try:
            message.verify(self.secret)
        except Exception as error:
            self.wrong.append(f"{message.id} is not signed: {error!r}")
        if abs(time.time() - int(message.headers["webhook-timestamp"])) > clocks_apart:
            self.wrong.append(f"{message.id} has the time of another attempt")
        if self.bodies.get(message.id, message.raw) != message.raw:
            self.wrong.append(f"{message.id} came with another body")
        before = self._first[topic_of(message)]
        if message.id not in before:
            # Whatever of its topic began before it was taken before it came.
            self.wrong += [
                f"{message.id} ({message.type}) came before {one} was taken"
                for one in before
                if one not in self._done
            ]
            before.append(message.id)


def topic_of(message: Message) -> str:
    """The id of the poll or session that a message tells of."""
    data = message.body["data"]
    found: str = data.get("id") or data["pollId"]
    return found


def data_of(messages: list[Message], kind: str) -> list[dict[str, Any]]:
    """What the messages of one kind say."""
    return [one.body["data"] for one in messages if one.type == kind]
