"""Downloading a small document without ever holding up the event loop."""

from __future__ import annotations

from time import monotonic
from typing import Any
from urllib import request
from urllib.error import HTTPError

from quickpoll.foundation.concurrency.daemon_thread import run_in_daemon_thread

MOST_BYTES = 1024 * 1024


class DownloadFailed(Exception):
    """The document could not be had; the message says why."""


async def download(url: str, seconds: float) -> bytes:
    """The body behind an ``http`` or ``https`` address, 1 MiB at most.

    The environment's proxies (``HTTPS_PROXY``) and certificates (``SSL_CERT_FILE``) are used.
    Raises :class:`DownloadFailed`, after ``seconds`` at the latest.
    """
    try:
        return await run_in_daemon_thread("download", lambda: _read_or_close(url, seconds), seconds)
    except DownloadFailed:
        raise
    except TimeoutError as error:
        raise DownloadFailed(f"no answer within {seconds:g} seconds") from error
    except Exception as error:
        raise DownloadFailed(str(error) or type(error).__name__) from error


def _read_or_close(url: str, seconds: float) -> bytes:
    try:
        return _read(url, seconds)
    except HTTPError as error:
        with error:  # it holds the connection
            raise DownloadFailed(str(error)) from None


def _read(url: str, seconds: float) -> bytes:
    ends = monotonic() + seconds
    asked = request.Request(url, headers=_HEADERS)  # noqa: S310 (no handler but http and https)
    with plain_opener(_NoWorse).open(asked, timeout=seconds) as answer:
        body = bytearray()
        while part := answer.read1(65_536):
            body += part
            if len(body) > MOST_BYTES:
                raise DownloadFailed("it is larger than 1 MiB")
            if monotonic() > ends:
                raise TimeoutError("it comes too slowly")
        return bytes(body)


_HEADERS = {"Accept": "application/json", "User-Agent": "quickpoll"}


class _NoWorse(request.HTTPRedirectHandler):
    """Follows a redirect, but not from an encrypted address to a plain one."""

    def redirect_request(self, req: request.Request, *more: Any) -> request.Request | None:
        url: str = more[-1]
        if req.type == "https" and not url.startswith("https:"):
            raise HTTPError(req.full_url, 502, "redirected to a plain address", more[3], more[0])
        return super().redirect_request(req, *more)


def plain_opener(redirects: type[request.HTTPRedirectHandler]) -> request.OpenerDirector:
    """An opener without urllib's handlers for files, FTP and data, that follows these redirects."""
    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler,
        request.HTTPHandler,
        request.HTTPSHandler,
        request.HTTPDefaultErrorHandler,
        request.HTTPErrorProcessor,
        redirects,
    ):
        opener.add_handler(handler())
    return opener
