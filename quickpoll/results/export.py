"""Results to take home: CSV and JSON, without the identity of any voter."""

from __future__ import annotations

import csv
import io
from typing import Any

from quickpoll.polls.bodies import fields_of
from quickpoll.results.view import Sight

_formula_starts = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def percentages(votes: list[int], voters: int, *, one_choice: bool) -> list[float]:
    """Each option's share of the voters in percent, to one decimal.

    Where one choice is allowed they are 100.0 in all, by the method of the largest remainder
    (Hare quota), earlier options first among equals.
    """
    if voters == 0:
        return [0.0] * len(votes)
    if not one_choice:
        return [round(count * 1000 / voters) / 10 for count in votes]
    whole = [count * 1000 // voters for count in votes]
    left = 1000 - sum(whole)
    by_remainder = sorted(range(len(votes)), key=lambda i: (-(votes[i] * 1000 % voters), i))
    for place in by_remainder[:left]:
        whole[place] += 1
    return [tenths / 10 for tenths in whole]


def as_json(sight: Sight) -> dict[str, Any]:
    """The results as one object."""
    poll, tally = sight.known.poll, sight.tally
    votes = [tally.options[option] for option in poll.option_ids()]
    shares = percentages(votes, tally.voters, one_choice=poll.max_choices == 1)
    rows = zip(poll.options, votes, shares, strict=True)
    return {
        "poll": fields_of(poll, sight.now),
        "options": [
            {"id": str(option.id), "text": option.text, "votes": count, "percent": share}
            for option, count, share in rows
        ],
        "votersCount": tally.voters,
        "votesCount": tally.votes,
        "likes": tally.likes,
    }


def as_csv(sight: Sight) -> str:
    """The results as a table ``option,votes,percent`` (RFC 4180)."""
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(["option", "votes", "percent"])
    for option in as_json(sight)["options"]:
        share = f"{option['percent']:.1f}"
        writer.writerow([defused(option["text"]), option["votes"], share])
    return table.getvalue()


def defused(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula (OWASP, *CSV Injection*)."""
    return f"'{cell}" if cell.startswith(_formula_starts) else cell
