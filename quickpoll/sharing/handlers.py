"""What the routes of codes do, apart from any framework."""

from __future__ import annotations

from quickpoll.auth.caller import Caller
from quickpoll.foundation.http.answers import Reply, json_reply
from quickpoll.foundation.http.public_origin import PublicOrigin
from quickpoll.polls.ids import checked_id
from quickpoll.sharing.codes import Codes
from quickpoll.sharing.rules import read_code
from quickpoll.sharing.wrong_codes import WrongCodes


class CodeHandlers:
    """Give out codes, and follow them."""

    def __init__(self, codes: Codes, wrong: WrongCodes, origin: PublicOrigin) -> None:
        self._codes = codes
        self._wrong = wrong
        self._origin = origin

    async def share(self, caller: Caller, kind: str, target: str, asked_at: str) -> Reply:
        """The code of a page, and the address that it makes at the origin that was asked."""
        code = await self._codes.share(caller, kind, checked_id(f"{kind}_id", target))
        return json_reply({"code": code, "address": f"{self._origin.of(asked_at)}/j/{code}"})

    async def follow(self, typed: str, address: str) -> str | None:
        """The path that a code leads to which somebody at that address has typed; ``None`` where it
        leads nowhere.

        Raises :class:`~quickpoll.errors.RateLimited` after too many of those.
        """
        self._wrong.check(address)
        code = read_code(typed)
        path = None if code is None else await self._codes.follow(code)
        await self._wrong.judge(address, wrong=path is None)
        return path
