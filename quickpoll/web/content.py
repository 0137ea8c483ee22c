"""What is sent of a page or a file: as it is, compressed, and the tag by which it is known."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass

BEST = 9
QUICK = 6


@dataclass(frozen=True)
class Content:
    """``packed`` is the same in gzip's form; ``None`` for what would not get smaller.

    The tag (``ETag``) stands for what is meant, compressed or not: it has to be a weak one.
    """

    plain: bytes
    packed: bytes | None
    tag: str


def content(plain: bytes, *, is_text: bool, level: int = QUICK) -> Content:
    """The content of a body."""
    packed = gzip.compress(plain, level, mtime=0) if is_text else None
    return Content(plain, packed, hashlib.sha256(plain).hexdigest()[:16])
