"""docs/metrics.md says what /metrics answers: every metric, its type, its labels."""

from __future__ import annotations

import re
import time
from typing import Any

from prometheus_client import REGISTRY
from prometheus_client.core import Metric

from quickpoll.composition.readings import readings
from quickpoll.factory import create_app
from quickpoll.foundation.http.request_middleware import RequestMiddleware
from quickpoll.operations.gauges import registry_of
from tests.architecture.house import root
from tests.conftest import secret, settings_from

units = {"seconds", "total", "items", "info", "ratio"}
counted_things = {
    "quickpoll_http_requests_in_hand",
    "quickpoll_socket_clients",
    "quickpoll_socket_subscriptions",
    "quickpoll_store_available",
    "quickpoll_store_failing",
    "quickpoll_unfinished_indexes",
}
"""Gauges whose unit is the thing itself."""


def ours() -> dict[str, Metric]:
    """Every metric of the service by its full name, those of an application included."""
    app = create_app(
        settings_from(
            {
                "API_DATABASE_URL": "mongodb://nowhere.invalid/quickpoll",
                "JWT_SECRET_KEY": secret,
                "JWT_JWKS_URL": "https://nowhere.invalid/jwks.json",
            }
        )
    )
    services = app.extensions["quickpoll"]
    services.issuer.fetched_at = time.time()
    gauges = registry_of(readings(services, lambda: 0))
    assert isinstance(app.asgi_app, RequestMiddleware)
    return {
        name: metric
        for registry in (REGISTRY, gauges)
        for metric in registry.collect()
        if (name := _full_name(metric)).startswith("quickpoll_")
    }


def _full_name(metric: Metric) -> str:
    return metric.name + ("_total" if metric.type == "counter" else "")


def documented() -> dict[str, tuple[str, list[str]]]:
    """Type and labels of each metric in the table."""
    text = (root / "docs" / "metrics.md").read_text("utf-8")
    rows = re.findall(r"^\| `(quickpoll_\w+)` \| (\w+) \| (.*?) ?\| ", text, re.M)
    return {name: (kind, re.findall(r"`(\w+)`", labels)) for name, kind, labels in rows}


def labels_of(name: str, metric: Metric) -> list[str]:
    """The labels of a metric: of its samples, or of its declaration where it has none yet."""
    declared: Any = REGISTRY._collector_to_names
    for collector, names in declared.items():
        if metric.name in names:
            return list(getattr(collector, "_labelnames", ()))
    return [label for sample in metric.samples[:1] for label in sample.labels]


def test_every_metric_is_in_the_table_and_no_other() -> None:
    assert set(documented()) == set(ours())


def test_types_and_labels_are_as_documented() -> None:
    found = {name: (one.type, labels_of(name, one)) for name, one in ours().items()}
    assert found == documented()


def test_names_end_in_their_unit() -> None:
    endings = {name: name.rpartition("_")[2] for name in ours()}
    assert {n for n, unit in endings.items() if unit not in units} == counted_things


def test_every_metric_says_what_it_means() -> None:
    assert [name for name, one in ours().items() if len(one.documentation) < 15] == []
