"""An honest service in memory: what its sequencer writes and what its voters are given.

It is built on the pure modules alone, and does with dictionaries what the real one does with
MongoDB: ballots first, entries of them waiting, a tick that takes what waits into the log.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from quickpoll.verification import entries, tree
from quickpoll.verification.findings import Fetch, NotServed
from quickpoll.verification.growing import GrowingLog, origin, shuffled, signed
from quickpoll.verification.notes import Signer, to_base64
from quickpoll.verification.openings import LEAST_BALLOTS, Opening, published
from quickpoll.verification.promise import SECONDS as PROMISE_SECONDS
from quickpoll.verification.promise import Promise, PromiseTree
from quickpoll.verification.proof import Proof
from quickpoll.verification.receipt import receipt_extra

key_name = "polls.example.org"
start = 1_700_000_000
"""The service's clock, a Unix time."""


def hex_id(number: int) -> str:
    return f"{number:024x}"


@dataclass
class Ballot:
    """What the service keeps of a ballot; pepper and salt go with its person."""

    pepper: str
    tag: str
    salt: str
    option_ids: tuple[str, ...]
    entry: bytes


@dataclass
class Service:
    """One poll and its log."""

    poll_id: str = hex_id(0xA11)
    question: str = "Tabs or späces?"
    texts: Sequence[str] = ("Tabs", "Spaces 🚀", "Both")
    choices: tuple[int, int] = (1, 2)
    free: bool = True
    results: str = "always"
    seed: int = 1
    key: bytes = bytes(range(32))
    clock: int = start
    waiting: list[bytes] = field(default_factory=list)
    ballots: dict[str, Ballot] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    entries: list[bytes] = field(default_factory=list)
    closed: bool = False

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.signer = Signer(key_name, self.key)
        self.option_ids = [hex_id(0xB0 + place) for place in range(len(self.texts))]
        self.log = GrowingLog(origin(key_name, self.poll_id))
        self.files["log/key"] = f"{self.signer.key}\n".encode()
        self.define()

    # What its owner does.

    def define(self, question: str | None = None) -> None:
        """Create the poll, or edit it while nobody has voted."""
        self.question = question or self.question
        nonce = self._noise()
        found = entries.poll_shown(nonce, self.shown())
        line = entries.poll_entry(
            self.poll_id, self.choices, nonce, found.definition, free=self.free
        )
        self._publish([line])

    def close(self) -> None:
        """Everything that waits, then the close, then the openings."""
        self.closed = True
        close = entries.close_entry(len(self.ballots), self.tally())
        self._publish([*self._taken(), close])
        self._open()

    def reopen(self) -> None:
        self.closed = False
        self.files.pop(self._path("openings"), None)
        self._publish([entries.REOPEN_ENTRY])

    # What voters do; each answer is what the voter gets.

    def cast(self, user: str, *places: int) -> dict[str, Any]:
        """A new ballot, or another choice."""
        options = tuple(self.option_ids[place] for place in places)
        before = self.ballots.get(user)
        pepper, salt = before.pepper if before else self._noise(), self._noise()
        tag = entries.tag(self.poll_id, pepper, user)
        commit = entries.commit(self.poll_id, tag, salt, options)
        write = entries.change_entry if before else entries.cast_entry
        ballot = Ballot(pepper, tag, salt, options, write(tag, commit))
        self.ballots[user] = ballot
        self.waiting.append(ballot.entry)
        vote = {"userId": user, "pollId": self.poll_id, "optionIds": list(options)}
        return vote | {"promise": self._promise(ballot.entry, pepper, salt).as_json()}

    def retract(self, user: str) -> str:
        """Take a ballot back; answers the header."""
        ballot = self.ballots.pop(user)
        line = entries.retract_entry(ballot.tag)
        self.waiting.append(line)
        return self._promise(line, ballot.pepper, None).as_header()

    def erase(self, user: str) -> None:
        """Forget a person."""
        ballot = self.ballots[user]
        line = entries.erase_entry(ballot.tag)
        if not self.closed:
            del self.ballots[user]
            self.waiting.append(line)
            return
        self.ballots[f"nobody {len(self.entries)}"] = self.ballots.pop(user)
        ballot.pepper = ballot.salt = ""
        self._publish([line])
        self._open()

    def receipt(self, user: str, *, opening: bool = True) -> bytes:
        """Against the published checkpoint."""
        ballot = self.ballots[user]
        index = self.entries.index(ballot.entry)
        path = tree.inclusion_path([tree.leaf_hash(one) for one in self.entries], index)
        opened = (ballot.salt, ballot.option_ids) if opening else None
        extra = receipt_extra(ballot.entry, ballot.pepper, user, opened)
        return bytes(Proof(index, path, self.checkpoint, extra))

    # What the service does by itself.

    def tick(self) -> None:
        """Take what waits into the log, unless the results are hidden."""
        if self.results == "always" and self.waiting:
            self._publish(self._taken())

    def _taken(self) -> list[bytes]:
        waiting, self.waiting = self.waiting, []
        return shuffled(waiting, self.random.shuffle)

    def _publish(self, lines: list[bytes]) -> None:
        self.entries += lines
        growth = self.log.append(lines)
        self.files |= {self._path(path): content for path, content in growth.parts.items()}
        self.files[self._path("checkpoint")] = signed(growth.head, self.signer)

    def _open(self) -> None:
        if len(self.ballots) >= LEAST_BALLOTS:
            opened = [
                Opening(one.tag, one.salt, one.option_ids)
                for one in self.ballots.values()
                if one.salt
            ]
            self.files[self._path("openings")] = published(opened)

    def _promise(self, line: bytes, pepper: str, salt: str | None) -> Promise:
        batch = PromiseTree([line], random=self.random.randbytes)
        due = self.clock + PROMISE_SECONDS if self.results == "always" else None
        note = batch.note(self.signer, due).encode()
        return Promise(line, pepper, salt, batch.places[0], tuple(batch.path(0)), note)

    def _noise(self) -> str:
        return self.random.randbytes(32).hex()

    def _path(self, path: str) -> str:
        return f"log/{self.poll_id}/{path}"

    # What anybody sees.

    @property
    def checkpoint(self) -> bytes:
        return self.files[self._path("checkpoint")]

    @property
    def announced(self) -> bytes:
        """The checkpoint as live updates carry it."""
        head = self.log.head
        found = {"size": head.size, "root": to_base64(head.root)}
        return json.dumps({"pollId": self.poll_id, "checkpoint": found}).encode()

    def tally(self) -> dict[str, int]:
        return {
            option: sum(option in one.option_ids for one in self.ballots.values())
            for option in self.option_ids
        }

    def shown(self) -> dict[str, Any]:
        """The poll as the API answers it."""
        tally = self.tally()
        options = zip(self.option_ids, self.texts, strict=True)
        return {
            "id": self.poll_id,
            "question": self.question,
            "options": [{"id": one, "text": text, "pollId": self.poll_id} for one, text in options],
            "minChoices": self.choices[0],
            "maxChoices": self.choices[1],
            "allowVoteChange": self.free,
            "guests": "open",
            "status": "closed" if self.closed else "open",
            "counts": {"likes": 0, **tally},
            "votersCount": len(self.ballots),
            "votesCount": sum(tally.values()),
        }


def from_memory(files: dict[str, bytes]) -> Fetch:
    """Reads the files of a service."""

    def fetch(path: str) -> bytes:
        if path not in files:
            raise NotServed(f"{path} is not there")
        return files[path]

    return fetch
