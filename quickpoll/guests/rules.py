"""How an invite is written, and read by people who copy it from paper: pure, no I/O."""

from __future__ import annotations

import secrets
import unicodedata

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Nothing in it looks like something else, and hardly anything like a word."""

LENGTH, GROUP = 12, 4
MOST_INVITES = 5000
"""Of one request."""


def make_invite() -> str:
    """A new invite, without dashes: 58.9 bits that nobody can guess."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def written(invite: str) -> str:
    """An invite in groups, as people are shown it."""
    return "-".join(invite[start : start + GROUP] for start in range(0, LENGTH, GROUP))


def plain(typed: str) -> str | None:
    """The invite that somebody has typed in any case, with whatever blanks and dashes; ``None``
    for what is none."""
    bare = "".join(one for one in typed if not (one.isspace() or unicodedata.category(one) == "Pd"))
    upper = bare.upper() if bare.isascii() else ""
    return upper if len(upper) == LENGTH and set(upper) <= set(ALPHABET) else None
