"""QR codes (ISO/IEC 18004) of a page's address."""

from __future__ import annotations

import io
from functools import lru_cache
from urllib.parse import urlsplit

import segno

_DEFAULT_PORTS = {"http": 80, "https": 443}


@lru_cache(maxsize=256)
def svg(address: str) -> bytes:
    """The address as a QR code: SVG without a size of its own, black on white, quiet zone of 4."""
    image = io.BytesIO()
    segno.make_qr(address, error="m").save(
        image, kind="svg", border=4, dark="#000", light="#fff", omitsize=True, xmldecl=False
    )
    return image.getvalue()


def trusted_origin(claimed: str, scheme: str, hosts: tuple[str, ...]) -> str | None:
    """The origin that a QR code may name; ``None`` where the claimed one is not ours.

    ``hosts`` are those that the request's headers name. Only a browser that is on the page can
    say which scheme and port it sees behind a proxy, so it says so in the query; but a link must
    not make this service draw the code of another site, so the host has to be in a header, which
    a link cannot set.
    """
    if not claimed:
        return f"{scheme}://{hosts[0]}" if hosts else None
    try:
        wanted = _place(claimed)
        named = {_place(f"{urlsplit(claimed).scheme}://{host}") for host in hosts}
    except ValueError:
        return None
    return claimed.rstrip("/") if wanted is not None and wanted in named else None


def _place(origin: str) -> tuple[str, int] | None:
    """Host and port of an origin; ``None`` for what is no origin. Raises ``ValueError``."""
    parts = urlsplit(origin)
    more = parts.path.strip("/") or parts.query or parts.fragment or parts.username
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or more:
        return None
    return parts.hostname, parts.port or _DEFAULT_PORTS[parts.scheme]
