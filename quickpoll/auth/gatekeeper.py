"""The gatekeeper: the guard and the limits, in front of all that needs a token."""

from __future__ import annotations

from quickpoll.auth.caller import Caller
from quickpoll.auth.guard import Guard
from quickpoll.auth.limits import RateLimit, Unlimited, network_of
from quickpoll.errors import Unauthenticated


class Gatekeeper:
    """Admits callers with a token, as often as their limit allows.

    Whoever has a good token is counted by user, from whatever address; an address is counted for
    what comes from it without one, so that many users may share it.
    """

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
            self._of_address.take(network_of(address))
            raise
        self._of_user.take(caller.user_id)
        return caller

    async def admit_bare(self, token: str | None, address: str) -> Caller:
        """The caller of a bare token, as in a Socket.IO handshake; as :meth:`admit`."""
        try:
            caller = await self._guard.admit(token)
        except Unauthenticated:
            self._of_address.take(network_of(address))
            raise
        self._of_user.take(caller.user_id)
        return caller

    def again(self, caller: Caller) -> None:
        """Count one more request of a caller who is connected.

        Raises :class:`~quickpoll.errors.RateLimited`.
        """
        self._of_user.take(caller.user_id)
