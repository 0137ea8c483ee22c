"""Every metric that is counted as things happen: its name, labels, buckets and meaning.

They count for the process, in prometheus-client's own registry. What can be read at the moment of
a scrape is read then (``operations.gauges``) and costs nothing in between. ``docs/metrics.md``
lists all of them, and a test holds it against what ``/metrics`` answers.
"""

from __future__ import annotations

from prometheus_client import Counter, Histogram

request_buckets = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0),
)
"""Seconds; the upper end is where a request is answered with 503."""

requests = Histogram(
    "quickpoll_http_request_duration_seconds",
    "HTTP requests, by route, method and status, with the time that each took",
    ("route", "method", "status"),
    buckets=request_buckets,
)

key_fetches = Counter(
    "quickpoll_issuer_key_fetches_total",
    "Fetches of the issuer's public keys (JWT_JWKS_URL), by outcome: fetched, failed",
    ("outcome",),
)

rate_limited = Counter(
    "quickpoll_rate_limited_total",
    "Requests refused with 429, by whose limit it was: user, address",
    ("limit",),
)
