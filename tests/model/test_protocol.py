"""Every order of the steps of writers and a recount, under crashes, losses and sleep."""

from __future__ import annotations

import pytest

from quickpoll.foundation.stores.redis import Script
from quickpoll.tallies import scripts
from tests.model.explorer import Violation, explore
from tests.model.protocol import CountingPlay, Scenario

# Hundreds of thousands of steps: measuring which lines they pass takes longer than they do.
pytestmark = pytest.mark.no_cover

scenarios = {
    "crash and flush": Scenario(crashes=1, flushes=1, at_once=True),
    "sleep and crash": Scenario(writers=1, naps=1, crashes=1),
    "late": Scenario(writers=1, naps=1, late=True),
    "late and crash": Scenario(writers=1, naps=1, crashes=1, late=True),
    "unsure": Scenario(writers=1, unsure=True, flushes=1, crashes=1),
    "break": Scenario(writers=1, breaks=1),
    "restart": Scenario(writers=1, restarts=1, crashes=1),
}

large_scenarios = {
    "sleep at once": Scenario(naps=1, at_once=True),
    "later": Scenario(writers=1, recounts=2, naps=2, late=True, at_once=True),
    "crash and flush": Scenario(crashes=1, flushes=1),
    "sleep": Scenario(naps=1, late=True),
    "break and flush": Scenario(breaks=1, flushes=1, at_once=True),
    "restart and crash": Scenario(restarts=1, crashes=1),
    "two recounts": Scenario(writers=1, recounts=2, naps=1, flushes=1),
}


@pytest.mark.timeout(400)
@pytest.mark.parametrize("scenario", scenarios.values(), ids=scenarios)
def test_no_order_breaks_a_promise(scenario: Scenario) -> None:
    explored = explore(lambda loop: CountingPlay(scenario, loop))

    assert explored.endings > 1


all_scenarios = large_scenarios | scenarios

changes = {
    "a batch without its mark is counted": (
        scripts.apply,
        "if s and s.run == run and marked then",
        "if s and s.run == run then",
        "later",
    ),
    "a batch without its mark is forgotten": (
        scripts.apply,
        "if s then s.d = 1 end",
        "",
        "later",
    ),
    "writers pass a closed gate": (
        scripts.begin,
        "redis.call('EXISTS', KEYS[i + 2]) == 1",
        "false",
        "sleep and crash",
    ),
    "a recount does not wait for marks": (
        scripts.close_gate,
        "live = live + 1",
        "",
        "sleep and crash",
    ),
    "a count is put in place though the gate was lost": (
        scripts.open_gate,
        "if redis.call('GET', KEYS[2]) ~= ARGV[1] then return -1 end",
        "",
        "late",
    ),
    "a lost gate is closed again": (
        scripts.hold_gate,
        "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end",
        "redis.call('SET', KEYS[1], ARGV[1])",
        "sleep at once",
    ),
    "a count after a loss is trusted at once": (
        scripts.open_gate,
        "doubt(s, ARGV[7])  -- the marks",
        "-- the marks",
        "crash and flush",
    ),
    "a count after a dropped mark is trusted at once": (
        scripts.close_gate,
        "if dropped then doubt(s, ARGV[3]) end",
        "",
        "late and crash",
    ),
    "what is not sure is taken for sure": (
        scripts.apply,
        "if c.unsure == 1 then doubt(s, late) end",
        "",
        "unsure",
    ),
    "a mark outlives its batch": (
        scripts.apply,
        "local marked = redis.call('HDEL', writes, token) == 1",
        "local marked = redis.call('HEXISTS', writes, token) == 1",
        "break",
    ),
    "counts of another life are trusted": (
        scripts.open_gate,
        "if not old or old.run ~= ARGV[2] then",
        "if not old then",
        "restart",
    ),
    "versions stand still": (
        scripts.apply,
        "if s then v = math.max(v, tonumber(s.v) + 1) end",
        "",
        "break",
    ),
}


@pytest.mark.parametrize(("script", "old", "new", "scenario"), changes.values(), ids=changes)
def test_a_missing_step_is_noticed(script: Script, old: str, new: str, scenario: str) -> None:
    assert script.source.count(old) == 1
    changed = {script.sha: script.source.replace(old, new)}

    with pytest.raises(Violation):
        explore(lambda loop: CountingPlay(all_scenarios[scenario], loop, changed))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("scenario", large_scenarios.values(), ids=large_scenarios)
def test_no_order_breaks_a_promise_in_larger_plays(scenario: Scenario) -> None:
    assert explore(lambda loop: CountingPlay(scenario, loop)).endings > 1
