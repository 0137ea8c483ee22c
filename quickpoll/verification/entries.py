"""The entries of a poll's log, and the hashes in them.

An entry is one line of ASCII without a newline at its end. No user, no choice and no time is in
any of them but the tally in ``close``. Three hashes hide what only their owner can open:

- a *tag* stands for the voter of one ballot. Under it lies a pepper of 32 random bytes, so that
  nobody without the pepper finds the person, and so that the voter can find that it is theirs.
- a *commit* stands for a choice, under a salt that is never used twice.
- a *definition* stands for question, options and rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

Kind = Literal["poll", "cast", "change", "retract", "erase", "close", "reopen"]

IS_ID = re.compile(r"[0-9a-f]{24}").fullmatch
IS_HASH = re.compile(r"[0-9a-f]{64}").fullmatch
"""A hash, nonce, pepper or salt: 32 bytes as lower-case hex."""

MOST_BYTES = 255
MOST_CLOSE_BYTES = 4095


class BadEntry(ValueError):
    """No entry of a poll's log."""


@dataclass(frozen=True)
class Entry:
    """One entry, read. Which fields are filled depends on ``kind``."""

    kind: Kind
    poll_id: str = ""
    least: int = 0
    most: int = 0
    free: bool = False
    nonce: str = ""
    definition: str = ""
    tag: str = ""
    commit: str = ""
    ballots: int = 0
    tally: tuple[tuple[str, int], ...] = ()


def tag(poll_id: str, pepper: str, user_id: str) -> str:
    """The hash that stands for a voter."""
    return _hash("voter", poll_id, pepper, user_id)


def commit(poll_id: str, tag: str, salt: str, option_ids: Iterable[str]) -> str:
    """The hash that stands for a choice."""
    return _hash("ballot", poll_id, tag, salt, ",".join(sorted(option_ids)))


def definition(
    poll_id: str,
    nonce: str,
    question: str,
    choices: tuple[int, int],
    *,
    free: bool,
    guests: str,
    options: Iterable[tuple[str, str]],
) -> str:
    """The hash that stands for what is asked, and how; ``options`` are ids with their texts."""
    return _hash(
        "definition",
        poll_id,
        nonce,
        f"question {question}",
        f"choices {choices[0]} {choices[1]}",
        f"change {_changing(free)}",
        f"guests {guests}",
        *(f"option {option_id} {text}" for option_id, text in options),
    )


def poll_shown(nonce: str, shown: Mapping[str, Any]) -> Entry:
    """The ``poll`` entry that goes with a poll as the API answers it.

    Raises ``KeyError`` and ``TypeError`` for what is no poll.
    """
    choices = shown["minChoices"], shown["maxChoices"]
    free = shown["allowVoteChange"]
    found = definition(
        shown["id"],
        nonce,
        shown["question"],
        choices,
        free=free,
        guests=shown["guests"],
        options=[(one["id"], one["text"]) for one in shown["options"]],
    )
    return Entry("poll", shown["id"], *choices, free, nonce, found)


def close_shown(shown: Mapping[str, Any]) -> Entry:
    """The ``close`` entry that goes with the counts of a poll as the API answers it.

    Raises ``KeyError`` and ``TypeError`` for what is no poll.
    """
    tally = tuple((one["id"], shown["counts"][one["id"]]) for one in shown["options"])
    if shown["votesCount"] != sum(votes for _, votes in tally):
        return Entry("close")
    return Entry("close", ballots=shown["votersCount"], tally=tally)


def _hash(what: str, *lines: str) -> str:
    text = "\n".join((f"quickpoll {what} v1", *lines, ""))
    return sha256(text.encode()).hexdigest()


def _changing(free: bool) -> str:
    return "free" if free else "fixed"


def poll_entry(
    poll_id: str, choices: tuple[int, int], nonce: str, definition: str, *, free: bool
) -> bytes:
    """Entry 0, and again after each edit."""
    least, most = choices
    line = f"poll v1 {poll_id} {least} {most} {_changing(free)} {nonce} {definition}"
    return line.encode("ascii")


def cast_entry(tag: str, commit: str) -> bytes:
    """A new ballot."""
    return f"cast {tag} {commit}".encode("ascii")


def change_entry(tag: str, commit: str) -> bytes:
    """Another choice on a ballot."""
    return f"change {tag} {commit}".encode("ascii")


def retract_entry(tag: str) -> bytes:
    """A ballot taken back."""
    return f"retract {tag}".encode("ascii")


def erase_entry(tag: str) -> bytes:
    """A ballot whose person was erased."""
    return f"erase {tag}".encode("ascii")


def close_entry(ballots: int, tally: Mapping[str, int]) -> bytes:
    """A close: how many ballots count, and every option's votes in the poll's order."""
    votes = [f"{option_id}={count}" for option_id, count in tally.items()]
    return " ".join(["close", str(ballots), *votes]).encode("ascii")


REOPEN_ENTRY = b"reopen"

_NUMBER = r"(?:0|[1-9][0-9]{0,14})"
_TAG, _COMMIT = r"(?P<tag>[0-9a-f]{64})", r"(?P<commit>[0-9a-f]{64})"
_FORMS: Mapping[Kind, str] = {
    "poll": rf"poll v1 (?P<poll_id>[0-9a-f]{{24}}) (?P<least>{_NUMBER}) (?P<most>{_NUMBER})"
    r" (?P<free>fixed|free) (?P<nonce>[0-9a-f]{64}) (?P<definition>[0-9a-f]{64})",
    "cast": f"cast {_TAG} {_COMMIT}",
    "change": f"change {_TAG} {_COMMIT}",
    "retract": f"retract {_TAG}",
    "erase": f"erase {_TAG}",
    "close": rf"close (?P<ballots>{_NUMBER})(?P<tally>(?: [0-9a-f]{{24}}={_NUMBER})+)",
    "reopen": "reopen",
}


def parse_entry(content: bytes) -> Entry:
    """Read an entry, strictly. Raises :class:`BadEntry`."""
    try:
        line = content.decode("ascii")
    except UnicodeDecodeError:
        raise BadEntry("it is not ASCII") from None
    for kind, form in _FORMS.items():
        if found := re.fullmatch(form, line):
            if len(line) > (MOST_CLOSE_BYTES if kind == "close" else MOST_BYTES):
                raise BadEntry("it is too long")
            return Entry(kind, **_fields(found.groupdict()))
    raise BadEntry("it has no known form")


def _fields(found: Mapping[str, str]) -> dict[str, Any]:
    fields: dict[str, Any] = dict(found)
    for name in {"least", "most", "ballots"} & set(found):
        fields[name] = int(found[name])
    if "free" in found:
        fields["free"] = found["free"] == "free"
    if "tally" in found:
        pairs = [one.split("=") for one in found["tally"].split()]
        if len({option_id for option_id, _ in pairs}) < len(pairs):
            raise BadEntry("it names an option twice")
        fields["tally"] = tuple((option_id, int(count)) for option_id, count in pairs)
    return fields
