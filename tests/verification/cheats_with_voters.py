"""Cheats that one voter finds, or whoever looks at the page: receipts, promises, what is shown."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from quickpoll.verification import tree
from quickpoll.verification.notes import Signer
from quickpoll.verification.promise import Promise, PromiseTree, promise_text
from quickpoll.verification.proof import Proof
from tests.verification.honest import hex_id, key_name
from tests.verification.worlds import (
    Cheats,
    World,
    alices,
    bob,
    closed,
    flipped,
    noise,
    reopened,
    resigned,
    some_tag,
)


def receipt_with(**changed: Any) -> World:
    """Alice's receipt, changed."""
    base = closed()
    proof = Proof.parse(base.kept.receipts[0])
    extra = json.loads(proof.extra or b"")
    within = {name: value for name, value in changed.items() if name in extra}
    rest = {name: value for name, value in changed.items() if name not in extra}
    content = json.dumps({**extra, **within}).encode()
    return base.bare().keeping(receipts=[bytes(replace(proof, **{"extra": content, **rest}))])


def promise_with(
    base: World | None = None, vote: dict[str, Any] | None = None, **changed: Any
) -> World:
    """Alice's promise, changed."""
    base = base or closed()
    found = json.loads(base.kept.promises[0]) | (vote or {})
    found["promise"] = {**found["promise"], **changed}
    return base.bare().keeping(promises=[json.dumps(found).encode()])


def shown_with(base: World, **changed: Any) -> World:
    return base.bare().keeping(shown={**(base.kept.shown or {}), **changed})


def clash() -> World:
    """Bob, who chose like Alice, is shown her entry in place of his."""
    base = closed()
    proof = Proof.parse(base.kept.receipts[0])
    found = {**json.loads(proof.extra or b""), "userId": bob}
    return base.bare().keeping(receipts=[bytes(replace(proof, extra=json.dumps(found).encode()))])


def path_with(place: int) -> World:
    proof = Proof.parse(closed().kept.receipts[0])
    path = list(proof.path)
    path[place] = flipped(path[place], 0)
    return receipt_with(path=path)


def foreign_promise() -> World:
    """Signed by a key of the same name that is not the service's."""
    other = Signer(key_name, bytes(32))
    found = json.loads(closed().kept.promises[0])["promise"]["note"].split("\n")[1]
    return promise_with(note=other.sign(f"quickpoll promise v1\n{found}\nby close\n").decode())


def checkpoint_as_promise() -> World:
    return promise_with(note=closed().file("checkpoint").decode())


def lonely_promise() -> World:
    """A path of no hash would tell that one voted alone; the page asks for four or more."""
    found = json.loads(closed().kept.promises[0])["promise"]
    root = tree.leaf_hash(found["entry"].encode())
    note = resigned(promise_text(root, None)).decode()
    return promise_with(index=0, path=[], note=note)


def promised_line(line: str) -> World:
    """A sound promise of some entry of a log that has it."""
    batch, base = PromiseTree([line.encode()]), reopened()
    note = batch.note(base.signer, None).encode()
    promise = Promise(line.encode(), noise, None, batch.places[0], (*batch.path(0),), note)
    return base.bare().keeping(promises=[json.dumps(promise.as_json()).encode()])


with_voters: Cheats = {
    "a receipt for somebody else's entry": ("receipt_tag", clash),
    "a receipt of another choice": (
        "receipt_commit",
        lambda: receipt_with(optionIds=[hex_id(0xB1)]),
    ),
    "a receipt with another path": ("receipt_path", lambda: path_with(0)),
    "a receipt for another place": (
        "receipt_path",
        lambda: receipt_with(index=alices(closed()) + 1),
    ),
    "a receipt of no ballot": (
        "receipt_form",
        lambda: receipt_with(entry=f"retract {some_tag}"),
    ),
    "a receipt that is none": (
        "receipt_form",
        lambda: closed().bare().keeping(receipts=[closed().file("checkpoint")]),
    ),
    "a promise of another key": ("promise_signature", foreign_promise),
    "a checkpoint passed for a promise": ("promise_signature", checkpoint_as_promise),
    "a promise of another entry": (
        "promise_path",
        lambda: promise_with(index=(json.loads(closed().kept.promises[0])["promise"]["index"] ^ 1)),
    ),
    "a promise for somebody else's entry": (
        "promise_tag",
        lambda: promise_with(vote={"userId": bob}),
    ),
    "a promise of another choice": (
        "promise_commit",
        lambda: promise_with(vote={"optionIds": [hex_id(0xB2)]}),
    ),
    "a promise that is none": ("promise_form", lambda: promise_with(path="x")),
    "a promise of no ballot": ("promise_form", lambda: promised_line("reopen")),
    "a promise with a tree of one": ("promise_path", lambda: lonely_promise()),
    "another question than in the log": (
        "definition",
        lambda: shown_with(closed(), question="Tabs or spaces?"),
    ),
    "other rules than in the log": ("definition", lambda: shown_with(closed(), guests="off")),
    "shown as closed, open in the log": (
        "not_closed",
        lambda: shown_with(reopened(), status="closed"),
    ),
    "other counts than in the log": (
        "counts_shown",
        lambda: shown_with(
            closed(), counts={hex_id(0xB0): 1, hex_id(0xB1): 2, hex_id(0xB2): 3}, votesCount=6
        ),
    ),
    "another number of voters than in the log": (
        "counts_shown",
        lambda: shown_with(closed(), votersCount=8),
    ),
    "a page that shows no poll": (
        "shown_form",
        lambda: closed().bare().keeping(shown={"status": "closed"}),
    ),
}
