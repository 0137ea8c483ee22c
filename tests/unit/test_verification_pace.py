"""How often quiet polls are counted again."""

from __future__ import annotations

from quickpoll.repair.verification_pace import SHARE, SHARE_AFTER_LOSS, VerificationPace


class Clock:
    """A clock that is set by hand."""

    now = 1_000.0

    def __call__(self) -> float:
        """The seconds."""
        return self.now


def verify(pace: VerificationPace, clock: Clock, poll_id: str, seconds: float) -> None:
    """A verification that takes so long."""
    began = clock.now
    clock.now += seconds
    pace.verified(poll_id, began)


def test_a_poll_that_was_not_verified_yet_does_not_wait() -> None:
    assert VerificationPace(Clock()).wait("a", after_loss=False) <= 0


def test_a_poll_rests_for_its_share_of_the_time() -> None:
    clock = Clock()
    pace = VerificationPace(clock)
    verify(pace, clock, "a", 0.1)
    assert round(pace.wait("a", after_loss=False), 6) == 0.1 * SHARE
    clock.now += 0.1 * SHARE
    assert round(pace.wait("a", after_loss=False), 6) <= 0


def test_many_polls_take_no_more_of_the_time_than_one() -> None:
    """Each of ten is verified as soon as it may be, for a thousand seconds."""
    clock, spent = Clock(), 0.0
    pace, polls = VerificationPace(clock), [str(number) for number in range(10)]
    until = clock.now + 1_000
    while clock.now < until:
        due = [one for one in polls if pace.wait(one, after_loss=False) <= 0]
        for one in due:
            verify(pace, clock, one, 0.1)
            spent += 0.1
        clock.now += 0.5
    assert spent <= 1.2 * 1_000 / SHARE + 1  # the first of each come at once


def test_a_small_poll_does_not_wait_for_a_large_one() -> None:
    clock = Clock()
    pace = VerificationPace(clock)
    verify(pace, clock, "large", 1.0)
    verify(pace, clock, "small", 0.001)
    assert pace.wait("small", after_loss=False) <= 2 * 0.001 * SHARE


def test_after_a_loss_each_goes_by_itself() -> None:
    clock = Clock()
    pace = VerificationPace(clock)
    for number in range(10):
        verify(pace, clock, str(number), 0.1)
    assert round(pace.wait("9", after_loss=True), 6) == 0.1 * SHARE_AFTER_LOSS


def test_what_has_rested_is_forgotten() -> None:
    clock = Clock()
    pace = VerificationPace(clock)
    for number in range(1_000):
        verify(pace, clock, str(number), 0.0)
    clock.now += 1
    verify(pace, clock, "a", 1.0)
    assert pace.wait("a", after_loss=False) == SHARE
