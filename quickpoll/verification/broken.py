"""A rule that is broken."""

from __future__ import annotations


class Wrong(Exception):
    """A rule is broken. ``code`` names the rule, for programs; the message is for people."""

    def __init__(self, code: str, said: object) -> None:
        super().__init__(said)
        self.code = code


def require(holds: bool, code: str, said: object) -> None:
    """Raises :class:`Wrong` unless a rule holds."""
    if not holds:
        raise Wrong(code, said)
