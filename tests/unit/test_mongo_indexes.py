"""What is made, dropped and left, so that a collection has the indexes that it should have."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from quickpoll.foundation.stores.mongo_indexes import Plan, Spec, plan, spec_of


def index(name: str, *keys: str, **options: Any) -> Spec:
    return spec_of({"name": name, "key": dict.fromkeys(keys, 1), "v": 2, **options})


own = index("_id_", "_id")
wanted = index("counting", "pollId", "optionIds")
moved = wanted.renamed()


@pytest.mark.parametrize(
    ("there", "make", "drop"),
    [
        ([], ["counting"], []),
        ([own, wanted], [], []),
        ([own, index("counting_sharded", "pollId", "optionIds")], [], []),
        ([own, index("counting", "createdAt")], [moved.name], ["counting"]),
        ([own, index("counting", "optionIds", "pollId")], [moved.name], ["counting"]),
        ([own, index("counting", "createdAt"), moved], [], ["counting"]),
        ([own, moved], [], []),
        ([own, index("counting-0badc0de", "createdAt")], ["counting"], ["counting-0badc0de"]),
        ([own, index("somebody's", "createdAt")], ["counting"], []),
        ([own, index("counting", "pollId", "optionIds", sparse=True)], [moved.name], ["counting"]),
    ],
)
def test_an_index_that_changed_gets_a_new_name_and_then_the_old_one_goes(
    there: list[Spec], make: list[str], drop: list[str]
) -> None:
    steps = plan([wanted], there)
    assert [one.name for one in steps.make] == make
    assert [one.name for one in steps.drop] == drop
    assert steps.left == ()
    after = [*(one for one in there if one not in steps.drop), *steps.make]
    assert plan([wanted], after) == Plan((), (), ())


@pytest.mark.parametrize(
    ("old", "new", "goes"),
    [
        (("userId", "pollId"), ("pollId", "userId"), True),
        (("userId", "pollId"), ("userId",), False),
        (("userId",), ("userId", "pollId"), False),
    ],
)
def test_a_unique_index_goes_only_for_one_that_keeps_the_same_promise(
    old: tuple[str, ...], new: tuple[str, ...], goes: bool
) -> None:
    there = index("one_ballot", *old, unique=True)
    steps = plan([index("one_ballot", *new, unique=True)], [own, there])
    assert [one.unique for one in steps.make] == [True]
    assert (steps.drop, steps.left) == (((there,), ()) if goes else ((), (there,)))
    kept = plan([index("one_ballot", *new)], [own, there])
    assert (kept.drop, kept.left) == ((), (there,))


def test_the_command_is_what_the_shell_takes() -> None:
    shown = index("one_ballot", "userId", "pollId", unique=True).command("vote")
    assert shown == (
        'db.vote.createIndex({"userId": 1, "pollId": 1}, {"name": "one_ballot", "unique": true})'
    )


def test_a_moment_is_the_same_with_a_time_zone_and_without() -> None:
    """Models say which, drivers read it without: no start makes such an index anew."""

    def since(moment: datetime) -> Spec:
        return index("age", "endedAt", partialFilterExpression={"endedAt": {"$gt": moment}})

    asked = since(datetime(1970, 1, 1, tzinfo=UTC))
    assert plan([asked], [own, since(datetime(1970, 1, 1))]) == Plan((), (), ())
    assert plan([asked], [own, since(datetime(1970, 1, 2))]).make
