"""Reading a log: every entry, and every hash of the tree above them, held against each other."""

from __future__ import annotations

from quickpoll.verification import notes, tiles, tree
from quickpoll.verification.broken import Wrong, require
from quickpoll.verification.findings import CannotCheck, Fetch, NotServed


def read_keys(fetch: Fetch) -> tuple[notes.VerifierKey, ...]:
    """The keys that the service itself names. Raises ``CannotCheck``."""
    try:
        return tuple(notes.parse_keys(fetch("log/key")))
    except (NotServed, ValueError) as error:
        raise CannotCheck(f"the service's keys (log/key) cannot be had: {error}") from error


def read_entries(fetch: Fetch, log: str, size: int) -> list[bytes]:
    """All entries of a log of ``size``. Raises :class:`~quickpoll.verification.findings.Wrong`."""
    return [line for place in tiles.places(None, size) for line in _bundle(fetch, log, place)]


def read_hashes(fetch: Fetch, log: str, leaves: list[bytes]) -> None:
    """Hold every tile of every level against the hashes of the entries. Raises ``Wrong``."""
    level = leaves
    for number in tiles.levels(len(leaves)):
        for place in tiles.places(number, len(leaves)):
            content, holds = _part(fetch, log, place)
            exact = len(content) == holds * tree.HASH_BYTES
            require(exact, "tile_length", f"{place.path} has {len(content)} bytes")
            wanted = b"".join(level[place.first : place.first + place.holds])
            same = content[: len(wanted)] == wanted
            require(same, "tile_hash", f"{place.path} is not made of the entries")
        level = tiles.level_above(level)


def _bundle(fetch: Fetch, log: str, place: tiles.Place) -> list[bytes]:
    content, holds = _part(fetch, log, place)
    try:
        found = tiles.unbundle(content)
    except ValueError as error:
        raise Wrong("bundle_form", f"{place.path}: {error}") from None
    require(len(found) == holds, "bundle_form", f"{place.path} has {len(found)} entries")
    return found[: place.holds]


def _part(fetch: Fetch, log: str, place: tiles.Place) -> tuple[bytes, int]:
    """A tile or bundle, and how many must be in it: a partial one may be full by now."""
    try:
        return fetch(f"{log}/{place.path}"), place.holds
    except NotServed as error:
        if place.holds == tiles.WIDTH:
            raise Wrong("withheld", f"{place.path} is signed, and not served: {error}") from None
    try:
        return fetch(f"{log}/{place.full_path}"), tiles.WIDTH
    except NotServed as error:
        raise Wrong("withheld", f"{place.path} is signed, and not served: {error}") from None
