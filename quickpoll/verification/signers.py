"""The keys of a service: the first signs new logs, each log stays with the one it began with."""

from __future__ import annotations

from collections.abc import Sequence

from quickpoll.verification.notes import Signer, VerifierKey


class Signers:
    """Private keys under the service's name, in the operator's order."""

    def __init__(self, name: str, private: Sequence[bytes]) -> None:
        """Raises ``ValueError`` for a bad name or key."""
        self._signers = [Signer(name, one) for one in private]
        self._private = dict(zip((one.key.public for one in self._signers), private, strict=True))
        self._known = {str(one.key): one for one in self._signers}

    @property
    def newest(self) -> str:
        """The verifier key of logs that begin now; empty where there is none."""
        return str(self._signers[0].key) if self._signers else ""

    def of(self, verifier_key: str) -> Signer | None:
        """Whoever signs the logs that began under this key; ``None`` where the private key is not
        here. A service that has got another name goes on under the old one."""
        if verifier_key not in self._known and verifier_key:
            key = VerifierKey.parse(verifier_key)
            if key.public not in self._private:
                return None
            self._known[verifier_key] = Signer(key.name, self._private[key.public])
        return self._known.get(verifier_key)

    @property
    def published(self) -> bytes:
        """The file ``/log/key``."""
        return "".join(f"{one.key}\n" for one in self._signers).encode()
