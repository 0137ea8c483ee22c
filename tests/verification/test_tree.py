"""Trees against RFC 6962, and against pymerkle, which somebody else wrote."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from quickpoll.verification import tree

# The leaves and roots by which implementations of Certificate Transparency are tested.
entries = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
roots = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
sizes = range(1, 34)


def leaves(size: int) -> list[bytes]:
    return [tree.leaf_hash(str(number).encode()) for number in range(size)]


def oracle(size: int) -> InmemoryTree:
    whole = InmemoryTree(algorithm="sha256")
    for number in range(size):
        whole.append_entry(str(number).encode())
    return whole


@pytest.mark.parametrize("size", range(len(roots)))
def test_roots_are_those_of_certificate_transparency(size: int) -> None:
    hashes = [tree.leaf_hash(entry) for entry in entries[:size]]
    assert tree.root(hashes).hex() == roots[size]


def test_proofs_are_those_drawn_in_rfc_6962() -> None:
    d = leaves(7)
    a, b, c, x, e, f, j = d
    g, h, i = tree.node_hash(a, b), tree.node_hash(c, x), tree.node_hash(e, f)
    k, m = tree.node_hash(g, h), tree.node_hash(i, j)
    assert tree.inclusion_path(d, 0) == [b, h, m]
    assert tree.inclusion_path(d, 3) == [c, g, m]
    assert tree.inclusion_path(d, 4) == [f, j, k]
    assert tree.inclusion_path(d, 6) == [i, k]
    assert tree.consistency_path(d, 3) == [c, x, g, m]
    assert tree.consistency_path(d, 4) == [m]
    assert tree.consistency_path(d, 6) == [i, j, k]


@pytest.mark.parametrize("size", sizes)
def test_roots_and_paths_are_those_of_pymerkle(size: int) -> None:
    theirs, ours = oracle(size), leaves(size)
    assert theirs.get_root(size) == tree.root(ours)
    for index in range(size):
        leaf, *path = theirs.prove_inclusion(index + 1, size).path
        # Theirs begins with the leaf, or its sibling where that is on the left.
        assert {leaf, *path} == {ours[index], *tree.inclusion_path(ours, index)}


@pytest.mark.parametrize("size", sizes)
def test_every_leaf_is_proven_in_its_place_alone(size: int) -> None:
    ours = leaves(size)
    root = tree.root(ours)
    for index, leaf in enumerate(ours):
        path = tree.inclusion_path(ours, index)
        assert tree.root_by_path(leaf, index, size, path) == root
        for other in {*range(size)} - {index}:
            assert tree.root_by_path(leaf, other, size, path) != root
        assert tree.root_by_path(tree.leaf_hash(b"x"), index, size, path) != root
        assert tree.root_by_path(leaf, index, size, [*path, root]) is None
        assert path == [] or tree.root_by_path(leaf, index, size, path[:-1]) != root


@pytest.mark.parametrize("size", sizes)
def test_growth_is_proven_and_nothing_else_is(size: int) -> None:
    ours = leaves(size)
    root = tree.root(ours)
    for old in range(size + 1):
        before, path = tree.root(ours[:old]), tree.consistency_path(ours, old)
        assert tree.is_consistent(old, before, size, root, path)
        if old > 0:
            other = tree.root([tree.leaf_hash(b"x"), *ours[1:old]])
            assert not tree.is_consistent(old, other, size, root, path)
        if 0 < old < size:
            assert not tree.is_consistent(old, before, size, root, path[:-1])
            assert not tree.is_consistent(old, before, size, root, [*path, root])
            assert not tree.is_consistent(old, before, size, before, path)
            assert not tree.is_consistent(size, root, old, before, path)


@given(st.integers(0, 70), st.integers(0, 70))
def test_a_compact_range_goes_on_where_another_stopped(first: int, more: int) -> None:
    whole = leaves(first + more)
    one = tree.CompactRange()
    for leaf in whole[:first]:
        one.append(leaf)
    other = tree.CompactRange(one.size, one.roots)
    for leaf in whole[first:]:
        other.append(leaf)
    assert other.root() == tree.root(whole)
    assert other.size == len(whole)


def test_a_compact_range_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be"):
        tree.CompactRange(3, leaves(1))


@pytest.mark.parametrize("index", [-1, 3])
def test_there_is_no_path_of_what_is_not_there(index: int) -> None:
    with pytest.raises(IndexError):
        tree.inclusion_path(leaves(3), index)
    with pytest.raises(IndexError):
        tree.consistency_path(leaves(2), index)
    assert tree.root_by_path(leaves(1)[0], index, 3, []) is None


def test_no_leaf_can_pass_for_a_node() -> None:
    one, other = leaves(2)
    assert tree.leaf_hash(one + other) != tree.node_hash(one, other)
    assert len({tree.root(leaves(size)) for size in sizes}) == len(sizes)
    assert all(before != after for before, after in pairwise(map(tree.root, map(leaves, sizes))))
