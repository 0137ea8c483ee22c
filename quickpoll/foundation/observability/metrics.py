"""Every metric that is counted as things happen: its name, labels, buckets and meaning.

They count for the process, in prometheus-client's own registry. What can be read at the moment of
a scrape is read then (``operations.gauges``) and costs nothing in between. ``docs/metrics.md``
lists all of them, and a test holds it against what ``/metrics`` answers.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from prometheus_client import Counter, Histogram, disable_created_metrics

# When a series began is of no use to a counter that is looked at for its growth, and would be one
# more series for each.
disable_created_metrics()  # type: ignore[no-untyped-call]

REQUEST_BUCKETS = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0),
)
"""Seconds; the upper end is where a request is answered with 503."""

STORE_BUCKETS = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5)
LAG_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
SIZE_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)

requests = Histogram(
    "quickpoll_http_request_duration_seconds",
    "HTTP requests, by route, method and status, with the time that each took",
    ("route", "method", "status"),
    buckets=REQUEST_BUCKETS,
)

rate_limited = Counter(
    "quickpoll_rate_limited_total",
    "Requests refused with 429, by whose limit it was: user, address",
    ("limit",),
)

tokens_refused = Counter(
    "quickpoll_tokens_refused_total",
    "Requests and connections answered with 401, by what was wrong with the token",
    ("reason",),
)

failed_requests = Counter(
    "quickpoll_http_failures_total",
    "Requests answered with 5xx, by route, method and status; there from the start for every route",
    ("route", "method", "status"),
)

shed = Counter(
    "quickpoll_requests_shed_total",
    "Requests refused with 503 overloaded before anything was done for them",
)

key_fetches = Counter(
    "quickpoll_issuer_key_fetches_total",
    "Fetches of the issuer's public keys (JWT_JWKS_URL), by outcome: fetched, failed",
    ("outcome",),
)

votes = Counter(
    "quickpoll_votes_total",
    "Votes and retractions answered, by outcome: created, changed, same, retracted, or the code "
    "of the error",
    ("outcome",),
)

batch_sizes = Histogram(
    "quickpoll_batch_size_items",
    "Items written or read in one batch, by what they are: votes, likes, counts, marks, census",
    ("batch",),
    buckets=SIZE_BUCKETS,
)

batch_times = Histogram(
    "quickpoll_batch_duration_seconds",
    "Time that one batch took, its waits for MongoDB and Redis included",
    ("batch",),
    buckets=STORE_BUCKETS,
)

redis_times = Histogram(
    "quickpoll_redis_duration_seconds",
    "Time of one round trip to Redis, whatever it carried",
    buckets=STORE_BUCKETS,
)

redis_errors = Counter(
    "quickpoll_redis_errors_total",
    "Round trips to Redis that failed, by the kind of failure",
    ("error",),
)

mongodb_times = Histogram(
    "quickpoll_mongodb_duration_seconds",
    "Time of one command to MongoDB, by its name",
    ("command",),
    buckets=STORE_BUCKETS,
)

mongodb_errors = Counter(
    "quickpoll_mongodb_errors_total",
    "Commands that MongoDB refused or did not answer, by name",
    ("command",),
)

update_lag = Histogram(
    "quickpoll_update_lag_seconds",
    "From the moment a vote or like was counted (by Redis' clock) until it was sent to the clients",
    buckets=LAG_BUCKETS,
)

loop_lag = Histogram(
    "quickpoll_event_loop_lag_seconds",
    "By how much the event loop was late for a timer, looked at twice a second",
    buckets=LAG_BUCKETS,
)


@cache
def votes_with(outcome: str) -> Counter:
    """The counter of votes with one outcome; looking it up costs less than ``labels``."""
    return votes.labels(outcome)


def expect_route(route: str, methods: Iterable[str]) -> None:
    """Have the failures of a route at 0 before there are any: a series that begins at 1 has not
    grown, and no alert sees it."""
    for method in methods:
        for status in ("500", "503"):
            failed_requests.labels(route, method, status)


_OUTCOMES = ("created", "changed", "same", "retracted", "already_voted", "poll_closed")
_REFUSALS = ("vote_change_not_allowed", "overloaded", "unavailable", "internal_error")
_COMMANDS = ("insert", "update", "delete", "find", "getMore", "aggregate", "ping", "hello")
_REDIS_FAILURES = (
    *("ConnectionError", "TimeoutError", "AuthenticationError", "NoPermissionError"),
    *("ReadOnlyError", "OutOfMemoryError", "BusyLoadingError", "ResponseError"),
)
for _metric, _known in (
    (votes, (*_OUTCOMES, *_REFUSALS)),
    (rate_limited, ("user", "address")),
    (key_fetches, ("fetched", "failed")),
    (mongodb_errors, _COMMANDS),
    (redis_errors, _REDIS_FAILURES),
):
    for _label in _known:
        _metric.labels(_label)
