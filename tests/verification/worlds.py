"""Honest services, as a checker gets to see them, and how a cheat changes what is served.

The cheat holds the service's key and writes what it likes: unless it is about a signature,
everything it serves is signed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from quickpoll.verification import entries
from quickpoll.verification.findings import Kept
from quickpoll.verification.growing import GrowingLog, origin, signed
from quickpoll.verification.notes import Checkpoint, Signer, VerifierKey, open_checkpoint
from quickpoll.verification.proof import Proof
from tests.verification.honest import Service, hex_id, key_name, start

alice, bob, own = hex_id(0xA), hex_id(0xB), hex_id(0xA11)
later = start + 2 * 24 * 3600
"""When promises are due."""

noise = "5" * 64
some_tag = "6" * 64


@dataclass(frozen=True)
class World:
    """What a checker gets to see."""

    files: dict[str, bytes]
    kept: Kept
    poll_id: str
    keys: tuple[VerifierKey, ...]
    signer: Signer
    entries: list[bytes]
    now: float = later
    votes: dict[str, Any] | None = None
    """What voters were answered, by name."""

    def path(self, path: str) -> str:
        return f"log/{self.poll_id}/{path}"

    def serving(self, **files: bytes | None) -> World:
        """With other files (``None``: none) under the log; ``__`` is ``/``."""
        changed = dict(self.files)
        for name, content in files.items():
            changed.pop(self.path(name.replace("__", "/")), None)
            if content is not None:
                changed[self.path(name.replace("__", "/"))] = content
        return replace(self, files=changed)

    def with_file(self, path: str, content: bytes | None) -> World:
        """With one other file, by its path below the log."""
        changed = {name: one for name, one in self.files.items() if name != self.path(path)}
        if content is not None:
            changed[self.path(path)] = content
        return replace(self, files=changed)

    def file(self, path: str) -> bytes:
        return self.files[self.path(path)]

    def keeping(self, **kept: Any) -> World:
        return replace(self, kept=replace(self.kept, **kept))

    def writing(self, lines: list[bytes]) -> World:
        """With another history, signed as any; openings stay."""
        log = GrowingLog(origin(key_name, self.poll_id))
        growth = log.append(lines)
        kept = {
            name: one for name, one in self.files.items() if not name.startswith(self.path("tile/"))
        }
        parts = {self.path(name): one for name, one in growth.parts.items()}
        head = {self.path("checkpoint"): signed(growth.head, self.signer)}
        return replace(self, files=kept | parts | head, entries=lines)

    def without(self, number: int) -> World:
        return self.writing(self.entries[:number] + self.entries[number + 1 :])

    def then(self, *lines: bytes) -> World:
        return self.writing([*self.entries, *lines])

    def insert(self, number: int, *lines: bytes) -> World:
        return self.writing([*self.entries[:number], *lines, *self.entries[number:]])

    def number_of(self, kind: str, which: int = 0) -> int:
        """Where the entries of a kind are; the last is -1."""
        found = [at for at, one in enumerate(self.entries) if one.split()[0] == kind.encode()]
        return found[which]

    def bare(self) -> World:
        """As somebody sees it who kept nothing."""
        return replace(self, kept=Kept())


Cheats = dict[str, tuple[str, Callable[[], World]]]
"""By name: the finding that names it, and what it looks like."""


def world(service: Service, kept: Kept, votes: dict[str, Any] | None = None) -> World:
    return World(
        dict(service.files),
        kept,
        service.poll_id,
        (service.signer.key,),
        service.signer,
        list(service.entries),
        votes=votes,
    )


@cache
def closed() -> World:
    """A poll that was closed with seven ballots: two were changed, one taken back, one erased."""
    service = Service()
    votes: dict[str, Any] = {"alice": service.cast(alice, 0)}
    service.tick()
    before, early = [service.checkpoint, service.announced], service.receipt(alice)
    votes["bob"] = service.cast(bob, 1)
    for number in range(7):
        service.cast(hex_id(0xC0 + number), number % 3, *([(number + 1) % 3] if number % 2 else []))
    service.tick()
    service.cast(hex_id(0xC0), 2)
    service.cast(hex_id(0xC0), 1)
    votes["retracted"] = service.retract(hex_id(0xC1))
    service.tick()
    service.erase(hex_id(0xC2))
    service.close()
    kept = Kept(
        before,
        [early, service.receipt(bob, opening=False)],
        [json.dumps(votes["alice"]).encode(), votes["retracted"].encode()],
        service.shown(),
    )
    return world(service, kept, votes)


@cache
def sealed() -> World:
    """Closed, and then two people were erased."""
    service = Service(seed=2)
    for number in range(7):
        service.cast(hex_id(0xC0 + number), number % 3)
    service.close()
    before = service.checkpoint
    service.erase(hex_id(0xC0))
    service.erase(hex_id(0xC4))
    return world(service, Kept([before], shown=service.shown()))


@cache
def few() -> World:
    """Closed with too few ballots to open any, and then somebody was erased."""
    service = Service(seed=8)
    for number in range(4):
        service.cast(hex_id(0xC0 + number), number % 3)
    service.close()
    service.erase(hex_id(0xC0))
    return world(service, Kept(shown=service.shown()))


@cache
def hidden() -> World:
    """A sealed log while its poll is open: promises are all that a voter holds."""
    service = Service(seed=3, results="after_close")
    vote = service.cast(alice, 0)
    service.cast(bob, 1)
    service.tick()
    return world(service, Kept(promises=[json.dumps(vote).encode()], shown=service.shown()))


@cache
def revealed() -> World:
    """The same poll a while later, closed."""
    service = Service(seed=3, results="after_close")
    before, vote = service.checkpoint, service.cast(alice, 0)
    service.cast(bob, 1)
    service.cast(alice, 2, 1)
    service.close()
    kept = Kept([before], [service.receipt(alice)], [json.dumps(vote).encode()], service.shown())
    return world(service, kept)


@cache
def reopened() -> World:
    """Edited, closed without a vote, edited again, opened, voted in, closed and opened again."""
    service = Service(seed=4, free=False)
    service.define("Tabs, or what?")
    service.close()
    service.reopen()
    service.option_ids[2] = hex_id(0xBB)
    service.define("Tabs, or else?")
    vote = service.cast(alice, 0)
    service.cast(bob, 1)
    service.close()
    service.reopen()
    service.cast(hex_id(0xC), 0)
    service.tick()
    kept = Kept([], [service.receipt(bob)], [json.dumps(vote).encode()], service.shown())
    return world(service, kept)


@cache
def large() -> World:
    """Enough voters for a second level of tiles."""
    service = Service(seed=5)
    before = []
    for number in range(600):
        service.cast(hex_id(0x1000 + number), number % 3)
        if number in (100, 255, 400):
            service.tick()
            before.append(service.checkpoint)
    service.close()
    receipts = [service.receipt(hex_id(0x1000 + number)) for number in (0, 255, 599)]
    return world(service, Kept(before, receipts, shown=service.shown()))


honest: dict[str, Callable[[], World]] = {
    one.__name__: one for one in (closed, sealed, hidden, revealed, reopened, large)
}


def resigned(text: str, key: bytes = bytes(range(32))) -> bytes:
    return Signer(key_name, key).sign(text)


def flipped(content: bytes, at: int) -> bytes:
    """One bit the other way."""
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def head(base: World) -> Checkpoint:
    return open_checkpoint(base.file("checkpoint"), base.keys)[0]


def alices(base: World) -> int:
    """Where Alice's ballot is."""
    return Proof.parse(base.kept.receipts[0]).index


def promised(base: World) -> World:
    """As Alice sees it with nothing but her promise."""
    return base.bare().keeping(promises=base.kept.promises[:1])


def first_tag(base: World, kind: str = "cast") -> str:
    return entries.parse_entry(base.entries[base.number_of(kind)]).tag


def tally_of(base: World, *moves: int) -> bytes:
    """The close with other counts."""
    close = entries.parse_entry(base.entries[base.number_of("close", -1)])
    tally = {option: votes + move for (option, votes), move in zip(close.tally, moves, strict=True)}
    return entries.close_entry(close.ballots, tally)


def close_with(line: bytes, base: World | None = None) -> World:
    base = base or closed()
    return base.without(base.number_of("close", -1)).then(line)


def foreign(poll_id: str = hex_id(0xF)) -> bytes:
    return entries.poll_entry(poll_id, (1, 2), noise, noise, free=True)
