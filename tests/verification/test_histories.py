"""Histories by the thousand: what an honest service does is never a finding, and is what the fold
makes of its log; what somebody does to a closed log is."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from quickpoll.verification import entries
from quickpoll.verification.check import check
from quickpoll.verification.findings import Kept
from quickpoll.verification.fold import Fold
from quickpoll.verification.growing import GrowingLog, origin, signed
from tests.verification.honest import Service, from_memory, hex_id, key_name, start

users = st.integers(1, 9).map(hex_id)


class Histories(RuleBasedStateMachine):
    """One poll, anything in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.service = Service(poll_id=hex_id(1))
        self.promises: list[bytes] = []
        self.checkpoints: list[bytes] = []
        self.numbers = 0

    @property
    def _open(self) -> bool:
        return not self.service.closed

    @property
    def _voters(self) -> list[str]:
        return [user for user, ballot in self.service.ballots.items() if ballot.salt]

    def _one(self, number: int) -> str:
        return self._voters[number % len(self._voters)]

    def _hold(self, vote: dict[str, Any]) -> None:
        self.promises.append(json.dumps(vote).encode())

    @precondition(lambda self: self._open)
    @rule(user=users, places=st.sets(st.integers(0, 2), min_size=1, max_size=2))
    def cast_or_change(self, user: str, places: set[int]) -> None:
        self._hold(self.service.cast(user, *sorted(places)))

    @precondition(lambda self: self._open and self._voters)
    @rule(number=st.integers(0, 8))
    def retract(self, number: int) -> None:
        self.promises.append(self.service.retract(self._one(number)).encode())

    @precondition(lambda self: self._voters)
    @rule(number=st.integers(0, 8))
    def erase(self, number: int) -> None:
        self.service.erase(self._one(number))

    @precondition(lambda self: self._open and not self._seen())
    @rule()
    def edit(self) -> None:
        self.numbers += 1
        self.service.option_ids[0] = hex_id(0xE0 + self.numbers)
        self.service.define(f"Tabs, for the {self.numbers}. time?")

    @rule()
    def tick(self) -> None:
        self.service.tick()

    @rule(hidden=st.booleans())
    def hide(self, hidden: bool) -> None:
        if self._open:
            self.service.results = "after_close" if hidden else "always"

    @precondition(lambda self: self._open)
    @rule()
    def close(self) -> None:
        self.service.close()

    @precondition(lambda self: not self._open)
    @rule()
    def reopen(self) -> None:
        self.service.reopen()

    @rule()
    def look(self) -> None:
        """Keep what is served now."""
        self.checkpoints += [self.service.checkpoint, self.service.announced]

    def _seen(self) -> bool:
        waiting = [line for line in self.service.waiting if line]
        return bool(waiting) or any(line.startswith(b"cast") for line in self.service.entries)

    @invariant()
    def is_what_the_fold_makes_of_the_log(self) -> None:
        fold = Fold(self.service.poll_id)
        for line in [*self.service.entries, *self.service.waiting]:
            fold.apply(entries.parse_entry(line))
        held = {one.tag: one.entry.split()[2].decode() for one in self.service.ballots.values()}
        assert fold.ballots == held
        assert (fold.closed is None) == self._open

    @invariant()
    def has_nothing_to_be_found(self) -> None:
        service = self.service
        published = [
            user for user in self._voters if service.ballots[user].entry in service.entries
        ]
        receipts = [service.receipt(user) for user in published]
        kept = Kept(self.checkpoints, receipts, self.promises, service.shown())
        report = check(from_memory(service.files), service.poll_id, (), kept, start)
        assert report.findings == []

    @precondition(lambda self: not self._open and len(self.service.ballots) >= 5)
    @rule(data=st.data())
    def cannot_be_rewritten_once_closed(self, data: st.DataObject) -> None:
        lines = [*self.service.entries]
        first = next(at for at, line in enumerate(lines) if line.startswith(b"cast"))
        at = data.draw(st.integers(first, len(lines) - 1))
        how = data.draw(st.sampled_from(["drop", "double", "add", "retract"]))
        noise = f"{data.draw(st.integers(1, 2**200)):064x}"
        if how == "drop":
            later = [
                line for line in lines[at + 1 :] if line.split()[1:2] == lines[at].split()[1:2]
            ]
            if lines[at].startswith(b"change") and later:
                return  # a choice that was changed again is missed by none but its voter
            del lines[at]
        elif how == "double":
            lines.insert(at, lines[at])
        elif how == "add":
            lines.insert(at + 1, entries.cast_entry(noise, noise))
        else:
            tag = next(iter(self.service.ballots.values())).tag
            lines.append(entries.retract_entry(tag))
        log = GrowingLog(origin(key_name, self.service.poll_id))
        growth, prefix = log.append(lines), f"log/{self.service.poll_id}/"
        files = self.service.files | {prefix + path: one for path, one in growth.parts.items()}
        files[f"{prefix}checkpoint"] = signed(growth.head, self.service.signer)
        assert check(from_memory(files), self.service.poll_id, (), Kept(), start).findings


Histories.TestCase.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, print_blob=True
)
TestHistories = Histories.TestCase
