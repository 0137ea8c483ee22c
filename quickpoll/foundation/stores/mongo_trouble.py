"""What is the matter with MongoDB, said once however many meet it."""

from __future__ import annotations

import structlog

from quickpoll.foundation.observability.once import Once
from quickpoll.foundation.stores.failures import CAUSES, Failure, is_pool_paused, of_mongo

log = structlog.get_logger("quickpoll.foundation.stores.mongo")


class MongoTrouble:
    """Why MongoDB does not serve us; ``None`` while it does."""

    def __init__(self) -> None:
        self.failure: Failure | None = None
        self._once = Once()

    @property
    def lasts(self) -> bool:
        """Whether somebody has to put something right first."""
        return self.failure is not None and self.failure.lasts

    def met(self, error: BaseException) -> None:
        """Something that MongoDB should have answered has failed for a reason of its own."""
        if is_pool_paused(error):
            return  # another connection has failed a moment ago, and its own error says of what
        failure = of_mongo(error)
        if self.lasts and not failure.lasts:
            return  # after a refusal it is silent for a while, and no more is known than before
        self.failure = failure
        if self._once.say(failure.cause) is not None:
            event = "mongodb_refused" if failure.lasts else "mongodb_away"
            detail = "requests get 503 until it answers"
            log.warning(event, detail=detail, reason=failure.detail)

    def answered(self) -> None:
        """It has answered something that needs no right."""
        if self.failure is not None and self.failure.cause != "rights":
            self.over()

    def over(self) -> None:
        """It has done what it refused before."""
        if self.failure is not None:
            self.failure = None
            for cause in CAUSES:
                self._once.forget(cause)
            log.info("mongodb_available")
