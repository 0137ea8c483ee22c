"""Results to take home: CSV and JSON, without the identity of any voter."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from typing import Any

from quickpoll.polls.bodies import fields_of
from quickpoll.polls.texts import seen_start
from quickpoll.results.poll_view import PollView

_FORMULA_STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_LINE_STARTS = ("\t", "\r", "\n")

BYTE_ORDER_MARK = "\ufeff"
"""Tells spreadsheets that a table is in UTF-8."""


def percentages(votes: Iterable[int], voters: int) -> list[float]:
    """Each option's share of the voters in percent, to one decimal, halves rounded up.

    Equal votes are equal percents: nothing is bent to make a sum.
    """
    if voters == 0:
        return [0.0 for _ in votes]
    return [(count * 2000 + voters) // (2 * voters) / 10 for count in votes]


def as_json(view: PollView, guests: int = 0) -> dict[str, Any]:
    """The results as one object; so many of the ballots are ``guests``'.

    Those are counted after the rest, when a few more may have come: the sum is the rest's.
    """
    poll, tally = view.known.poll, view.tally
    votes = tally.of_options(poll.option_ids()).values()
    rows = zip(poll.options, votes, percentages(votes, tally.voters), strict=True)
    return {
        "poll": fields_of(poll, view.now),
        "options": [
            {"id": str(option.id), "text": option.text, "votes": count, "percent": share}
            for option, count, share in rows
        ],
        "votersCount": tally.voters,
        "votesCount": tally.votes,
        "ballots": {"accounts": max(tally.voters - guests, 0), "guests": min(guests, tally.voters)},
        "likes": tally.likes,
    }


def as_csv(view: PollView) -> str:
    """The results as a table ``option,votes,percent``."""
    rows = [
        [option["text"], option["votes"], f"{option['percent']:.1f}"]
        for option in as_json(view)["options"]
    ]
    return table(["option", "votes", "percent"], rows)


def table(names: list[str], rows: Iterable[list[object]]) -> str:
    """A table as RFC 4180 has it, with a byte order mark.

    Texts in it are safe for spreadsheets, whichever of ``,``, ``;`` and tab is their separator
    (:func:`defused`).
    """
    written = io.StringIO(newline="")
    written.write(BYTE_ORDER_MARK)
    csv.writer(written).writerow(names)
    for row in rows:
        cells = [
            defused(cell, first=place == 0) if isinstance(cell, str) else str(cell)
            for place, cell in enumerate(row)
        ]
        written.write(",".join(map(_quoted, cells)) + "\r\n")
    return written.getvalue()


def defused(cell: str, *, first: bool = True) -> str:
    """A cell that no spreadsheet takes for a formula (OWASP, *CSV Injection*).

    A spreadsheet with another separator than ours splits our rows elsewhere. The ``first`` cell of
    a row stands at the start of a line, where quotes keep it whole for all of them. A later one
    does not: whatever follows a separator in it is taken for a cell, and must be harmless itself.
    """
    parts = [cell] if first else re.split("(?<=[;\t])", cell)
    return "".join([_defused(parts[0]), *map(_defused_behind_separator, parts[1:])])


def _defused(cell: str) -> str:
    dangerous = cell.startswith(_LINE_STARTS) or seen_start(cell).startswith(_FORMULA_STARTS)
    return f"'{cell}" if dangerous else cell


def _defused_behind_separator(part: str) -> str:
    """A quote there would open a cell that ends who knows where; at the end of ours comes one."""
    quote_follows = not part or seen_start(part).startswith('"')
    return f"'{part}" if quote_follows else _defused(part)


def _quoted(cell: str) -> str:
    """In quotes where anything in it has a meaning in any such table."""
    if not re.search(r'[,;\t"\r\n]', cell):
        return cell
    return '"' + cell.replace('"', '""') + '"'
