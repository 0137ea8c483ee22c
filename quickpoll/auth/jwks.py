"""What a published key set (JWKS, RFC 7517) says: which key may verify which algorithm.

A key is good for the algorithms of its own kind only, and where it names one (``alg``), for that
one alone; so no token can choose how its key is used (RFC 8725, section 3.1). Symmetric keys are
never taken from a published document: whoever can read it could sign with them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import jwt
import orjson
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

log = structlog.get_logger(__name__)

_RSA = frozenset(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"))
_BY_CURVE = {
    ("EC", "P-256"): frozenset(("ES256",)),
    ("EC", "P-384"): frozenset(("ES384",)),
    ("EC", "P-521"): frozenset(("ES512",)),
    ("OKP", "Ed25519"): frozenset(("EdDSA",)),
    ("OKP", "Ed448"): frozenset(("EdDSA",)),
}

LEAST_RSA_BITS = 2048
"""RFC 7518, section 3.3."""

MOST_KEYS = 100


class UnusableKeys(Exception):
    """The document is no key set, or holds no key that we can use."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """``kid`` is its name, where it has one; ``identity`` is the same for the same key."""

    kid: str | None
    algorithms: frozenset[str]
    identity: bytes
    key: Any


def read_keys(document: bytes, allowed: Iterable[str]) -> list[PublicKey]:
    """The keys of a document that may verify one of the ``allowed`` algorithms.

    Others are left out: an issuer may publish what is not for us. Raises :class:`UnusableKeys`
    where none is left.
    """
    try:
        published = orjson.loads(document)["keys"]
        candidates = [one for one in published[:MOST_KEYS] if isinstance(one, dict)]
    except (ValueError, KeyError, TypeError) as error:
        raise UnusableKeys("it is no JSON Web Key Set") from error
    found = [_read_key(one, frozenset(allowed)) for one in candidates]
    usable = [key for key in found if key is not None]
    if not usable:
        raise UnusableKeys("it holds no public key for the allowed algorithms")
    return usable


def _read_key(published: dict[str, Any], allowed: frozenset[str]) -> PublicKey | None:
    algorithms = _algorithms_of(published) & allowed
    if not algorithms or not _is_for_signatures(published):
        return None
    if "d" in published:
        log.error("private_key_published", kid=str(published.get("kid")))
        return None
    try:
        key = jwt.PyJWK(published, min(algorithms)).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError) as error:
        log.warning("unreadable_key", kid=str(published.get("kid")), error=type(error).__name__)
        return None
    if isinstance(key, RSAPublicKey) and key.key_size < LEAST_RSA_BITS:
        log.warning("weak_key", kid=str(published.get("kid")), bits=key.key_size)
        return None
    kid = published.get("kid")
    identity = orjson.dumps(published, option=orjson.OPT_SORT_KEYS)
    return PublicKey(kid if isinstance(kid, str) else None, algorithms, identity, key)


def _algorithms_of(published: dict[str, Any]) -> frozenset[str]:
    kind, curve, named = (published.get(name) for name in ("kty", "crv", "alg"))
    of_kind = _RSA if kind == "RSA" else _BY_CURVE.get((str(kind), str(curve)), frozenset())
    return of_kind if named is None else of_kind & {str(named)}


def _is_for_signatures(published: dict[str, Any]) -> bool:
    operations = published.get("key_ops")
    verifies = "verify" in operations if isinstance(operations, list) else operations is None
    return verifies and published.get("use") in (None, "sig")
