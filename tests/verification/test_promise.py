"""Promises: what a batch's tree proves, and what it does not tell."""

from __future__ import annotations

import json
from statistics import mean

import pytest

from quickpoll.verification import tree
from quickpoll.verification.notes import BadNote, Signer, to_base64
from quickpoll.verification.promise import Promise, PromiseTree, depth_for, open_promise

signer = Signer("polls.example.org", bytes(range(32)))


@pytest.mark.parametrize("count", [1, 2, 3, 16, 63, 64, 65, 200, 256, 257])
def test_every_entry_of_a_batch_is_promised(count: int) -> None:
    lines = [f"cast {number}".encode() for number in range(count)]
    batch = PromiseTree(lines)
    for number, line in enumerate(lines):
        place, path = batch.places[number], batch.path(number)
        assert len(path) == batch.depth >= 4
        found = tree.root_by_path(tree.leaf_hash(line), place, 1 << batch.depth, path)
        assert found == batch.root


def test_the_root_is_that_of_a_whole_tree() -> None:
    lines = [f"cast {number}".encode() for number in range(64)]
    batch = PromiseTree(lines)
    leaves = [b""] * 64
    for place, line in zip(batch.places, lines, strict=True):
        leaves[place] = tree.leaf_hash(line)
    assert batch.root == tree.root(leaves)


def test_a_path_does_not_tell_how_many_wrote() -> None:
    assert {depth_for(count) for count in range(1, 65)} == {6}
    assert {depth_for(count) for count in range(65, 257)} == {8}


def test_no_filling_is_used_twice_and_places_are_random() -> None:
    batches = [PromiseTree([b"cast"]) for _ in range(200)]
    paths = [one for batch in batches for one in batch.path(0)]
    assert len({*paths}) == len(paths)
    assert 20 < mean(batch.places[0] for batch in batches) < 43


@pytest.mark.parametrize("by", [None, 1_800_000_000])
def test_a_note_is_signed_once_and_opened(by: int | None) -> None:
    batch = PromiseTree([b"cast"])
    note = batch.note(signer, by)
    assert batch.note(signer, by) is note
    assert open_promise(note.encode(), [signer.key]) == (batch.root, by)
    due = "close" if by is None else by
    said = f"quickpoll promise v1\nroot {to_base64(batch.root)}\nby {due}\n\n— "
    assert note.startswith(said)


@pytest.mark.parametrize("by", ["", "01", "-1", "Close", "1 "])
def test_what_is_no_promise_is_refused(by: str) -> None:
    note = signer.sign(f"quickpoll promise v1\nroot {to_base64(bytes(32))}\nby {by}\n")
    with pytest.raises(BadNote, match="no promise"):
        open_promise(note, [signer.key])


def test_a_promise_is_read_in_every_wrapping() -> None:
    batch = PromiseTree([b"retract"])
    note = batch.note(signer, None).encode()
    promise = Promise(b"retract", "1" * 64, None, batch.places[0], (*batch.path(0),), note)
    bare = json.dumps(promise.as_json()).encode()
    assert "salt" not in promise.as_json()
    assert Promise.parse(bare) == Promise.parse(promise.as_header().encode()) == promise
    vote = {"userId": "3" * 24, "optionIds": ["a" * 24], "promise": promise.as_json()}
    whole = Promise.parse(json.dumps(vote).encode())
    assert (whole.user_id, whole.option_ids) == ("3" * 24, ("a" * 24,))


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"!", b'{"promise": 1}', b"\xff", b"e30="])
def test_what_is_no_promise_object_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"missing|malformed|neither|JSON"):
        Promise.parse(content)
