"""The parts of this room, and what each is made of."""

from __future__ import annotations

from collections.abc import Iterable

from odmantic import AIOEngine

from quickpoll.counting.keys import Keys
from quickpoll.foundation.http.public_origin import PublicOrigin
from quickpoll.foundation.stores.redis import RedisLink
from quickpoll.polls.store import PollStore
from quickpoll.sharing.codes import Codes
from quickpoll.sharing.handlers import CodeHandlers
from quickpoll.sharing.pages import SharedPages
from quickpoll.sharing.polls import SharedPolls
from quickpoll.sharing.store import CodeStore
from quickpoll.sharing.wrong_codes import WrongCodes


class SharingParts:
    """Codes of one instance: those of polls, and of whatever ``others`` have pages."""

    def __init__(
        self,
        engine: AIOEngine,
        redis: RedisLink,
        keys: Keys,
        polls: PollStore,
        others: Iterable[SharedPages],
        public_address: str | None,
    ) -> None:
        self.origin = PublicOrigin(public_address)
        self.codes = Codes(CodeStore(engine), (SharedPolls(polls), *others))
        self.handlers = CodeHandlers(self.codes, WrongCodes(redis, keys.wrong_codes), self.origin)
