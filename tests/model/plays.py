"""The plays: who takes part, and what may happen to them."""

from __future__ import annotations

from tests.model.protocol import FEW_STEPS, Scenario

COUNT_AT_ONCE = FEW_STEPS - {"vote.count_documents"} | {"poll.find"}
"""A recount reads all its counts in one step: when it has read the poll."""

ONE = {"one": "vote u1 a"}
TWO = ONE | {"two": "vote u2 b"}
RECOUNT = {"recount": "recount"}

SMALL = {
    "late": Scenario(ONE | RECOUNT, naps=1, late=True),
    "late and crash": Scenario(ONE | RECOUNT, naps=1, crashes=1, late=True),
    "sleep and crash": Scenario(ONE | RECOUNT, naps=1, crashes=1),
    "doze": Scenario(ONE | RECOUNT, dozes=1),
    "break": Scenario(ONE | RECOUNT, breaks=1),
    "flush": Scenario(ONE | RECOUNT, flushes=1, steps=COUNT_AT_ONCE),
}

LARGE = {
    "crash and flush": Scenario(TWO | RECOUNT, crashes=1, flushes=1, steps=COUNT_AT_ONCE),
}

ALL = LARGE | SMALL
