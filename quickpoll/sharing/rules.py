"""What a code is, and how long it lives: pure, no I/O."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from unicodedata import category, normalize

from quickpoll.sharing.pages import SharedPage

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""No two of them look alike, in hardly any type."""

LENGTH = 6

_DRAWN = "".join(letter for letter in ALPHABET if letter not in "AE")
"""Without vowels: so no code reads as a word. 28 to the power of 6 are 482 million."""

LIFE_AFTER_THE_END = timedelta(days=1)

_LEFT_OUT = frozenset(("Pd", "Zs", "Cc", "Cf"))
"""Dashes, blanks and what cannot be seen (Unicode, general categories)."""

_MOST_READ = 64
"""Characters that are looked at: nobody types that many, blanks and dashes included."""


def new_code() -> str:
    """A code that nobody can guess; the generator leaves out what would favour some of them."""
    return "".join(secrets.choice(_DRAWN) for _ in range(LENGTH))


def read_code(typed: str) -> str | None:
    """The code that somebody has typed: case, blanks, dashes and the width of letters do not
    matter. ``None`` for what cannot be one."""
    if len(typed) > _MOST_READ:
        return None
    seen = "".join(one for one in normalize("NFKC", typed) if category(one) not in _LEFT_OUT)
    code = seen.upper()
    return code if len(code) == LENGTH and all(one in ALPHABET for one in code) else None


def has_ended(page: SharedPage | None, created_at: datetime, now: datetime) -> bool:
    """Whether a code that was made at ``created_at`` leads nowhere any more.

    It ends with the deletion of what it leads to (``None``), and a day after that was over. A code
    that was asked for later than that lives for a day itself.
    """
    if page is None:
        return True
    if page.over_since is None:
        return False
    return now >= max(page.over_since, created_at) + LIFE_AFTER_THE_END
