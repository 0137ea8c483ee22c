"""What an instance has for guests, put together by the operator's settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from odmantic import AIOEngine

from quickpoll.auth.doors import Doors
from quickpoll.auth.guest_tokens import GuestTokens
from quickpoll.counting.keys import Keys
from quickpoll.foundation.stores.redis import RedisLink
from quickpoll.guests.handlers import GuestHandlers, InviteHandlers
from quickpoll.guests.newcomers import Newcomers
from quickpoll.guests.proof import ProofOfWork
from quickpoll.guests.secrets import GuestSecrets
from quickpoll.guests.store import InviteStore
from quickpoll.settings import Settings
from quickpoll.settings.fields import revealed


@dataclass(frozen=True, slots=True)
class Handlers:
    """What answers where guests are on."""

    guests: GuestHandlers
    invites: InviteHandlers


class GuestParts:
    """Invites and doors, which there always are; tokens and handlers where guests are on.

    A poll may be older than the operator's mind: what it says of guests is still obeyed, and its
    invites still go with it.
    """

    def __init__(self, settings: Settings, engine: AIOEngine) -> None:
        self._settings = settings
        self.invites = InviteStore(engine)
        self.doors = Doors(self.invites)
        self.tokens: GuestTokens | None = None
        self.handlers: Handlers | None = None
        key = revealed(settings.api_guest_key)
        if settings.api_guests == "on" and key is not None:
            self.tokens = GuestTokens(key, leeway=settings.api_jwt_leeway)
            self._secrets = GuestSecrets(key)

    def open(self, redis: RedisLink, keys: Keys, failed: Callable[[str], None]) -> None:
        """Make what lets guests in, where they are on; ``failed`` counts by address what came to
        nothing."""
        if self.tokens is None:
            return
        newcomers = Newcomers(
            redis,
            keys,
            proof_from=self._settings.api_guest_proof_from,
            limit=self._settings.api_guest_limit,
        )
        entering = GuestHandlers(
            self.tokens,
            self._secrets,
            self.invites,
            newcomers,
            ProofOfWork(self._secrets),
            failed,
        )
        self.handlers = Handlers(entering, InviteHandlers(self._secrets, self.invites))
