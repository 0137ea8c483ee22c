"""Every order of the steps of an instance or several, under crashes, losses and sleep."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.model import mutants, plays
from tests.model.explorer import Violation, explore
from tests.model.members import pretended_time
from tests.model.protocol import CountingPlay
from tests.model.scenario import Scenario

# Hundreds of thousands of steps: measuring which lines they pass takes longer than they do.
pytestmark = pytest.mark.no_cover


@pytest.fixture(autouse=True)
def _pretended_time() -> Iterator[None]:
    with pretended_time():
        yield


@pytest.mark.timeout(400)
@pytest.mark.parametrize("scenario", plays.SMALL.values(), ids=plays.SMALL)
def test_no_order_breaks_a_promise(scenario: Scenario) -> None:
    explored = explore(lambda loop: CountingPlay(scenario, loop))

    assert explored.endings > 1


@pytest.mark.timeout(400)
@pytest.mark.parametrize(("old", "new", "play"), mutants.LUA.values(), ids=mutants.LUA)
def test_a_missing_step_is_noticed(old: str, new: str, play: str) -> None:
    changed = mutants.changed(old, new)

    with pytest.raises(Violation):
        explore(lambda loop: CountingPlay(plays.ALL[play], loop, changed))


@pytest.mark.timeout(400)
@pytest.mark.parametrize(("where", "step", "play"), mutants.PYTHON.values(), ids=mutants.PYTHON)
def test_a_missing_call_is_noticed(
    where: type, step: str, play: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(where, step, mutants.nothing)

    with pytest.raises(Violation):
        explore(lambda loop: CountingPlay(plays.ALL[play], loop))


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("scenario", plays.LARGE.values(), ids=plays.LARGE)
def test_no_order_breaks_a_promise_in_larger_plays(scenario: Scenario) -> None:
    assert explore(lambda loop: CountingPlay(scenario, loop)).endings > 1
