"""The plays: who takes part, and what may happen to them."""

from __future__ import annotations

from tests.model.scenario import FEW_STEPS, Scenario

COUNT_AT_ONCE = FEW_STEPS - {"vote.count_documents"} | {"poll.find"}
"""A recount reads all its counts in one step: when it has read the poll."""

LIKE_STEPS = frozenset({"like.insert_many", "like.update_one", "like.bulk_write", "poll.find"})
CHANGE_STEPS = COUNT_AT_ONCE | {"vote.update_one", "vote.find"}
CLOSE_STEPS = COUNT_AT_ONCE | {"poll.update_one"}
READ_STEPS = COUNT_AT_ONCE | {f"direct_count.{one}" for one in ("find", "update_one", "insert_one")}

ONE = {"one": "vote u1 a"}
TWO = ONE | {"two": "vote u2 b"}
BOTH = {"one": "vote u1 a p+vote u2 b q"}
CHANGE = {"one": "vote u1 a;vote u1 b"}
RETRACT = {"one": "vote u1 a;retract u1"}
SAME = {"one": "vote u1 a", "two": "vote u1 b;retract u1"}
LIKES = {"one": "like u1;unlike u1", "two": "like u2"}
CLOSE = {"owner": "close"}
READ = {"reader": "read"}
RECOUNT = {"recount": "recount"}

SMALL = {
    "late": Scenario(ONE | RECOUNT, naps=1, late=True),
    "late and crash": Scenario(ONE | RECOUNT, naps=1, crashes=1, late=True),
    "sleep and crash": Scenario(ONE | RECOUNT, naps=1, crashes=1),
    "doze": Scenario(ONE | RECOUNT, dozes=1),
    "break": Scenario(ONE | RECOUNT, breaks=1),
    "flush": Scenario(ONE | RECOUNT, flushes=1),
    "two flushes": Scenario(ONE | RECOUNT, flushes=2, steps=COUNT_AT_ONCE),
    "flush and crash": Scenario(ONE | RECOUNT, flushes=1, crashes=1, steps=COUNT_AT_ONCE),
    "sent": Scenario(ONE, sends=2),
    "sent and crash": Scenario(ONE | RECOUNT, sends=1, crashes=1, steps=COUNT_AT_ONCE),
    "sent and sleep": Scenario(ONE | RECOUNT, sends=2, naps=1, steps=COUNT_AT_ONCE),
    "sent and flush": Scenario(ONE | RECOUNT, sends=2, flushes=1, steps=COUNT_AT_ONCE),
    "change": Scenario(CHANGE | RECOUNT, dozes=1, steps=CHANGE_STEPS, changeable=True),
    "change, sent": Scenario(CHANGE, sends=1, naps=1, steps=CHANGE_STEPS, changeable=True),
    "retract, sent": Scenario(RETRACT, sends=1, naps=1, steps=CHANGE_STEPS, changeable=True),
    "two polls": Scenario(BOTH | RECOUNT, dozes=1, steps=COUNT_AT_ONCE),
    "two polls and flush": Scenario(BOTH | RECOUNT, flushes=1, steps=COUNT_AT_ONCE),
    "close": Scenario(ONE | CLOSE, steps=CLOSE_STEPS),
    "close and sleep": Scenario(ONE | CLOSE, steps=CLOSE_STEPS, naps=1),
    "read": Scenario(ONE | READ, steps=READ_STEPS),
    "read and flush": Scenario(ONE | READ, steps=READ_STEPS, flushes=1),
    "cut": Scenario(ONE | READ, steps=READ_STEPS, cuts=1),
}

LARGE = {
    "crash and flush": Scenario(TWO | RECOUNT, crashes=1, flushes=1, steps=COUNT_AT_ONCE),
    "close and flush": Scenario(ONE | CLOSE, steps=CLOSE_STEPS, flushes=1, naps=1),
    "close, sent": Scenario(ONE | CLOSE, steps=CLOSE_STEPS, sends=2, naps=1),
    "cut and sleep": Scenario(ONE | READ, steps=READ_STEPS, cuts=1, naps=1),
    "cut and close": Scenario(ONE | CLOSE, steps=CLOSE_STEPS, cuts=1),
}

HOLES = {
    "a lost mark under a state of another life": Scenario(ONE | RECOUNT, restarts=1),
    "two instances, one voter": Scenario(SAME, steps=CHANGE_STEPS, changeable=True),
}
"""Plays that a promise does not survive yet."""

ALL = HOLES | LARGE | SMALL
