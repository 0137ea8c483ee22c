"""A voter's receipt: a tlog-proof of their ballot's entry, with what opens it in ``extra``.

Without salt and options (``?opening=false``) it proves that the ballot is there, and shows nobody
what it says.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from quickpoll.verification import objects
from quickpoll.verification.notes import BadNote
from quickpoll.verification.proof import Proof


@dataclass(frozen=True)
class Receipt:
    """What the service says of one ballot; its checkpoint is still to be verified."""

    proof: Proof
    entry: bytes
    pepper: str
    user_id: str
    salt: str | None = None
    option_ids: tuple[str, ...] | None = None

    @classmethod
    def parse(cls, content: bytes) -> Receipt:
        """Read a receipt. Raises ``ValueError`` (``BadNote``, ``BadObject``)."""
        proof = Proof.parse(content)
        if proof.extra is None:
            raise BadNote("it has no extra line")
        found = objects.read_object(proof.extra)
        forms = {"entry": objects.text, "pepper": objects.hex_hash, "userId": objects.hex_id}
        if opened := "salt" in found or "optionIds" in found:
            forms |= {"salt": objects.hex_hash, "optionIds": objects.choice}
        objects.held_to(forms, found)
        salt, options = (found["salt"], tuple(found["optionIds"])) if opened else (None, None)
        entry = found["entry"].encode()
        return cls(proof, entry, found["pepper"], found["userId"], salt, options)


def receipt_extra(
    entry: bytes,
    pepper: str,
    user_id: str,
    opening: tuple[str, tuple[str, ...]] | None = None,
) -> bytes:
    """The JSON in a receipt's extra line; ``opening`` is the salt and the options."""
    found: dict[str, object] = {
        "entry": entry.decode("ascii"),
        "pepper": pepper,
        "userId": user_id,
    }
    if opening is not None:
        found |= {"salt": opening[0], "optionIds": list(opening[1])}
    return json.dumps(found, separators=(",", ":")).encode("ascii")
