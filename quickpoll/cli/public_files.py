"""A service's public files, over HTTP or from a folder: all that a check needs of it.

TLS certificates are verified, as the system trusts them (``SSL_CERT_FILE`` and the environment's
proxies are used). The token goes to the address that was asked for and nowhere else.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib import request
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from quickpoll.foundation.http.download import plain_opener
from quickpoll.verification.findings import CannotCheck, NotServed

SECONDS = 20.0
"""The time for one file."""

MOST_BYTES = 256 * 1024 * 1024
TRIES = 5
LONGEST_WAIT = 30
"""What is waited at the most where the service asks for it (429 and 503)."""

_ADDRESS = re.compile(
    r"(?P<base>.*?)/(?:polls|log|embed/polls)/(?P<poll_id>[0-9a-fA-F]{24})(?:/.*)?"
)


class NoAddress(ValueError):
    """Not the address of a poll's page, nor that of its log."""


@dataclass(frozen=True)
class Place:
    """Where a service is, and which of its polls is meant."""

    base: str
    poll_id: str


def find_place(address: str) -> Place:
    """Read the address of a page or a log, or the path of a copied log. Raises
    :class:`NoAddress`."""
    without_query = address if "://" not in address else re.split(r"[?#]", address)[0]
    found = _ADDRESS.fullmatch(without_query)
    if found is None or ("://" in address and urlsplit(address).scheme not in ("http", "https")):
        raise NoAddress(
            f"{address!r} is neither a poll's page nor its log, such as"
            " https://polls.example.org/polls/65f1c0ffee0000000000ca01."
        )
    return Place(found["base"], found["poll_id"].lower())


def fetcher(place: Place) -> Callable[[str], bytes]:
    """What reads a service's public files."""
    return WebFiles(place.base) if "://" in place.base else folder(Path(place.base or "."))


def folder(base: Path) -> Callable[[str], bytes]:
    """Reads a copy of the files, such as ``wget`` makes."""

    def read(path: str) -> bytes:
        try:
            return (base / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise NotServed(f"{path} is not there") from None
        except OSError as error:
            raise CannotCheck(f"{path} cannot be read: {error.strerror}") from error

    return read


class WebFiles:
    """The files behind an ``http`` or ``https`` address."""

    def __init__(self, base: str, wait: Callable[[float], None] = time.sleep) -> None:
        self._base, self._wait = base, wait
        self._opener = plain_opener(_NoWorse)

    def __call__(self, path: str) -> bytes:
        """Read one file. Raises ``NotServed``, ``CannotCheck``."""
        return self._read(request.Request(f"{self._base}/{path}", headers=_HEADERS))  # noqa: S310 (find_place lets only http and https in)

    def poll(self, poll_id: str, token: str) -> dict[str, Any]:
        """The poll as its page shows it. Raises ``NotServed``, ``CannotCheck``."""
        asked = request.Request(  # noqa: S310
            f"{self._base}/api/poll/get-poll-by-id/{poll_id}", headers=_HEADERS
        )
        asked.add_unredirected_header("Authorization", f"Bearer {token}")
        try:
            found = json.loads(self._read(asked))
        except (ValueError, RecursionError):
            raise CannotCheck("the poll that is shown is not JSON") from None
        if not isinstance(found, dict):
            raise CannotCheck("the poll that is shown is no poll")
        return found

    def _read(self, asked: request.Request) -> bytes:
        for left in reversed(range(TRIES)):
            try:
                return self._once(asked)
            except HTTPError as error:
                with error:
                    self._wait(_pause(error, asked, left))
            except (OSError, ValueError) as error:
                why = getattr(error, "reason", None) or error
                raise CannotCheck(f"{asked.full_url} cannot be read: {why}") from error
        raise AssertionError("the last try waits for nothing")

    def _once(self, asked: request.Request) -> bytes:
        with self._opener.open(asked, timeout=SECONDS) as answer:
            body: bytes = answer.read(MOST_BYTES + 1)
        if len(body) > MOST_BYTES:
            raise CannotCheck(f"{asked.full_url} is larger than {MOST_BYTES} bytes")
        return body


def _pause(error: HTTPError, asked: request.Request, left: int) -> float:
    """How long to wait before the next try. Raises what an answer means otherwise."""
    said = f"{asked.full_url} answers {error.code}"
    if error.code in (403, 404, 410):
        raise NotServed(said) from None
    after = error.headers.get("Retry-After", "")
    if left and error.code in (429, 503) and after.isdecimal():
        return min(int(after), LONGEST_WAIT)
    raise CannotCheck(said) from None


_HEADERS = {"User-Agent": "quickpoll-verify", "Accept": "*/*"}


class _NoWorse(request.HTTPRedirectHandler):
    """Follows a redirect, but not from an encrypted address to a plain one."""

    def redirect_request(self, req: request.Request, *more: Any) -> request.Request | None:
        url: str = more[-1]
        if req.type == "https" and not url.startswith("https:"):
            raise URLError("redirected to a plain address")
        return super().redirect_request(req, *more)
