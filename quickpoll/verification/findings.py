"""What a check works with and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from quickpoll.verification.fold import Fold

Fetch = Callable[[str], bytes]
"""Reads a public file of the service by its path below the address, such as ``log/key``. Raises
:class:`NotServed` and :class:`CannotCheck`."""


class NotServed(Exception):
    """The service answers that a file is not there, or is not to be had (404, 403, 410)."""


class CannotCheck(Exception):
    """Nothing can be said either way: no network, no log, no key."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: a cheat, or a fault that nobody could tell from one."""

    code: str
    said: str


@dataclass(frozen=True)
class Kept:
    """What somebody kept and wants to see honoured. ``shown`` is the poll as its page has it."""

    checkpoints: Sequence[bytes] = ()
    receipts: Sequence[bytes] = ()
    promises: Sequence[bytes] = ()
    shown: Mapping[str, Any] | None = None


@dataclass
class Report:
    """What came out. ``notes`` are what a reader ought to know, such as what is not proven."""

    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    signed: bytes = b""
    """The checkpoint as it was served: keep it, and hold the next one against it."""
    fold: Fold | None = None
    """What the entries say, where they could be read."""
