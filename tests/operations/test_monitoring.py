"""Alerts, dashboard and autoscaler: every query is PromQL, about metrics that there are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.checkout import root
from tests.operations.checkers import missing

config = root / "config"
alerts: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((config / "prometheus/alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
]
dashboard: dict[str, Any] = json.loads((config / "grafana/quickpoll.json").read_text())
panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
adapter: list[dict[str, Any]] = yaml.safe_load(
    (config / "kubernetes/prometheus-adapter.yaml").read_text()
)["rules"]["custom"]

named_elsewhere = {"up", "process_cpu_seconds_total", "process_resident_memory_bytes"}
"""What Prometheus and its client add by themselves; ``process_…`` needs Linux."""

absent_at_first = {"quickpoll_issuer_keys_age_seconds"}


def queries() -> Iterator[tuple[str, str]]:
    """Every query, its variables filled in as the programs that own them do."""
    for rule in alerts:
        yield rule["alert"], rule["expr"]
    for panel in panels:
        for target in panel["targets"]:
            filled = target["expr"].replace("$__rate_interval", "1m").replace("$job", "quickpoll")
            yield panel["title"], filled
    for rule in adapter:
        filled = rule["metricsQuery"].replace("<<.LabelMatchers>>", 'pod="a"')
        yield "adapter", filled.replace("<<.GroupBy>>", "pod")


def metrics_of(query: str) -> set[str]:
    """The metrics that a query is about."""
    bare = re.sub(r'"[^"]*"', "", query)
    return set(re.findall(r"\b(?:quickpoll|process)_\w+|\bup\b", bare))


@pytest.mark.parametrize(("place", "query"), list(queries()))
def test_query_is_promql(place: str, query: str) -> None:
    try:
        from promql_parser import parse
    except ImportError:
        missing("promql-parser")
    assert str(parse(query)), place


async def test_every_metric_in_a_query_is_answered(client: httpx.AsyncClient) -> None:
    await client.get("/health/live")
    text = (await client.get("/metrics")).text
    families = list(text_string_to_metric_families(text))
    samples = {sample.name for family in families for sample in family.samples}
    names = {family.name for family in families}
    series = samples | {f"{n}{more}" for n in names for more in ("_bucket", "_count", "_total")}
    wanted = {name for _, query in queries() for name in metrics_of(query)}
    assert wanted - named_elsewhere - absent_at_first <= series
    assert absent_at_first & {m for _, q in queries() for m in metrics_of(q)} == absent_at_first


def test_every_alert_says_how_bad_it_is_and_what_happened() -> None:
    for rule in alerts:
        assert rule["labels"]["severity"] in ("warning", "critical"), rule["alert"]
        assert rule["annotations"]["summary"], rule["alert"]


def test_every_alert_has_its_paragraph_for_the_operator() -> None:
    text = (root / "docs" / "operations.md").read_text()
    explained = re.findall(r"^\| `(QuickPoll\w+)` \|", text, re.MULTILINE)
    assert explained == [rule["alert"] for rule in alerts]


def test_panels_fill_the_dashboard_without_covering_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        cells = {
            (place["x"] + right, place["y"] + down)
            for right in range(place["w"])
            for down in range(place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
