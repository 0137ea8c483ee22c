"""Fetching what an issuer publishes: what is not to be had says why, and has its time."""

from __future__ import annotations

import pytest

from quickpoll.foundation.http.download import DownloadFailed, download
from tests.issuers import Publisher


async def test_what_is_not_to_be_had_says_why(publisher: Publisher) -> None:
    publisher.status = 404
    with pytest.raises(DownloadFailed, match="404"):
        await download(publisher.url, 5)

    publisher.status, publisher.body = 200, b"x" * (1024 * 1024 + 1)
    with pytest.raises(DownloadFailed, match="larger"):
        await download(publisher.url, 5)

    publisher.status, publisher.location, publisher.body = 302, "file:///etc/hostname", b""
    with pytest.raises(DownloadFailed):
        await download(publisher.url, 5)

    publisher.stop()
    with pytest.raises(DownloadFailed, match="refused"):
        await download(publisher.url, 5)


async def test_a_redirect_is_followed(publisher: Publisher) -> None:
    moved = Publisher().start()
    moved.status, moved.location = 302, publisher.url
    try:
        assert await download(moved.url, 5) == publisher.document()
    finally:
        moved.stop()


async def test_files_are_no_addresses() -> None:
    with pytest.raises(DownloadFailed):
        await download("file:///etc/hostname", 5)


async def test_a_download_has_its_time(publisher: Publisher) -> None:
    publisher.hangs.set()
    with pytest.raises(DownloadFailed, match="within"):
        await download(publisher.url, 0.1)
