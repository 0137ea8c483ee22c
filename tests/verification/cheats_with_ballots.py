"""Cheats with ballots and counts: what the fold, promises and older checkpoints find."""

from __future__ import annotations

import json
from collections.abc import Callable

from quickpoll.verification import entries
from quickpoll.verification.findings import Kept
from quickpoll.verification.openings import parse_openings
from tests.verification.honest import Service, hex_id
from tests.verification.worlds import (
    Cheats,
    World,
    alice,
    alices,
    bob,
    close_with,
    closed,
    first_tag,
    foreign,
    noise,
    own,
    promised,
    reopened,
    revealed,
    sealed,
    some_tag,
    tally_of,
    world,
)


def betrayed(betray: Callable[[Service], None], *, seen_first: bool = False) -> World:
    """Alice was answered; then the service did something to her ballot, and all the rest goes
    with it: the log is signed, folds, opens and sums. She has her promise (and receipt)."""
    service = Service(seed=6)
    vote, receipts = service.cast(alice, 0), []
    if seen_first:
        service.tick()
        receipts = [service.receipt(alice)]
    betray(service)
    for number in range(7):
        service.cast(hex_id(0xC0 + number), number % 3)
    service.close()
    return world(service, Kept([], receipts, [json.dumps(vote).encode()], service.shown()))


def done(*_: object) -> None:
    """Whatever was answered."""


def forget(service: Service) -> None:
    service.waiting.clear()
    del service.ballots[alice]


def write_another(service: Service) -> None:
    before = service.ballots[alice]
    forget(service)
    service.cast(alice, 1)
    mine = service.ballots[alice]
    mine.pepper, mine.tag = before.pepper, before.tag
    commit = entries.commit(own, mine.tag, mine.salt, mine.option_ids)
    mine.entry = entries.cast_entry(mine.tag, commit)
    service.waiting = [mine.entry]


def rebuilt(change: Callable[[Service], None]) -> World:
    """After the close the whole log is written anew, as sound as the one before."""
    logs = []
    for betray in (done, change):
        service = Service(seed=6)
        for number in range(7):
            service.cast(hex_id(0xC0 + number), number % 3)
        betray(service)
        service.close()
        logs.append(service)
    return world(logs[1], Kept([logs[0].checkpoint], shown=logs[1].shown()))


def sealed_too_far() -> World:
    """More hidden behind the sealed ballots than they can hold."""
    base = sealed()
    lines = [*base.entries]
    lines[base.number_of("close")] = tally_of(base, 2, -1, -1)
    return base.bare().writing(lines)


def sealed_tally(hidden: int, *, each: int) -> World:
    """Seven ballots of so many options each, two of them erased; the close gives every option
    ``hidden`` votes that nobody can see."""
    service = Service(seed=7)
    for number in range(7):
        service.cast(hex_id(0xC0 + number), *sorted((number + more) % 3 for more in range(each)))
    service.close()
    service.erase(hex_id(0xC0))
    service.erase(hex_id(0xC4))
    opened = parse_openings(service.files[f"log/{own}/openings"])
    seen = {one: sum(one in line.option_ids for line in opened) for one in service.option_ids}
    close = entries.close_entry(7, {one: votes + hidden for one, votes in seen.items()})
    lines = [close if line.startswith(b"close") else line for line in service.entries]
    return world(service, Kept()).writing(lines)


with_ballots: Cheats = {
    "a ballot dropped": ("promise_broken", lambda: betrayed(forget)),
    "a ballot changed": ("promise_broken", lambda: betrayed(write_another)),
    "a ballot changed behind its voter's back": (
        "receipt_outdated",
        lambda: betrayed(lambda service: done(service.cast(alice, 2)), seen_first=True),
    ),
    "a ballot taken back behind its voter's back": (
        "receipt_outdated",
        lambda: betrayed(lambda service: done(service.retract(alice)), seen_first=True),
    ),
    "a ballot erased behind its voter's back": (
        "receipt_outdated",
        lambda: betrayed(lambda service: service.erase(alice), seen_first=True),
    ),
    "a ballot invented after the close": (
        "forked",
        lambda: rebuilt(lambda service: done(service.cast(bob, 1))),
    ),
    "a log rebuilt after the close with one ballot fewer": (
        "cut_short",
        lambda: rebuilt(lambda service: done(service.waiting.pop(), service.ballots.popitem())),
    ),
    "a ballot dropped from a log that was seen": (
        "receipt_entry",
        lambda: closed().without(alices(closed())),
    ),
    "a ballot dropped before the close of a hidden poll": (
        "promise_broken",
        lambda: promised(revealed()).without(revealed().number_of("cast", 0)),
    ),
    "a ballot never taken in, past its hour": (
        "promise_broken",
        lambda: promised(reopened()).without(reopened().number_of("cast", 0)),
    ),
    "a ballot added after the close": (
        "after_close",
        lambda: closed().bare().then(entries.cast_entry(some_tag, noise)),
    ),
    "a ballot changed after the close": (
        "after_close",
        lambda: closed().bare().then(entries.change_entry(first_tag(closed()), noise)),
    ),
    "a second close with other counts": (
        "after_close",
        lambda: closed().bare().then(tally_of(closed(), 1, -1, 0)),
    ),
    "the poll edited after the close": ("after_close", lambda: closed().bare().then(foreign(own))),
    "a ballot slipped in before the close, after it": (
        "forked",
        lambda: (
            closed()
            .keeping(checkpoints=[closed().file("checkpoint")])
            .insert(closed().number_of("close"), entries.cast_entry(some_tag, noise))
        ),
    ),
    "a ballot counted in the close and nowhere else": (
        "close_ballots",
        lambda: close_with(closed().entries[-1].replace(b"close 7", b"close 8")).bare(),
    ),
    "a ballot doubled": (
        "cast_twice",
        lambda: closed().bare().insert(3, closed().entries[1]),
    ),
    "a ballot cast again after it was taken back": (
        "cast_twice",
        lambda: (
            closed()
            .bare()
            .insert(
                closed().number_of("close"),
                entries.cast_entry(first_tag(closed(), "retract"), noise),
            )
        ),
    ),
    "counts changed": ("sum", lambda: close_with(tally_of(closed(), 1, -1, 0)).bare()),
    "counts changed that sum differently": (
        "sum",
        lambda: close_with(tally_of(closed(), 1, 0, 0)).bare(),
    ),
    "more votes for one option than ballots": (
        "close_tally",
        lambda: close_with(
            entries.close_entry(7, {hex_id(0xB0): 8, hex_id(0xB1): 1, hex_id(0xB2): 1})
        ).bare(),
    ),
    "more votes than ballots can give": (
        "close_tally",
        lambda: close_with(
            entries.close_entry(7, {hex_id(0xB0): 5, hex_id(0xB1): 5, hex_id(0xB2): 5})
        ).bare(),
    ),
    "fewer votes than ballots": (
        "close_tally",
        lambda: close_with(entries.close_entry(7, {hex_id(0xB0): 3, hex_id(0xB1): 0})).bare(),
    ),
    "more hidden behind erased ballots than they hold": ("sum", sealed_too_far),
    "more hidden behind erased ballots than they hold, over all options": (
        "sum",
        lambda: sealed_tally(2, each=1),
    ),
    "votes of erased ballots dropped": ("sum", lambda: sealed_tally(0, each=2)),
}
