"""What MongoDB holds of the logs of verifiable polls."""

from __future__ import annotations

from typing import Any

from odmantic import Field, Model


class PollLog(Model):
    """The log of one poll (its id is the document's).

    ``key`` is the verifier key that it began with. ``size`` counts the entries that are in it for
    good, ``step`` the steps that were made. ``phase`` is that of the poll (odd: closed) and
    ``defined`` the fingerprint of the definition as the entries say them, ``held`` how many ballots
    they say there are, ``voted`` whether there ever was one, ``counted`` how many the last close
    counts. ``published`` is what anybody may see: size, root, signed checkpoint. ``journal`` holds
    a step that is being made: see :mod:`.store`.
    """

    key: str
    size: int = 0
    step: int = 0
    phase: int = 0
    held: int = 0
    voted: bool = False
    counted: int = 0
    defined: str = ""
    published: dict[str, Any] | None = None
    journal: dict[str, Any] | None = None

    model_config = {"collection": "log"}


class LogTile(Model):
    """A tile of hashes or a bundle of entries: ``content`` holds ``width`` of them. Its id is its
    path with the poll's id in front."""

    path: str = Field(primary_field=True)
    content: bytes
    width: int

    model_config = {"collection": "log_tile"}


class LogLease(Model):
    """Which instance writes logs. It saves work, and decides nothing."""

    name: str = Field(primary_field=True)
    holder: str
    beat: int

    model_config = {"collection": "log_lease"}
