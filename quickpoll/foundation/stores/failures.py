"""Why a store does not serve us, in one line that says what to do: for logs, readiness, metrics.

A store that is away comes back by itself; one that refuses us does not before somebody has put
something right. The words of the stores themselves go no further: they may hold keys, the names
of users, or what was sent.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConnectionFailure,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
)
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError, ResponseError

Cause = Literal["away", "credentials", "rights", "tls"]

CAUSES: tuple[Cause, ...] = ("away", "credentials", "rights", "tls")
"""``away`` is everything that passes by itself: gone, hanging, loading, read-only, full."""

CREDENTIALS_REFUSED = frozenset((11, 18, 8000))
"""MongoDB's ``UserNotFound`` and ``AuthenticationFailed``, and Atlas' own."""

RIGHTS_REFUSED = 13
"""MongoDB's ``Unauthorized``."""

PASSING = frozenset(
    (
        *(6, 7, 89, 91, 134, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436),
        *(24, 43, 50, 64, 112, 133, 202, 237, 11601, 14031),
        *(175, 216, 217, 246, 462, 13388),
    )
)
"""MongoDB's codes for what passes by itself. First the retryable errors of the drivers'
specification (no primary, a shutdown, a network between members), then locks, conflicts, cursors
that went, time limits, and a full disk. At last what a member says in the middle of a change: a
plan that an index or a drop has ended, an election, a new primary that does not know yet what the
old one did, a snapshot that it has not got, more requests than it takes, a shard that has moved."""

PASSING_LABELS = ("RetryableWriteError", "SystemOverloadedError")
"""What MongoDB, or its driver, calls an error that passes, whatever its code."""

DUPLICATE_KEY = 11000
"""What a unique index says. In a batch it hides nothing: the rest says whether MongoDB failed."""


@dataclass(frozen=True)
class Failure:
    """Why a store does not serve us; ``detail`` is a sentence for the operator."""

    cause: Cause
    detail: str

    @property
    def lasts(self) -> bool:
        """Whether somebody has to put something right."""
        return self.cause != "away"


def of_redis(error: BaseException) -> Failure:
    """What an error of Redis' client says."""
    said = _words(error)
    if isinstance(error, NoPermissionError) or "noperm" in said or "acl failure" in said:
        return Failure("rights", _redis_right(said))
    if isinstance(error, AuthenticationError) or said.startswith(("noauth", "wrongpass")):
        return Failure("credentials", "Redis refused our credentials.")
    if _is_tls(error, said):
        return Failure("tls", f"There is no TLS with Redis: {_tls_reason(said)}.")
    if said.startswith(_OUR_OWN_WORDS):
        return Failure("away", f"Redis does not serve us: {said}.")
    return Failure("away", f"Redis does not answer ({_kind(error)}).")


def of_mongo(error: BaseException) -> Failure:
    """What an error of MongoDB's driver says."""
    code, text = _core(error)
    said = text.lower()
    if code in CREDENTIALS_REFUSED or (code == RIGHTS_REFUSED and _NOBODY in said):
        return Failure("credentials", "MongoDB refused our credentials.")
    if code == RIGHTS_REFUSED:
        return Failure("rights", _mongo_right(text))
    if _is_tls(error, said):
        return Failure("tls", f"There is no TLS with MongoDB: {_tls_reason(said)}.")
    return Failure("away", f"MongoDB does not answer ({_kind(error)}).")


def of_store(error: BaseException) -> tuple[str, Failure] | None:
    """The store and its failure, where an error is one of a store that does not serve us."""
    if isinstance(error, PyMongoError):
        return ("mongodb", of_mongo(error)) if is_mongo_failure(error) else None
    if isinstance(error, RedisError):
        failure = of_redis(error)
        wrong = isinstance(error, ResponseError) and not failure.lasts
        return None if wrong else ("redis", failure)
    return None


def is_pool_paused(error: BaseException) -> bool:
    """Whether the driver has opened no connection, because another one has just failed."""
    return isinstance(error, AutoReconnect) and "connection pool paused" in str(error)


def is_mongo_failure(error: BaseException) -> bool:
    """Whether MongoDB is away, slow or refuses us, rather than that we asked wrongly."""
    if isinstance(error, ConnectionFailure | WriteConcernError):
        return True
    if isinstance(error, PyMongoError) and any(map(error.has_error_label, PASSING_LABELS)):
        return True
    if isinstance(error, BulkWriteError):
        failed = [one for one in _parts(error, "writeErrors") if one.get("code") != DUPLICATE_KEY]
        return bool(_parts(error, "writeConcernErrors")) or (
            bool(failed) and all(_is_failure(one.get("code")) for one in failed)
        )
    if isinstance(error, OperationFailure) and error.code is not None:
        return _is_failure(error.code) or error.timeout
    return isinstance(error, PyMongoError) and error.timeout


def _is_failure(code: int | None) -> bool:
    return code in PASSING or _lasts(code)


def _lasts(code: int | None) -> bool:
    return code in CREDENTIALS_REFUSED or code == RIGHTS_REFUSED


def _parts(error: BulkWriteError, name: str) -> list[Mapping[str, Any]]:
    return list((error.details or {}).get(name, ()))


def _core(error: BaseException) -> tuple[int | None, str]:
    """The code and the words of an error; of a batch, those of what lasts in it, if anything. The
    words of a whole batch hold its documents, and say nothing."""
    if isinstance(error, BulkWriteError):
        parts = _parts(error, "writeErrors") + _parts(error, "writeConcernErrors")
        for one in parts:
            if _lasts(code := one.get("code")):
                return code, str(one.get("errmsg", ""))
        return None, ""
    return error.code if isinstance(error, OperationFailure) else None, str(error)


def _words(error: BaseException) -> str:
    return str(error).lower()


def _kind(error: BaseException) -> str:
    return type(error).__name__


_OUR_OWN_WORDS = ("it is a replica", "it is another server", "no node serves", "nobody knows")
"""What :mod:`.redis` and :mod:`.redis_address` say themselves of a server that they refuse."""

_COMMAND = re.compile(r"'([\w|]{1,40})' (?:command|subcommand)")


def _redis_right(said: str) -> str:
    if found := _COMMAND.search(said):
        return f"Redis does not let us run {found[1].upper()}: give our user +{found[1]}."
    if "channel" in said:
        return "Redis does not let us use our channels: give our user &PREFIX* (resetchannels)."
    if "key" in said:
        return "Redis does not let us use our keys: give our user ~PREFIX*."
    return "Redis does not let us run a command (NOPERM)."


_NOBODY = "requires authentication"
"""What MongoDB says to whom has not said who they are."""

_NOT_AUTHORIZED = re.compile(
    r"not authorized on (\S{1,64}) to execute command (?:\{\s*|\(action: )(\w{1,40})"
)


def _mongo_right(said: str) -> str:
    if found := _NOT_AUTHORIZED.search(said):
        return f"MongoDB does not let us run {found[2]} in {found[1]}: our role lacks it."
    return "MongoDB does not let us do what we need: our role lacks a right."


def _is_tls(error: BaseException, said: str) -> bool:
    if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
        return True
    return "ssl" in said and ("handshake" in said or "certificate" in said or "[ssl" in said)


def _tls_reason(said: str) -> str:
    if "certificate verify failed" in said or "certificate_verify_failed" in said:
        return "its certificate is not one that we trust for this name"
    if "certificate required" in said or "certificate_required" in said:
        return "it asks for a certificate of ours"
    if "wrong_version" in said or "wrong version" in said or "record layer" in said:
        return "it does not speak TLS at this port"
    return "the handshake failed"
