"""Admission: the token and the limits, in front of all that needs a token."""

from __future__ import annotations

from collections.abc import Callable

from quickpoll.auth.bearer import bearer, given
from quickpoll.auth.caller import Caller
from quickpoll.auth.limits import RateLimit, Unlimited, network_of
from quickpoll.auth.tokens import Tokens
from quickpoll.errors import Unauthenticated


class Admission:
    """Admits callers with a token, as often as their limit allows.

    Whoever has a good token is counted by user, from whatever address; an address is counted for
    what comes from it without one, so that many users may share it.
    """

    def __init__(
        self, tokens: Tokens, of_user: RateLimit | Unlimited, of_address: RateLimit | Unlimited
    ) -> None:
        self._tokens = tokens
        self._of_user = of_user
        self._of_address = of_address

    async def admit(self, authorization: str | None, address: str) -> Caller:
        """The caller of a request from that address.

        Raises :class:`~quickpoll.errors.Unauthenticated` and
        :class:`~quickpoll.errors.RateLimited`.
        """
        return await self._counted(lambda: bearer(authorization), address)

    async def admit_bare(self, token: str | None, address: str) -> Caller:
        """The caller of a bare token, as in a Socket.IO handshake; as :meth:`admit`."""
        return await self._counted(lambda: given(token), address)

    async def _counted(self, token: Callable[[], str], address: str) -> Caller:
        try:
            caller = await self._tokens.verify(token())
        except Unauthenticated:
            self._of_address.take(network_of(address))
            raise
        self._of_user.take(caller.user_id)
        return caller

    def failed(self, address: str) -> None:
        """Count a request that came to nothing, by its address.

        Raises :class:`~quickpoll.errors.RateLimited`.
        """
        self._of_address.take(network_of(address))

    def again(self, caller: Caller) -> None:
        """Count one more request of a caller who is connected.

        Raises :class:`~quickpoll.errors.RateLimited`.
        """
        self._of_user.take(caller.user_id)
