"""What is said where nobody knows: by another Redis, by a MongoDB that hangs at a stop, of a log
that nobody here can sign."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pymongo.errors import PyMongoError

from quickpoll.counting.keys import Keys
from quickpoll.counting.scripts import TallyScripts
from quickpoll.errors import Unavailable
from quickpoll.foundation.concurrency.time_limits import OPERATION_SECONDS, SETTLE_SECONDS
from quickpoll.foundation.stores.lease import Lease
from quickpoll.verification.signers import Signers
from quickpoll.votes.promises import Owed, Promises
from tests.exact.stepping import Steps


class ReplacedLink:
    """A link whose server is replaced by another one while a call is under way."""

    run_id = "before"

    async def run(self, *_: Any) -> list[int]:
        """What a server answers that has no marks."""
        self.run_id = "after"
        return [0]


async def test_another_server_does_not_say_that_nothing_is_in_flight() -> None:
    scripts = TallyScripts(cast(Any, ReplacedLink()), Keys(""))
    assert (await scripts.in_flight("a" * 24)).unmarked_seconds is None


async def test_a_lease_is_left_soon_though_mongodb_hangs(steps: Steps) -> None:
    """A stop has three seconds for everything."""
    lease = Lease("a", steps.a.engine.database["lease"], "of a test")
    assert await lease.renew()
    steps.a.wires.mongo.pause()
    with pytest.raises(PyMongoError):
        async with asyncio.timeout((SETTLE_SECONDS + OPERATION_SECONDS) / 2):
            await lease.leave()
    assert not lease.held


def test_what_nobody_here_can_sign_is_unavailable() -> None:
    others = Signers("others", [bytes(32)])
    unsigned = Owed(cast(Any, SimpleNamespace(entry="")), others.newest, sealed=False)
    with pytest.raises(Unavailable):
        Promises(Signers("none", ())).make([unsigned])
