"""Cheats with openings."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from quickpoll.verification import entries
from quickpoll.verification.openings import parse_openings, published
from tests.verification.honest import hex_id
from tests.verification.worlds import (
    Cheats,
    World,
    closed,
    noise,
    own,
    sealed,
)


def reopened_lines(content: bytes, change: Callable[[list[dict[str, Any]]], None]) -> bytes:
    """Openings with other lines."""
    lines = [json.loads(line) for line in content.splitlines()]
    change(lines)
    return "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines).encode()


def opening(change: Callable[[list[dict[str, Any]]], None], of: World | None = None) -> World:
    base = of or closed()
    return base.serving(openings=reopened_lines(base.file("openings"), change))


def swap_salts(lines: list[dict[str, Any]]) -> None:
    lines[0]["salt"], lines[1]["salt"] = lines[1]["salt"], lines[0]["salt"]


def other_choice(lines: list[dict[str, Any]]) -> None:
    lines[0]["optionIds"] = [hex_id(0xB0 + (lines[0]["optionIds"][0] == hex_id(0xB0)))]


def openings_of_sealed() -> World:
    """A sealed ballot is opened all the same, from what was published before."""
    base = sealed()
    tag = entries.parse_entry(base.entries[base.number_of("erase")]).tag
    opened = parse_openings(base.file("openings"))
    extra = replace(opened[0], tag=tag)
    return base.bare().serving(openings=published([*opened, extra]))


def impossible(*option_ids: str) -> World:
    """A ballot that no voter could cast, well committed to and well opened."""
    base = closed()
    first = parse_openings(base.file("openings"))[0]
    was = entries.commit(own, first.tag, first.salt, first.option_ids)
    now = entries.commit(own, first.tag, first.salt, option_ids)
    lines = [line.replace(was.encode(), now.encode()) for line in base.entries]
    cheat = base.bare().writing(lines)
    return opening(lambda found: found[0].update(optionIds=list(option_ids)), cheat)


with_openings: Cheats = {
    "openings of each other": ("commitment", lambda: opening(swap_salts)),
    "an opening of another choice": ("commitment", lambda: opening(other_choice)),
    "an opening of somebody else": (
        "opening_foreign",
        lambda: opening(lambda lines: lines[0].update(tag=noise[:-1] + "0")),
    ),
    "an opening of an erased ballot": ("opening_foreign", openings_of_sealed),
    "an opening with too many options": (
        "opening_choice",
        lambda: impossible(hex_id(0xB0), hex_id(0xB1), hex_id(0xB2)),
    ),
    "an opening of an option that is none": ("opening_choice", lambda: impossible(hex_id(0xB9))),
    "an opening of one option twice": (
        "opening_form",
        lambda: opening(lambda lines: lines[0].update(optionIds=[hex_id(0xB0), hex_id(0xB0)])),
    ),
    "an opening missing": (
        "openings_missing",
        lambda: opening(lambda lines: lines.__delitem__(-1)),
    ),
    "an opening doubled": (
        "openings_order",
        lambda: opening(lambda lines: lines.insert(1, lines[0])),
    ),
    "openings out of order": ("openings_order", lambda: opening(list[Any].reverse)),
    "openings withheld": ("openings_withheld", lambda: closed().serving(openings=None)),
    "openings that are none": ("opening_form", lambda: closed().serving(openings=b"<html>\n")),
}
