"""The lines of a log and the hashes in them, by the published vectors."""

from __future__ import annotations

import pytest

from quickpoll.verification import entries
from quickpoll.verification.entries import BadEntry, Entry, parse_entry

poll, user, nonce = "0" * 24, "3" * 24, "4" * 64
pepper, salt, tabs, spaces = "1" * 64, "2" * 64, "a" * 24, "b" * 24
tag = "1323d9aab9d23f537ae56339d67931ce6b203f94613b6e1705c586aac757aca1"
commit = "4264b36aa9bd989c280333173ea15a5d80cfe89bd526cb757c93db16be998cd9"
definition = "9b7f3bc7fc219926ebdf5fef17da84632d4413e9b5e46eaef9142028b24a38db"
shown = {
    "id": poll,
    "question": "Tabs or späces?",
    "options": [{"id": tabs, "text": "Tabs"}, {"id": spaces, "text": "Spaces 🚀"}],
    "minChoices": 1,
    "maxChoices": 2,
    "allowVoteChange": True,
    "guests": "open",
}


def test_the_hashes_are_those_of_the_vectors() -> None:
    assert entries.tag(poll, pepper, user) == tag
    assert entries.commit(poll, tag, salt, [spaces, tabs]) == commit
    assert entries.poll_shown(nonce, shown).definition == definition


written = {
    entries.poll_entry(poll, (1, 2), nonce, definition, free=True): Entry(
        "poll", poll, 1, 2, True, nonce, definition
    ),
    entries.cast_entry(tag, commit): Entry("cast", tag=tag, commit=commit),
    entries.change_entry(tag, commit): Entry("change", tag=tag, commit=commit),
    entries.retract_entry(tag): Entry("retract", tag=tag),
    entries.erase_entry(tag): Entry("erase", tag=tag),
    entries.close_entry(10, {tabs: 10, spaces: 0}): Entry(
        "close", ballots=10, tally=((tabs, 10), (spaces, 0))
    ),
    entries.REOPEN_ENTRY: Entry("reopen"),
}


@pytest.mark.parametrize("line", written, ids=lambda line: line.split()[0].decode())
def test_an_entry_is_read_as_it_was_written(line: bytes) -> None:
    assert parse_entry(line) == written[line]
    assert len(line) < 256


def test_the_lines_are_those_of_the_page() -> None:
    assert next(iter(written)).startswith(f"poll v1 {poll} 1 2 free {nonce} ".encode())
    assert entries.close_entry(10, {tabs: 10, spaces: 0}).decode() == (
        f"close 10 {tabs}=10 {spaces}=0"
    )


def test_the_longest_close_fits() -> None:
    tally = {f"{number:024x}": 10**9 for number in range(50)}
    line = entries.close_entry(10**9, tally)
    assert len(line) < 4096
    assert dict(parse_entry(line).tally) == tally


@pytest.mark.parametrize("line", written, ids=lambda line: line.split()[0].decode())
def test_an_entry_has_one_spelling(line: bytes) -> None:
    for wrong in (line + b" ", line + b"\n", b" " + line, line.upper(), line + b"x", line[:-1]):
        with pytest.raises(BadEntry):
            parse_entry(wrong)
    if b" " in line:
        with pytest.raises(BadEntry):
            parse_entry(line.replace(b" ", b"  ", 1))


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"nothing of ours",
        b"poll v2" + next(iter(written))[7:],
        f"close 01 {tabs}=1".encode(),
        f"close 1 {tabs}=01".encode(),
        f"close 1 {tabs}=-1".encode(),
        f"close 1 {tabs}=1 {tabs}=0".encode(),
        b"close 0",
        f"close 1 {tabs}={'9' * 16}".encode(),
        f"cast {tag} {commit[:-1]}\xe9".encode(),
        f"close 1{''.join(f' {number:024x}=1' for number in range(152))}".encode(),
    ],
)
def test_what_is_no_entry_is_refused(wrong: bytes) -> None:
    with pytest.raises(BadEntry):
        parse_entry(wrong)
