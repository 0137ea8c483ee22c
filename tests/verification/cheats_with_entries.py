"""Cheats that show as entries where none may stand."""

from __future__ import annotations

from quickpoll.verification import entries
from tests.verification.honest import hex_id
from tests.verification.worlds import (
    Cheats,
    close_with,
    closed,
    first_tag,
    foreign,
    noise,
    own,
    reopened,
    sealed,
    some_tag,
)

with_entries: Cheats = {
    "a log without entries": ("no_definition", lambda: closed().bare().writing([])),
    "a log without a definition": ("no_definition", lambda: closed().bare().without(0)),
    "a definition of another poll": (
        "foreign_poll",
        lambda: closed().bare().insert(1, foreign()),
    ),
    "a poll edited after the first ballot": (
        "definition_changed",
        lambda: closed().bare().insert(4, foreign(own)),
    ),
    "a poll of impossible rules": (
        "bad_choices",
        lambda: closed().bare().insert(1, entries.poll_entry(own, (3, 2), noise, noise, free=True)),
    ),
    "a change where votes stand": (
        "not_free",
        lambda: reopened().bare().then(entries.change_entry(first_tag(reopened()), noise)),
    ),
    "a retraction where votes stand": (
        "not_free",
        lambda: reopened().bare().then(entries.retract_entry(first_tag(reopened()))),
    ),
    "a change of nothing": (
        "no_ballot",
        lambda: closed().bare().insert(1, entries.change_entry(some_tag, noise)),
    ),
    "an erasure of nothing": (
        "no_ballot",
        lambda: closed().bare().then(entries.erase_entry(some_tag)),
    ),
    "an erasure of what was erased": (
        "is_sealed",
        lambda: sealed().bare().then(entries.erase_entry(first_tag(sealed(), "erase"))),
    ),
    "a change of what was erased": (
        "is_sealed",
        lambda: (
            sealed()
            .bare()
            .then(b"reopen", entries.change_entry(first_tag(sealed(), "erase"), noise))
        ),
    ),
    "a close with other options": (
        "close_options",
        lambda: (
            reopened()
            .bare()
            .then(entries.close_entry(3, {hex_id(0xB0): 2, hex_id(0xB1): 1, hex_id(0xB2): 0}))
        ),
    ),
    "reopened while open": ("reopen_open", lambda: reopened().bare().then(b"reopen")),
    "an entry of no known form": (
        "entry_form",
        lambda: closed().bare().insert(2, f"cast {some_tag} {noise} ".encode()),
    ),
    "an entry in capitals": (
        "entry_form",
        lambda: closed().bare().insert(2, f"cast {'A' * 64} {noise}".encode()),
    ),
    "an entry with a newline": (
        "entry_form",
        lambda: closed().bare().insert(2, f"cast {some_tag} {noise}\n".encode()),
    ),
    "a close that names an option twice": (
        "entry_form",
        lambda: close_with(f"close 7 {hex_id(0xB0)}=5 {hex_id(0xB0)}=5".encode()).bare(),
    ),
}
