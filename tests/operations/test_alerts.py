"""Each alert fires when it should and keeps silent when it should, by Prometheus' own promtool.

Series are written as promtool takes them: ``0x30`` is 0, thirty times again; ``0+1x30`` grows by 1
each minute.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.checkout import root
from tests.operations.checkers import missing

rules = root / "config" / "prometheus" / "alerts.yaml"
minutes = 30

Series = dict[str, str]

a, b = 'job="quickpoll",instance="a:8001"', 'job="quickpoll",instance="b:8001"'
elsewhere = 'job="kubernetes-pods",instance="10.0.0.7:8001"'
steady, nothing, growing = f"1x{minutes}", f"0x{minutes}", f"0+60x{minutes}"
vote_route = 'route="/api/poll/vote-on-poll/{poll_id}/{option_id}"'
requests = "quickpoll_http_request_duration_seconds"
failures = "quickpoll_http_failures_total"
one_failure = f"0x10 1x{minutes}"


def bucket(metric: str, labels: str, bound: str, values: str) -> Series:
    """One histogram of which all is below ``bound`` seconds, and nothing below half of it."""
    low = str(float(bound) / 2)
    return {
        f'{metric}_bucket{{{labels},le="{low}"}}': nothing,
        f'{metric}_bucket{{{labels},le="{bound}"}}': values,
        f'{metric}_bucket{{{labels},le="+Inf"}}': values,
    }


def failing(count: str) -> Series:
    return {
        f'{failures}{{{a},route="/x",method="GET",status="503"}}': count,
        f'{requests}_count{{{a},route="/x",method="GET",status="200"}}': f"0+1000x{minutes}",
        f'{requests}_count{{{a},route="/x",method="GET",status="503"}}': count,
    }


def of_limit(metric: str, limit: str, present: int, most: int) -> Series:
    labels = f'{a},queue="votes"' if limit == "votes" else a
    return {
        f"{metric}{{{labels}}}": f"{present}x{minutes}",
        f'quickpoll_limit_items{{{a},limit="{limit}"}}': f"{most}x{minutes}",
    }


fires: dict[str, list[Series]] = {
    "QuickPollInstanceDown": [
        {f"up{{{a}}}": f"1x5 0x{minutes}", f"up{{{b}}}": steady},
        {
            f"up{{{elsewhere}}}": f"1x5 0x{minutes}",
            f"quickpoll_shed_ratio{{{elsewhere}}}": "0x5 stale",
        },
    ],
    "QuickPollAllDown": [
        {f"up{{{a}}}": nothing, f"quickpoll_build_info{{{a}}}": "1x5 stale"},
        {'up{job="node",instance="c"}': steady},
    ],
    "QuickPollMongoDBAway": [{f'quickpoll_store_available{{{a},store="mongodb"}}': nothing}],
    "QuickPollRedisAway": [{f'quickpoll_store_available{{{a},store="redis"}}': nothing}],
    "QuickPollStoreRefuses": [
        {f'quickpoll_store_failing{{{a},store="redis",cause="rights"}}': steady},
        {f'quickpoll_store_failing{{{a},store="mongodb",cause="credentials"}}': steady},
    ],
    "QuickPollCounterDrift": [{f"quickpoll_counter_drift_total{{{a}}}": one_failure}],
    "QuickPollCountsBehind": [{f"quickpoll_oldest_write_seconds{{{a}}}": f"20x{minutes}"}],
    "QuickPollErrors": [failing(f"0+20x{minutes}")],
    "QuickPollInternalErrors": [
        {f'{failures}{{{a},route="/x",method="GET",status="500"}}': f"0x20 1x{minutes}"}
    ],
    "QuickPollOverloaded": [
        {f"quickpoll_requests_shed_total{{{a}}}": growing},
        {f'quickpoll_votes_total{{{a},outcome="overloaded"}}': growing},
    ],
    "QuickPollQueueNearLimit": [of_limit("quickpoll_queue_items", "votes", 60, 100)],
    "QuickPollVotesSlow": [bucket(requests, f"{a},{vote_route}", "2.5", growing)],
    "QuickPollUpdatesLate": [bucket("quickpoll_update_lag_seconds", a, "2.5", growing)],
    "QuickPollEventLoopBlocked": [bucket("quickpoll_event_loop_lag_seconds", a, "0.5", growing)],
    "QuickPollClientsDropped": [
        {f"quickpoll_socket_clients_dropped_total{{{a}}}": f"0+120x{minutes}"}
    ],
    "QuickPollSocketClientsNearLimit": [
        of_limit("quickpoll_socket_clients", "socket_clients", 170, 200)
    ],
    "QuickPollClocksDiffer": [
        {f'quickpoll_clock_skew_seconds{{{a},store="redis"}}': f"-300x{minutes}"}
    ],
    "QuickPollIndexesUnfinished": [{f"quickpoll_unfinished_indexes{{{a}}}": "2x120"}],
    "QuickPollIssuerKeysStale": [{f"quickpoll_issuer_keys_age_seconds{{{a}}}": f"3600x{minutes}"}],
}

healthy: Series = {
    f"up{{{a}}}": steady,
    f"up{{{b}}}": steady,
    'up{job="node",instance="somebody else\'s"}': nothing,
    f"quickpoll_build_info{{{a}}}": steady,
    f"quickpoll_shed_ratio{{{a}}}": nothing,
    f'quickpoll_store_available{{{a},store="mongodb"}}': steady,
    f'quickpoll_store_available{{{a},store="redis"}}': steady,
    f'quickpoll_store_failing{{{a},store="redis",cause="rights"}}': nothing,
    f'quickpoll_store_failing{{{a},store="redis",cause="away"}}': steady,
    f"quickpoll_counter_drift_total{{{a}}}": f"7x{minutes}",
    f"quickpoll_oldest_write_seconds{{{a}}}": f"3x{minutes}",
    **failing(f"0+5x{minutes}"),
    f'{failures}{{{a},route="/x",method="GET",status="500"}}': f"4x{minutes}",
    f"quickpoll_requests_shed_total{{{a}}}": f"4x{minutes}",
    f'quickpoll_votes_total{{{a},outcome="overloaded"}}': f"4x{minutes}",
    **of_limit("quickpoll_queue_items", "votes", 40, 100),
    **bucket(requests, f"{a},{vote_route}", "0.25", growing),
    **bucket("quickpoll_update_lag_seconds", a, "0.5", growing),
    **bucket("quickpoll_event_loop_lag_seconds", a, "0.05", growing),
    f"quickpoll_socket_clients_dropped_total{{{a}}}": f"0+30x{minutes}",
    **of_limit("quickpoll_socket_clients", "socket_clients", 150, 200),
    f'quickpoll_clock_skew_seconds{{{a},store="redis"}}': f"0.4x{minutes}",
    f'quickpoll_clock_skew_seconds{{{a},store="mongodb"}}': f"-0.4x{minutes}",
    f"quickpoll_unfinished_indexes{{{a}}}": f"0x10 2x10 0x{minutes}",
    f"quickpoll_issuer_keys_age_seconds{{{a}}}": f"600x{minutes}",
}
"""Everything as it should be, with a little of what may be: nothing fires."""


def firing(alert: str, series: Series, expected: int) -> dict[str, Any]:
    """A test of promtool: how many alerts of this name fire at the end."""
    end = "119m" if any(value.endswith("x120") for value in series.values()) else f"{minutes}m"
    counted = f'count(ALERTS{{alertname="{alert}",alertstate="firing"}}) or vector(0)'
    return {
        "interval": "1m",
        "input_series": [{"series": one, "values": values} for one, values in series.items()],
        "promql_expr_test": [
            {
                "expr": counted,
                "eval_time": end,
                "exp_samples": [{"labels": "{}", "value": expected}],
            }
        ],
    }


def found() -> str:
    """Where promtool is."""
    promtool = shutil.which("promtool")
    if promtool is None:
        missing("promtool (Debian's package prometheus)")
    return str(promtool)


def judged(tests: list[dict[str, Any]], folder: Path) -> str:
    """What promtool says; empty where all is as expected."""
    promtool = found()
    file = folder / "alerts.test.yaml"
    asked = {"rule_files": [str(rules)], "evaluation_interval": "1m", "tests": tests}
    file.write_text(yaml.safe_dump(asked))
    told = subprocess.run(
        [promtool, "test", "rules", str(file)], capture_output=True, text=True, check=False
    )
    return "" if told.returncode == 0 else told.stdout + told.stderr


def names() -> list[str]:
    groups = yaml.safe_load(rules.read_text())["groups"]
    return [rule["alert"] for group in groups for rule in group["rules"]]


def test_every_alert_is_tried() -> None:
    assert set(fires) == set(names())


def test_every_alert_fires(tmp_path: Path) -> None:
    tests = [firing(alert, one, 1) for alert, cases in fires.items() for one in cases]
    assert judged(tests, tmp_path) == ""


def test_no_alert_fires_where_all_is_well(tmp_path: Path) -> None:
    tests = [firing(alert, healthy, 0) for alert in names()]
    assert judged(tests, tmp_path) == ""


def test_an_alert_that_keeps_silent_would_be_noticed(tmp_path: Path) -> None:
    assert "QuickPollErrors" in judged([firing("QuickPollErrors", healthy, 1)], tmp_path)


@pytest.mark.parametrize("what", ["rules", "config"])
def test_prometheus_takes_the_files(what: str) -> None:
    promtool = found()
    file = rules if what == "rules" else rules.with_name("prometheus.yaml")
    told = subprocess.run([promtool, "check", what, str(file)], capture_output=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
