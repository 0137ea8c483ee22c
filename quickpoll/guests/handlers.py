"""What the routes about guests do, apart from any framework."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from secrets import token_hex

from quickpoll.auth.bearer import bearer
from quickpoll.auth.guest_tokens import GuestTokens
from quickpoll.auth.limits import network_of
from quickpoll.auth.refusals import note
from quickpoll.errors import NotFound, ProofRequired, RateLimited, Unauthenticated
from quickpoll.foundation.http.answers import Reply, json_reply
from quickpoll.guests.bodies import GuestEntry
from quickpoll.guests.newcomers import Decision, Newcomers
from quickpoll.guests.proof import ProofOfWork
from quickpoll.guests.rules import make_invite, plain, written
from quickpoll.guests.secrets import GuestSecrets
from quickpoll.guests.store import InviteStore
from quickpoll.polls.bodies import instant

NO_SUCH_INVITE = "There is no such invite; it may have been withdrawn."


class GuestHandlers:
    """Let guests in: new ones, those who come back, and those who were invited."""

    def __init__(
        self,
        tokens: GuestTokens,
        secrets: GuestSecrets,
        invites: InviteStore,
        newcomers: Newcomers,
        proofs: ProofOfWork,
        failed: Callable[[str], None],
    ) -> None:
        self._tokens = tokens
        self._secrets = secrets
        self._invites = invites
        self._newcomers = newcomers
        self._proofs = proofs
        self._failed = failed

    async def enter(self, entry: GuestEntry, authorization: str | None, address: str) -> Reply:
        """A token for a guest: 201 for a new one, 200 for one who was here before.

        An invite wins over a token. Raises :class:`~quickpoll.errors.NotFound`,
        :class:`~quickpoll.errors.Unauthenticated`, :class:`~quickpoll.errors.ProofRequired` and
        :class:`~quickpoll.errors.RateLimited`.
        """
        try:
            if entry.invite:
                return await self._by_invite(entry, address)
            if authorization is not None:
                return self._reply(self._tokens.holder(bearer(authorization)), 200)
        except (NotFound, Unauthenticated) as error:
            if isinstance(error, Unauthenticated):
                note(error)
            self._failed(address)
            raise
        await self._let_in(token_hex(12), entry.proof, address)
        return self._reply(token_hex(12), 201)

    async def _by_invite(self, entry: GuestEntry, address: str) -> Reply:
        invite = plain(entry.invite)
        if invite is None:
            raise NotFound(NO_SUCH_INVITE)
        user_id = self._secrets.user_id(invite)
        if not await self._was_used(user_id):
            await self._let_in(self._secrets.mark(user_id), entry.proof, address)
            if await self._invites.use(user_id):
                return self._reply(user_id, 201)
            await self._was_used(user_id)  # meanwhile by another device, or it was withdrawn
        return self._reply(user_id, 200)

    async def _was_used(self, user_id: str) -> bool:
        found = await self._invites.find(user_id)
        if found is None:
            raise NotFound(NO_SUCH_INVITE)
        return found.used

    async def _let_in(self, mark: str, proof: str, address: str) -> None:
        solved = self._proofs.solved(proof) if proof else None
        verdict = await self._newcomers.judge(network_of(address), mark, solved)
        if verdict.decision is Decision.REFUSE:
            raise RateLimited(verdict.wait, "Too many guests have come from your address of late.")
        if verdict.decision is Decision.ASK_FOR_PROOF:
            raise ProofRequired(challenge=self._proofs.challenge())

    def _reply(self, user_id: str, status: int) -> Reply:
        made = self._tokens.make(user_id)
        expires_at = instant(datetime.fromtimestamp(made.expires_at, UTC))
        body = {"token": made.token, "userId": user_id, "expiresAt": expires_at}
        return json_reply(body, status)


class InviteHandlers:
    """Make invites to a poll or a session, and withdraw them.

    Whose it is, the caller of these has asked before: they take any id.
    """

    def __init__(self, secrets: GuestSecrets, invites: InviteStore) -> None:
        self._secrets = secrets
        self._invites = invites

    async def invite(self, topic_id: str, count: int) -> Reply:
        """Make so many invites. Nobody can be shown them again: their hashes alone are kept."""
        made = [make_invite() for _ in range(count)]
        await self._invites.insert(topic_id, [self._secrets.user_id(one) for one in made])
        return json_reply({"invites": [written(one) for one in made]}, 201)

    async def withdraw(self, topic_id: str) -> None:
        """Withdraw those by which nobody has entered."""
        await self._invites.withdraw(topic_id)
