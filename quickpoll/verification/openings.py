"""Openings: what lies under the commitments of a closed poll, one line of JSON a ballot.

In the order of their tags, which are hashes: it tells nothing, and is the same on every instance.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from quickpoll.verification.objects import BadObject, choice, held_to, hex_hash, read_object

LEAST_BALLOTS = 5
"""A close that counts fewer publishes no openings: too few to hide among."""


@dataclass(frozen=True, order=True)
class Opening:
    """The choice behind the last commitment of a tag."""

    tag: str
    salt: str
    option_ids: tuple[str, ...]

    @property
    def line(self) -> str:
        """Its line, without the newline."""
        ids = ",".join(f'"{option_id}"' for option_id in self.option_ids)
        return f'{{"tag":"{self.tag}","salt":"{self.salt}","optionIds":[{ids}]}}'

    @classmethod
    def parse(cls, line: bytes) -> Opening:
        """Read one line. Raises :class:`~quickpoll.verification.objects.BadObject`."""
        found = read_object(line)
        held_to({"tag": hex_hash, "salt": hex_hash, "optionIds": choice}, found)
        if len(found) > 3:
            raise BadObject("it holds more than tag, salt and optionIds")
        return cls(found["tag"], found["salt"], tuple(found["optionIds"]))


def published(openings: Iterable[Opening]) -> bytes:
    """The file ``/openings``."""
    return "".join(f"{one.line}\n" for one in sorted(openings)).encode("ascii")


def parse_openings(content: bytes) -> list[Opening]:
    """The lines of ``/openings``, in their order. Raises ``BadObject``."""
    return [Opening.parse(line) for line in content.split(b"\n") if line]
