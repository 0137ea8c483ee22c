"""What is sent of a page or a file: as it is, compressed, and the tag by which it is known."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import brotli
from werkzeug.datastructures import Accept

BEST = 9
QUICK = 5

MOST_TO_SQUEEZE = 200_000
"""Bytes of a file for which Brotli's best is worth its time: a tenth of a second."""


@dataclass(frozen=True)
class Content:
    """``packed`` is the same in other codings (RFC 9110, section 8.4.1), the smallest first; empty
    for what would not get smaller.

    The tag (``ETag``) stands for what is meant, compressed or not: it has to be a weak one.
    """

    plain: bytes
    tag: str
    packed: Mapping[str, bytes] = field(default_factory=dict)

    def coding(self, accepted: Accept) -> str | None:
        """The best coding that a caller takes; ``None`` is none at all."""
        return next((one for one in self.packed if accepted.quality(one) > 0), None)


def content(plain: bytes, *, is_text: bool, level: int = QUICK) -> Content:
    """The content of a body. Browsers take Brotli (RFC 7932) over TLS and from their own machine
    alone, so there is gzip as well."""
    tag = hashlib.sha256(plain).hexdigest()[:16]
    if not is_text:
        return Content(plain, tag)
    quality = 11 if level == BEST and len(plain) <= MOST_TO_SQUEEZE else level
    squeezed = brotli.compress(plain, mode=brotli.MODE_TEXT, quality=quality)
    return Content(plain, tag, {"br": squeezed, "gzip": gzip.compress(plain, level, mtime=0)})
