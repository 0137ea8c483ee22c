"""Cheats with the files of a log: forks, cuts, keys, single bits."""

from __future__ import annotations

import json
from dataclasses import replace

from quickpoll.verification import entries
from quickpoll.verification.notes import Signer
from quickpoll.verification.proof import Proof
from tests.verification.honest import Service, hex_id
from tests.verification.worlds import (
    Cheats,
    World,
    alice,
    closed,
    flipped,
    head,
    large,
    noise,
    own,
    resigned,
    some_tag,
    tally_of,
)


def another_poll() -> World:
    """Another poll's log, all of it, at this poll's address."""
    base, other = closed(), Service(poll_id=hex_id(0xDEAD))
    files = {
        name.replace(other.poll_id, base.poll_id): content for name, content in other.files.items()
    }
    return replace(base.bare(), files=files)


def fork() -> World:
    """The same log but for one entry, at the same size, while an onlooker saw the other."""
    base = closed()
    at = base.number_of("cast", 3)
    other = [*base.entries]
    other[at], other[at + 1] = other[at + 1], other[at]
    seen = base.writing(other).file("checkpoint")
    return base.bare().keeping(checkpoints=[seen])


def consistent_flip() -> World:
    """An entry and its hash in the tile, but not the root."""
    base = closed()
    other = base.writing([*base.entries[:-1], tally_of(base, 1, -1, 0)])
    return other.bare().serving(checkpoint=base.file("checkpoint"))


def partial(base: World, level: str = "0") -> str:
    """The path of the partial tile of a level, or of the partial bundle."""
    return next(
        name.removeprefix(base.path(""))
        for name in sorted(base.files, key=len, reverse=True)
        if f"tile/{level}/" in name
        and ".p/" in name
        and name.endswith(f"/{len(base.entries) % 256}")
    )


def receipt_of_another_poll() -> bytes:
    other = Service(poll_id=hex_id(0xDEAD))
    other.cast(alice, 0)
    other.tick()
    proof = Proof.parse(other.receipt(alice))
    found = json.loads(proof.extra or b"")
    # What its own poll's tag hides is opened as this one's, so that only the origin tells.
    tag = entries.tag(own, found["pepper"], alice)
    commit = entries.commit(own, tag, found["salt"], found["optionIds"])
    extra = {**found, "entry": entries.cast_entry(tag, commit).decode()}
    return bytes(replace(proof, extra=json.dumps(extra).encode()))


with_files: Cheats = {
    "a log that forks between two viewers": ("forked", fork),
    "another history than a live update told": (
        "forked",
        lambda: (
            closed()
            .bare()
            .keeping(checkpoints=closed().kept.checkpoints[1:])
            .insert(1, entries.cast_entry(some_tag, noise))
        ),
    ),
    "a log cut short": (
        "cut_short",
        lambda: (
            closed()
            .keeping(checkpoints=[closed().file("checkpoint")])
            .writing(closed().entries[:-1])
        ),
    ),
    "a log cut short under a receipt": (
        "cut_short",
        lambda: closed().keeping(checkpoints=[], shown=None).writing(closed().entries[:4]),
    ),
    "tiles of a signed log that are not there": (
        "withheld",
        lambda: closed().bare().with_file(partial(closed(), "entries"), None),
    ),
    "hashes of a signed log that are not there": (
        "withheld",
        lambda: large().bare().with_file("tile/1/000.p/2", None),
    ),
    "a checkpoint of another poll": ("origin", another_poll),
    "a receipt of another poll": (
        "origin",
        lambda: closed().bare().keeping(receipts=[receipt_of_another_poll()]),
    ),
    "a checkpoint of another name": (
        "signature",
        lambda: (
            closed()
            .bare()
            .serving(checkpoint=Signer("other.example", bytes(range(32))).sign(head(closed()).text))
        ),
    ),
    "a wrong key": (
        "signature",
        lambda: closed().bare().serving(checkpoint=resigned(head(closed()).text, bytes(32))),
    ),
    "a checkpoint that nobody signed": (
        "signature",
        lambda: (
            closed()
            .bare()
            .serving(
                checkpoint=closed()
                .file("checkpoint")
                .replace(
                    f"\n{head(closed()).size}\n".encode(), f"\n{head(closed()).size - 1}\n".encode()
                )
            )
        ),
    ),
    "a checkpoint with more in it": (
        "checkpoint_form",
        lambda: closed().bare().serving(checkpoint=resigned(f"{head(closed()).text}more\n")),
    ),
    "a checkpoint without a size": (
        "checkpoint_form",
        lambda: (
            closed()
            .bare()
            .serving(
                checkpoint=resigned(
                    head(closed()).text.replace(f"\n{head(closed()).size}\n", "\n07\n")
                )
            )
        ),
    ),
    "a root of nothing": (
        "root",
        lambda: (
            closed()
            .bare()
            .serving(checkpoint=resigned(replace(head(closed()), root=bytes(32)).text))
        ),
    ),
    "an entry flipped in one bit": (
        "tile_hash",
        lambda: (
            closed()
            .bare()
            .with_file(
                partial(closed(), "entries"),
                flipped(closed().file(partial(closed(), "entries")), 300),
            )
        ),
    ),
    "a tile flipped in one bit": (
        "tile_hash",
        lambda: (
            closed()
            .bare()
            .with_file(partial(closed()), flipped(closed().file(partial(closed())), 70))
        ),
    ),
    "a full tile flipped in one bit": (
        "tile_hash",
        lambda: large().bare().with_file("tile/0/001", flipped(large().file("tile/0/001"), 8191)),
    ),
    "an upper tile flipped in one bit": (
        "tile_hash",
        lambda: (
            large().bare().with_file("tile/1/000.p/2", flipped(large().file("tile/1/000.p/2"), 0))
        ),
    ),
    "a tile with more in it": (
        "tile_length",
        lambda: (
            closed().bare().with_file(partial(closed()), closed().file(partial(closed())) + b"x")
        ),
    ),
    "a bundle that ends within an entry": (
        "bundle_form",
        lambda: (
            closed()
            .bare()
            .with_file(
                partial(closed(), "entries"), closed().file(partial(closed(), "entries"))[:-1]
            )
        ),
    ),
    "a bundle with more in it": (
        "bundle_form",
        lambda: (
            closed()
            .bare()
            .with_file(
                partial(closed(), "entries"), closed().file(partial(closed(), "entries")) + b"\0\1x"
            )
        ),
    ),
    "entries and tiles that are not what was signed": ("root", consistent_flip),
}
