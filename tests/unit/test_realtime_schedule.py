"""When which poll may be shown: at once, then ten events a second, and never not at all."""

from __future__ import annotations

import pytest

from quickpoll.realtime.coalescer import Schedule


def test_the_first_update_goes_out_at_once() -> None:
    schedule = Schedule()
    assert schedule.next_at() is None
    schedule.mark("a", "vote-update")
    assert schedule.next_at() == 0
    assert schedule.take(5.0) == {"a": {"vote-update"}}
    assert schedule.next_at() is None


def test_then_it_waits_as_long_as_its_events_take() -> None:
    schedule = Schedule()
    schedule.mark("a", "vote-update")
    schedule.take(5.0)
    schedule.shown("a", 2, 5.0)
    for kind in ("vote-update", "like-update", "vote-update"):
        schedule.mark("a", kind)
    schedule.mark("b", "vote-update")
    assert schedule.take(5.1) == {"b": {"vote-update"}}
    assert schedule.next_at() == pytest.approx(5.2)
    assert schedule.take(5.2) == {"a": {"vote-update", "like-update"}}


def test_a_busy_poll_is_shown_ten_times_a_second() -> None:
    schedule, shown = Schedule(), 0
    for millisecond in range(10_000):
        now = millisecond / 1000
        schedule.mark("a", "vote-update")
        if schedule.take(now):
            schedule.shown("a", 1, now)
            shown += 1
    assert shown == 100


def test_what_has_no_effect_is_forgotten() -> None:
    schedule = Schedule()
    schedule.shown("a", 1, 5.0)
    schedule.forget_idle(5.05)
    schedule.mark("a", "vote-update")
    assert schedule.take(5.05) == {}
    schedule.forget_idle(5.2)
    assert schedule.take(5.2) == {"a": {"vote-update"}}
