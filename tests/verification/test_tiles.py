"""Tiles and bundles, and the writer that grows a log by them."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickpoll.verification import tiles, tree
from quickpoll.verification.growing import GrowingLog, shuffled


def test_a_number_as_a_path_is_that_of_c2sp() -> None:
    assert tiles.in_threes(1234067) == "x001/x234/067"
    assert tiles.in_threes(0) == "000"
    assert tiles.in_threes(999) == "999"
    assert tiles.in_threes(1000) == "x001/000"


def test_a_tree_of_70_000_has_the_tiles_that_c2sp_counts() -> None:
    found = [place for level in tiles.levels(70_000) for place in tiles.places(level, 70_000)]
    full = [place.level for place in found if place.holds == 256]
    partial = [(place.level, place.holds) for place in found if place.holds < 256]
    assert (full.count(0), full.count(1), len(full)) == (273, 1, 274)
    assert partial == [(0, 112), (1, 17), (2, 1)]
    assert [one.path for one in found if one.level == 2] == ["tile/2/000.p/1"]


def test_a_tree_of_256_has_a_full_tile_and_one_of_width_1() -> None:
    found = [place for level in tiles.levels(256) for place in tiles.places(level, 256)]
    assert [place.path for place in found] == ["tile/0/000", "tile/1/000.p/1"]


def test_a_tree_without_leaves_has_no_tiles() -> None:
    assert [*tiles.levels(0)] == []
    assert [*tiles.places(None, 0)] == []


@given(st.lists(st.binary(max_size=600), max_size=20))
def test_a_bundle_holds_what_was_put_in(entries: list[bytes]) -> None:
    assert tiles.unbundle(tiles.bundle(entries)) == entries


@pytest.mark.parametrize("content", [b"\0", b"\0\1", b"\0\2x", b"\0\1xy"])
def test_a_bundle_that_ends_within_an_entry_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="within an entry"):
        tiles.unbundle(content)


def test_a_bundle_is_length_and_entry() -> None:
    assert tiles.bundle([b"a" * 258, b""]) == b"\x01\x02" + b"a" * 258 + b"\0\0"


def written(entries: list[bytes], sizes: list[int], *, reread: bool = False) -> dict[str, bytes]:
    """The files after appending in steps, perhaps by a new writer each time."""
    files: dict[str, bytes] = {}
    log, at = GrowingLog("a/log"), 0
    for size in [*sizes, len(entries)]:
        growth = log.append(entries[at:size])
        files |= growth.parts
        at = max(at, size)
        assert growth.head.size == at
        assert growth.head.root == tree.root(map(tree.leaf_hash, entries[:at]))
        if reread:
            log = GrowingLog("a/log", [[*level] for level in log.edge.hashes], [*log.entries])
    return files


many = [str(number).encode() for number in range(66_000)]


@pytest.mark.parametrize("sizes", [[], [1], [255, 256, 257], [100, 600, 600, 700], [300, 66_000]])
@pytest.mark.parametrize("reread", [False, True])
def test_steps_do_not_show(sizes: list[int], reread: bool) -> None:
    entries = many if 66_000 in sizes else many[:800]
    files = written(entries, sizes, reread=reread)
    for level in tiles.levels(len(entries)):
        span = 256**level
        for place in tiles.places(level, len(entries)):
            starts = range(place.first * span, (place.first + place.holds) * span, span)
            hashes = [tree.root(map(tree.leaf_hash, entries[at : at + span])) for at in starts]
            assert files[place.path] == b"".join(hashes)
    for place in tiles.places(None, len(entries)):
        here = entries[place.first : place.first + place.holds]
        assert files[place.path] == tiles.bundle(here)


def test_what_was_published_is_never_written_differently() -> None:
    log, files = GrowingLog("a/log"), dict[str, bytes]()
    for at in range(0, 700, 7):
        for path, content in log.append(many[at : at + 7]).parts.items():
            assert files.setdefault(path, content) == content


def test_shuffling_keeps_a_ballots_own_order() -> None:
    tags = [b"a", b"b", b"c", b"a", b"b", b"a"]
    waiting = [b"cast " + tag + b" %d" % number for number, tag in enumerate(tags)]
    orders = set()
    for seed in range(200):
        found = shuffled(waiting, Random(seed).shuffle)
        assert sorted(found) == sorted(waiting)
        for tag in {*tags}:
            own = [line for line in found if line.split()[1] == tag]
            assert own == [line for line in waiting if line.split()[1] == tag]
        orders.add(tuple(found))
    assert len(orders) > 50  # of 60
