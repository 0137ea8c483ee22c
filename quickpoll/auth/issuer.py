"""The issuer's public keys: fetched, kept, renewed, and kept on while the issuer is away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic, time
from typing import Any

import structlog

from quickpoll.auth.jwks import PublicKey, UnusableKeys, read_keys
from quickpoll.auth.keys import Candidate
from quickpoll.auth.refusals import Reason, refused
from quickpoll.errors import Unavailable
from quickpoll.foundation.http.download import DownloadFailed, download
from quickpoll.foundation.observability import metrics

log = structlog.get_logger(__name__)

RENEW_SECONDS = 300.0
"""Between two looks at the keys: how long a key that the issuer withdrew may still be good."""

FETCH_SECONDS = 5.0
"""How long the issuer may take."""

PATIENCE_SECONDS = 1.5
"""How long a request waits for keys; all of it must answer within three seconds."""

PAUSE_SECONDS = 5.0
"""Between two fetches that requests ask for: made-up key names must not become a flood there."""

MOST_TRIED = 8
"""Keys tried for a token that names none."""

Fetch = Callable[[str, float], Awaitable[bytes]]


class Issuer:
    """Whoever issues tokens and publishes the keys to verify them with.

    Starting does not wait for it. While it is away the last keys stay good, however long. ``fetch``
    and ``clock`` (seconds, monotonic) are passed in by tests.
    """

    def __init__(
        self,
        url: str,
        algorithms: tuple[str, ...],
        *,
        fetch: Fetch = download,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._url = url
        self._algorithms = frozenset(name for name in algorithms if not name.startswith("HS"))
        self._fetch = fetch
        self._clock = clock
        self._keys: list[PublicKey] = []
        self._on_loss: list[Callable[[], None]] = []
        self._fetching: asyncio.Task[bool] | None = None
        self._asked_at = float("-inf")
        self._loop: asyncio.Task[None] | None = None
        self._complained = False
        self.fetched_at: float | None = None
        """When the keys last came, in seconds since 1970."""

    def on_loss(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` when a key is no longer published: nothing that it has verified may
        count any more."""
        self._on_loss.append(listener)

    @property
    def known(self) -> bool:
        """Whether there are keys."""
        return bool(self._keys)

    def start(self) -> None:
        """Fetch the keys, now and from time to time."""
        self._loop = asyncio.create_task(self._renew_forever(), name="issuer-keys")

    async def aclose(self) -> None:
        """Stop fetching."""
        tasks = [task for task in (self._loop, self._fetching) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def find(self, header: dict[str, Any]) -> list[Candidate]:
        """The keys that a token with this header may be signed with.

        A name that is not known yet may be a new key's, so the keys are fetched once more, if that
        was not done just now. Raises :class:`~quickpoll.errors.InvalidToken`; and
        :class:`~quickpoll.errors.Unavailable` while there are no keys at all, since the token may
        well be a good one: told that it was not, a client would throw it away.
        """
        if header.get("alg") not in self._algorithms:
            raise refused(Reason.WRONG_ALGORITHM)
        found = self._matching(header)
        if not found and await self._look_again():
            found = self._matching(header)
        if not self._keys:
            raise Unavailable("The keys that tokens are signed with cannot be had at the moment.")
        if not found:
            raise refused(Reason.UNKNOWN_KEY)
        return found

    def _matching(self, header: dict[str, Any]) -> list[Candidate]:
        algorithm, kid = header["alg"], header.get("kid")
        return [
            Candidate(key.key, [algorithm])
            for key in self._keys
            if algorithm in key.algorithms and kid in (None, key.kid)
        ][:MOST_TRIED]

    async def _look_again(self) -> bool:
        """Fetch the keys, or wait for the fetch under way; answers whether they came."""
        under_way = self._fetching is not None and not self._fetching.done()
        if not under_way:
            if self._clock() - self._asked_at < PAUSE_SECONDS:
                return False
            self._asked_at = self._clock()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await asyncio.shield(self._start_fetch())
        except TimeoutError:
            return False

    def _start_fetch(self) -> asyncio.Task[bool]:
        """The fetch under way, or a new one."""
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.create_task(self._renew(), name="issuer-fetch")
        return self._fetching

    async def _renew_forever(self) -> None:
        delay = 1.0
        while True:
            if await asyncio.shield(self._start_fetch()):
                delay = 1.0
                await asyncio.sleep(RENEW_SECONDS)
            else:
                await asyncio.sleep(delay)
                delay = min(delay * 2, PAUSE_SECONDS if not self._keys else 30.0)

    async def _renew(self) -> bool:
        try:
            keys = read_keys(await self._fetch(self._url, FETCH_SECONDS), self._algorithms)
        except (DownloadFailed, UnusableKeys) as error:
            self._complain(error)
            return False
        metrics.key_fetches.labels("fetched").inc()
        self._complained = False
        self.fetched_at = time()
        self._take(keys)
        return True

    def _take(self, keys: list[PublicKey]) -> None:
        before, now = {k.identity for k in self._keys}, {k.identity for k in keys}
        self._keys = keys
        if not before:  # whoever waited for the first keys has not asked for new ones
            self._asked_at = float("-inf")
        if before != now:
            log.info("issuer_keys", url=self._url, keys=[key.kid for key in keys])
        if before - now:
            for listener in self._on_loss:
                listener()

    def _complain(self, error: Exception) -> None:
        metrics.key_fetches.labels("failed").inc()
        if not self._complained:
            kept = "the last keys stay good" if self._keys else "tokens get 503 until they come"
            log.warning("issuer_keys_not_fetched", url=self._url, error=str(error), detail=kept)
        self._complained = True
