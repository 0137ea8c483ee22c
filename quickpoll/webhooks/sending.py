"""The sender: one instance at a time sends what waits in the lanes.

Invariants:

- One delivery of a lane at a time, the next only when the attempt at the one before is written
  down: so the messages of a poll come to a webhook in order, each at least once.
- A webhook has several connections at a time; where many are open, one that has not answered well
  has one: those that hang take nothing from the others but a socket each, and a message that
  hangs does not hold up its webhook's other polls.
- Whoever has emptied a lane goes on with the next in line of its webhook; the rounds look for
  webhooks that have room. So what a message costs does not grow with what waits behind it.
- A lane is taken from before it is served, or stands in line, until nobody is at it any more; who
  lets go of one does not wait between that and their end: nobody else's is let go of.
- What this instance has begun ends with its lease.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict, deque
from datetime import UTC, datetime
from random import uniform
from time import monotonic, time
from typing import Any, Final

import structlog
from bson import ObjectId
from prometheus_client import Counter as Counted
from prometheus_client import Gauge

from quickpoll.foundation.concurrency.cancellation import cancel
from quickpoll.foundation.stores.lease import Lease
from quickpoll.foundation.stores.mongo import is_outage
from quickpoll.webhooks.deliveries import DeliveryStore
from quickpoll.webhooks.dialling import AttemptFailed, Dialler
from quickpoll.webhooks.events import TEST
from quickpoll.webhooks.listeners import Listeners
from quickpoll.webhooks.loop import Wakeful
from quickpoll.webhooks.models import (
    ACTIVE,
    DELIVERED,
    GIVEN_UP,
    WAITING,
    Delivery,
    Lane,
    Webhook,
)
from quickpoll.webhooks.signing import signed_headers
from quickpoll.webhooks.store import WebhookStore

log = structlog.get_logger(__name__)

RETRY_SECONDS: Final = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
"""After each attempt that failed, the pause before the next: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h,
14 h, 20 h, 24 h."""

JITTER: Final = 0.1
"""By which part of itself a pause may be longer, so that not all come back at once."""

LOOK_SECONDS: Final = 0.25
MEASURE_EVERY: Final = 20
AT_ONCE: Final = 1000
AT_ONCE_TO_ONE: Final = 4
SOME: Final = 32
"""Lanes that are looked up at a time: a long backlog is not read for each message."""

LANES_IN_A_ROW: Final = 20
"""What a connection sends before others may have its place."""

MANY: Final = 250
"""Open connections from which on a webhook that has not answered well has one alone."""

GONE: Final = 410
"""The status by which a receiver says that it wants nothing any more."""

attempts = Counted(
    "quickpoll_webhook_attempts_total",
    "Attempts to deliver a message to a webhook, by outcome: delivered, refused, failed",
    ("outcome",),
)
given_up = Counted(
    "quickpoll_webhook_given_up_total", "Messages that were given up after the last attempt"
)
waiting_items = Gauge(
    "quickpoll_webhook_waiting_items",
    "Polls and webhooks between which messages wait; on the instance that delivers, else 0",
)
overdue_seconds = Gauge(
    "quickpoll_webhook_overdue_seconds",
    "For how long the message that has waited longest could have been sent; else 0",
)
for _outcome in ("delivered", "refused", "failed"):
    attempts.labels(_outcome)


class Sender:
    """Sends, while this instance holds the lease."""

    def __init__(
        self,
        lease: Lease,
        listeners: Listeners,
        webhooks: WebhookStore,
        deliveries: DeliveryStore,
        dialler: Dialler,
    ) -> None:
        self._lease = lease
        self._listeners = listeners
        self._webhooks = webhooks
        self._deliveries = deliveries
        self._dialler = dialler
        self._tasks: set[asyncio.Task[None]] = set()  # a connection each
        self._taken: dict[str, ObjectId] = {}  # lanes that are emptied or in line, and for whom
        self._lines: defaultdict[ObjectId, deque[Lane]] = defaultdict(deque)  # by webhook
        self._open: Counter[ObjectId] = Counter()  # connections by webhook
        self._well: set[ObjectId] = set()  # webhooks whose last answer was a good one
        self._rounds = 0
        self._loop = Wakeful("webhook-sender", LOOK_SECONDS, self.round)

    def start(self) -> None:
        """Start the rounds."""
        self._loop.start()

    async def aclose(self) -> None:
        """Stop; what was not answered yet is sent again by another instance."""
        await self._loop.aclose()
        await cancel(*self._tasks)

    def wake(self) -> None:
        """Something may be due."""
        self._loop.wake()

    async def round(self) -> None:
        """Begin to send what is due. Raises a MongoDB error."""
        if not self._lease.held:
            await self._let_go()
            return
        await self._measure()
        self._spawn_in_line()
        while (some := min(AT_ONCE - len(self._tasks), SOME)) > 0:
            full = [one for one in self._open if not self._has_room(one)]
            here = [i for i, webhook_id in self._taken.items() if self._has_room(webhook_id)]
            lanes = await self._deliveries.due_lanes(full, here, some)
            for lane in lanes:
                if self._has_room(lane.webhook_id) and lane.id not in self._taken:
                    self._spawn(lane)
            if len(lanes) < some:
                return

    def _has_room(self, webhook_id: ObjectId) -> bool:
        return self._open[webhook_id] < self._most(webhook_id)

    def _most(self, webhook_id: ObjectId) -> int:
        few = len(self._tasks) < MANY
        return AT_ONCE_TO_ONE if few or webhook_id in self._well else 1

    async def _let_go(self) -> None:
        if self._tasks:
            await cancel(*self._tasks)
        waiting_items.set(0)
        overdue_seconds.set(0)

    async def _measure(self) -> None:
        self._rounds += 1
        if self._rounds % MEASURE_EVERY == 1:
            number, since = await self._deliveries.waiting()
            waiting_items.set(number)
            late = (datetime.now(UTC) - since).total_seconds() if since else 0.0
            overdue_seconds.set(max(late, 0.0))

    def _spawn_in_line(self) -> None:
        for webhook_id, line in list(self._lines.items()):
            while line and self._has_room(webhook_id) and len(self._tasks) < AT_ONCE:
                self._spawn(line.popleft())

    def _spawn(self, lane: Lane) -> None:
        self._open[lane.webhook_id] += 1
        self._taken[lane.id] = lane.webhook_id
        task = asyncio.create_task(self._serve(lane), name=f"webhook-{lane.webhook_id}")
        self._tasks.add(task)
        task.add_done_callback(lambda _: self._ended(task, lane.webhook_id))

    def _ended(self, task: asyncio.Task[None], webhook_id: ObjectId) -> None:
        if len(self._tasks) >= AT_ONCE:
            self._loop.wake()
        self._tasks.discard(task)
        self._open[webhook_id] -= 1
        if not self._open[webhook_id]:
            del self._open[webhook_id]
            for lane in self._lines.pop(webhook_id, ()):
                self._taken.pop(lane.id, None)

    async def _serve(self, first: Lane) -> None:
        """Empty some lanes of a webhook, one after the other; then it is another one's turn."""
        lane = first
        try:
            for _ in range(LANES_IN_A_ROW):
                while self._lease.held and await self._send_first(lane):
                    pass
                await self._look_ahead(lane.webhook_id)
                self._taken.pop(lane.id, None)
                following = self._next_in_line(lane.webhook_id)
                if following is None:
                    return
                lane = following
            self._loop.wake()
        except Exception as error:
            if not is_outage(error):
                log.exception("webhook_lane_failed", webhook_id=str(first.webhook_id))
        finally:
            self._taken.pop(lane.id, None)

    async def _look_ahead(self, webhook_id: ObjectId) -> None:
        """Let lanes of a webhook that are due stand in line, where none do."""
        if not self._lines[webhook_id]:
            for lane in await self._deliveries.due_lanes_of(webhook_id, SOME):
                if lane.id not in self._taken:
                    self._taken[lane.id] = webhook_id
                    self._lines[webhook_id].append(lane)

    def _next_in_line(self, webhook_id: ObjectId) -> Lane | None:
        line = self._lines[webhook_id]
        return line.popleft() if line and self._open[webhook_id] <= self._most(webhook_id) else None

    async def _send_first(self, lane: Lane) -> bool:
        """Send the first delivery of a lane; answers whether the next may follow at once."""
        delivery = await self._deliveries.first(lane)
        if delivery is None:
            return await self._end(lane)
        webhook = await self._webhooks.find(lane.webhook_id)
        if webhook is None:
            await self._deliveries.forget_webhook(lane.webhook_id)
            return False
        if webhook.status != ACTIVE and delivery.type != TEST:
            await self._rest(lane)
            return False
        return await self._attempt(lane, delivery, webhook)

    async def _end(self, lane: Lane) -> bool:
        """A lane in which nothing waits goes; one that was filled since is looked at again."""
        if await self._deliveries.end(lane):
            return False
        there = await self._deliveries.lane(lane.id)
        if there is None:
            return False
        lane.version, lane.token = there.version, there.token
        return True

    async def _rest(self, lane: Lane) -> None:
        await self._deliveries.pause(lane, None)
        webhook = await self._webhooks.find(lane.webhook_id)
        if webhook is not None and webhook.status == ACTIVE:  # since just now
            await self._deliveries.wake(lane.webhook_id)

    async def _attempt(self, lane: Lane, delivery: Delivery, webhook: Webhook) -> bool:
        attempt = await self._post(delivery, webhook)
        status = attempt["status"]
        good = status is not None and 200 <= status < 300
        attempts.labels("delivered" if good else "failed" if status is None else "refused").inc()
        (self._well.add if good else self._well.discard)(webhook.id)
        over = delivery.type == TEST or delivery.tries >= len(RETRY_SECONDS)
        state = DELIVERED if good else GIVEN_UP if over else WAITING
        await self._deliveries.attempted(delivery, attempt, state)
        if status == GONE:
            await self._disable(lane, webhook)
            return delivery.type == TEST
        if state == WAITING:
            pause = RETRY_SECONDS[delivery.tries] * uniform(1, 1 + JITTER)  # noqa: S311
            await self._deliveries.pause(lane, pause)
            return False
        if state == GIVEN_UP and delivery.type != TEST:
            given_up.inc()
            log.warning("webhook_given_up", webhook_id=str(webhook.id), message=delivery.message_id)
        return True

    async def _post(self, delivery: Delivery, webhook: Webhook) -> dict[str, Any]:
        at, began, body = datetime.now(UTC), monotonic(), delivery.body.encode()
        headers = signed_headers(webhook.secret, delivery.message_id, int(time()), body)
        try:
            status: int | None = await self._dialler.post(webhook.url, headers, body)
            error = None
        except AttemptFailed as failed:
            status, error = None, str(failed)
        log.debug("webhook_attempt", status=status, error=error, seconds=monotonic() - began)
        said = {"at": at, "status": status}
        return said if error is None else {**said, "error": error}

    async def _disable(self, lane: Lane, webhook: Webhook) -> None:
        if await self._webhooks.disable(webhook):
            await self._listeners.count()
            log.info("webhook_disabled", webhook_id=str(webhook.id))
        await self._rest(lane)
