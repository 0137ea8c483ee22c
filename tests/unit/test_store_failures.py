"""What the errors of both stores mean, and which of their words go further."""

from __future__ import annotations

import pytest
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    DuplicateKeyError,
    ExecutionTimeout,
    NotPrimaryError,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WriteConcernError,
    WTimeoutError,
)
from redis.exceptions import (
    AuthenticationError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
)
from redis.exceptions import ConnectionError as NoConnection

from quickpoll.foundation.stores.failures import of_mongo, of_redis, of_store
from quickpoll.foundation.stores.mongo import is_outage
from quickpoll.foundation.stores.mongo_trouble import MongoTrouble

secret = "a ballot of somebody's"


def batch(*codes: int, words: str = secret, concerns: tuple[int, ...] = ()) -> BulkWriteError:
    return BulkWriteError(
        {
            "writeErrors": [{"index": 0, "code": code, "errmsg": words} for code in codes],
            "writeConcernErrors": [{"code": code, "errmsg": words} for code in concerns],
        }
    )


def labelled(error: PyMongoError, label: str) -> PyMongoError:
    error._add_error_label(label)
    return error


@pytest.mark.parametrize(
    ("error", "cause", "words"),
    [
        (
            NoPermissionError("User u has no permissions to run the 'info' command"),
            "rights",
            "+info",
        ),
        (NoPermissionError("No permissions to access a channel"), "rights", "&PREFIX*"),
        (NoPermissionError("No permissions to access a key"), "rights", "~PREFIX*"),
        (NoPermissionError(f"something new: {secret}"), "rights", "NOPERM"),
        (
            ResponseError(
                "ACL failure in script: User u has no permissions to run the 'set' command script"
            ),
            "rights",
            "+set",
        ),
        (AuthenticationError("invalid username-password pair"), "credentials", "credentials"),
        (
            NoConnection("Error: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"),
            "tls",
            "trust",
        ),
        (NoConnection("it is a replica"), "away", "replica"),
        (ReadOnlyError(secret), "away", "ReadOnlyError"),
        (OutOfMemoryError(secret), "away", "OutOfMemoryError"),
        (TimeoutError(secret), "away", "TimeoutError"),
    ],
)
def test_errors_of_redis_have_a_cause_and_a_sentence(
    error: Exception, cause: str, words: str
) -> None:
    failure = of_redis(error)
    assert (failure.cause, failure.lasts) == (cause, cause != "away")
    assert words in failure.detail
    assert secret not in failure.detail


@pytest.mark.parametrize(
    ("error", "cause", "words"),
    [
        (OperationFailure("Authentication failed.", 18), "credentials", "refused our credentials"),
        (OperationFailure("bad auth", 8000), "credentials", "refused our credentials"),
        (
            OperationFailure("Command insert requires authentication", 13),
            "credentials",
            "refused our credentials",
        ),
        (
            OperationFailure(
                f'not authorized on polls to execute command {{ insert: "vote", d: {secret}',
                13,
            ),
            "rights",
            "run insert in polls",
        ),
        (
            ServerSelectionTimeoutError("SSL handshake failed: certificate verify failed"),
            "tls",
            "trust",
        ),
        (AutoReconnect(secret), "away", "AutoReconnect"),
        (
            batch(
                11000, 13, words=f"not authorized on polls to execute command {{ insert: {secret}"
            ),
            "rights",
            "run insert in polls",
        ),
        (batch(91, concerns=(18,)), "credentials", "refused our credentials"),
        (batch(91), "away", "BulkWriteError"),
        (batch(91, words="an ssl handshake"), "away", "BulkWriteError"),
    ],
)
def test_errors_of_mongodb_have_a_cause_and_a_sentence(
    error: Exception, cause: str, words: str
) -> None:
    failure = of_mongo(error)
    assert (failure.cause, failure.lasts) == (cause, cause != "away")
    assert words in failure.detail
    assert secret not in failure.detail
    assert is_outage(error)


@pytest.mark.parametrize(
    "error",
    [
        NotPrimaryError("not primary"),
        ExecutionTimeout("operation exceeded time limit", 50),
        OperationFailure("exceeded time limit", 262),
        OperationFailure("interrupted at shutdown", 11600),
        OperationFailure("read concern majority not available yet", 134),
        WTimeoutError("waiting for replication timed out", 64),
        WriteConcernError("not enough data-bearing nodes", 100),
        *(OperationFailure("passes", code) for code in (175, 216, 217, 246, 462, 13388)),
        labelled(OperationFailure("new", 2), "RetryableWriteError"),
        labelled(OperationFailure("new", 2), "SystemOverloadedError"),
        batch(91),
        batch(11000, 112, 189),
        batch(11000, concerns=(64,)),
        batch(concerns=(100,)),
    ],
)
def test_what_passes_by_itself_is_an_outage(error: Exception) -> None:
    assert is_outage(error)
    assert of_store(error) is not None


@pytest.mark.parametrize(
    "error",
    [
        DuplicateKeyError("E11000", 11000),
        OperationFailure("unknown operator", 2),
        labelled(OperationFailure("unknown operator", 2), "TransientTransactionError"),
        batch(11000, 11000),
        batch(91, 2),
        batch(2, 50),
        batch(),
        ValueError("ours"),
        ResponseError("wrong number of arguments"),
    ],
)
def test_a_fault_of_ours_stays_one(error: Exception) -> None:
    assert not is_outage(error)
    assert of_store(error) is None


def test_a_connection_that_is_not_opened_since_another_failed_says_nothing_of_the_reason() -> None:
    """The driver's words; the other one may have been refused, and that is heard a moment later."""
    not_opened, broken = MongoTrouble(), MongoTrouble()
    not_opened.met(AutoReconnect("127.0.0.1:27017: connection pool paused"))
    broken.met(AutoReconnect("127.0.0.1:27017: connection closed"))
    assert not_opened.failure is None
    assert broken.failure is not None
    assert broken.failure.cause == "away"
