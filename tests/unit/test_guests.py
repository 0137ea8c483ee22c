"""What lets guests in, by a clock that is handed in: proofs, who came, invites as typed."""

from __future__ import annotations

import pytest

from quickpoll.guests import newcomers
from quickpoll.guests.newcomers import WINDOW_SECONDS, Decision, Ledger
from quickpoll.guests.proof import GOOD_SECONDS, ProofOfWork
from quickpoll.guests.rules import ALPHABET, make_invite, plain, written
from quickpoll.guests.secrets import GuestSecrets
from tests.guests import guest_key, solved

let_in, ask, refuse = Decision
here = "192.0.2.1"


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def test_a_proof_is_good_for_ten_minutes() -> None:
    clock = Clock()
    proofs = ProofOfWork(GuestSecrets(guest_key), clock)
    proof = solved(proofs.challenge())
    clock.now += GOOD_SECONDS - 1
    assert proofs.solved(proof)
    clock.now += 1
    assert proofs.solved(proof) is None


def test_a_proof_of_another_key_is_none() -> None:
    ours, theirs = (ProofOfWork(GuestSecrets(key)) for key in (guest_key, guest_key[::-1]))
    assert ours.solved(solved(theirs.challenge())) is None


def test_the_list_slides() -> None:
    ledger, now = Ledger(2, 3), 1000.0
    assert [ledger.judge(here, mark, None, now)[0] for mark in "aab"] == [let_in] * 3
    assert ledger.judge(here, "c", None, now + 1)[0] is ask
    assert ledger.judge(here, "c", "proof", now + 10)[0] is let_in
    assert ledger.judge(here, "d", "another", now + 11) == (refuse, WINDOW_SECONDS - 11)
    assert ledger.judge("192.0.2.2", "d", "proof", now + 11)[0] is let_in
    assert ledger.judge(here, "d", None, now + WINDOW_SECONDS)[0] is let_in
    assert ledger.judge(here, "e", None, now + WINDOW_SECONDS)[0] is ask


def test_what_redis_was_not_told_is_told_once() -> None:
    ledger = Ledger(5, 5)
    for mark, now in (("a", 1.0), ("b", 2.0)):
        ledger.judge(here, mark, None, now)
    ledger.note(here, "c", 3.0, told=True)
    assert sorted(ledger.untold(here)) == [(1.0, "a"), (2.0, "b")]
    ledger.told(here, {"a"})
    assert ledger.untold(here) == [(2.0, "b")]


def test_the_list_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newcomers, "MOST_ADDRESSES", 2)
    ledger = Ledger(1, 1)
    for address in ("a", "b", "c"):
        ledger.judge(address, "x", None, 1.0)
    assert ledger.untold("a") == []
    assert ledger.judge("c", "y", None, 1.0)[0] is refuse
    assert ledger.judge("a", "y", None, 1.0)[0] is let_in


def test_invites() -> None:
    made = [make_invite() for _ in range(500)]
    assert len(set(made)) == 500
    assert set("".join(made)) == set(ALPHABET)
    assert written("7K3M9QTX2HVC") == "7K3M-9QTX-2HVC"
    for typed in ("7k3m 9qtx 2hvc", "7K3M\u20119QTX\u20142HVC", "\u00a07K3M9QTX2HVC\n"):
        assert plain(typed) == "7K3M9QTX2HVC"
    for typed in ("", "7K3M9QTX2HV", "7K3M9QTX2HVCC", "7K3M9QTX2HV0", "7K3M9QTX2HV\u017f"):
        assert plain(typed) is None


def test_an_invite_says_nothing_of_its_guest() -> None:
    ours, theirs = GuestSecrets(guest_key), GuestSecrets(guest_key[::-1])
    invite = "7K3M9QTX2HVC"
    assert ours.user_id(invite) == ours.user_id(invite) != theirs.user_id(invite)
    assert len(bytes.fromhex(ours.user_id(invite))) == 12
    assert ours.mark(ours.user_id(invite)) != ours.user_id(invite)
