"""The gatekeeper: the guard and the limits, in front of every route under ``/api/``."""

from __future__ import annotations

from quickpoll.auth.caller import Caller
from quickpoll.auth.guard import Guard
from quickpoll.auth.limits import RateLimit, Unlimited
from quickpoll.errors import Unauthenticated


class Gatekeeper:
    """Admits callers with a token, as often as their limit allows."""

    def __init__(
        self, guard: Guard, of_user: RateLimit | Unlimited, of_address: RateLimit | Unlimited
    ) -> None:
        self._guard = guard
        self._of_user = of_user
        self._of_address = of_address

    async def admit(self, authorization: str | None, address: str) -> Caller:
        """The caller of a request from that address.

        Raises :class:`~quickpoll.errors.Unauthenticated` and
        :class:`~quickpoll.errors.RateLimited`.
        """
        try:
            caller = await self._guard.authenticate(authorization)
        except Unauthenticated:
            self._of_address.take(address)
            raise
        self._of_user.take(caller.user_id)
        return caller
