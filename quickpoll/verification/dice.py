"""Chance that nobody can foresee, for many at once: one call to the system for all of them."""

from __future__ import annotations

from os import urandom
from struct import unpack
from typing import Any

_KEY_BYTES = 8


def shuffle(items: list[Any]) -> None:
    """Bring items into a random order: that of 64 random bits for each."""
    count = len(items)
    keys = unpack(f"{count}Q", urandom(count * _KEY_BYTES))
    items[:] = [items[place] for place in sorted(range(count), key=keys.__getitem__)]


def some_of(many: int, count: int) -> list[int]:
    """``count`` different numbers below ``many``, in a random order."""
    numbers = list(range(many))
    shuffle(numbers)
    return numbers[:count]
