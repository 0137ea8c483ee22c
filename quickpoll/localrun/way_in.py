"""The way into a run: the address that phones in its network use, and the code of a session."""

from __future__ import annotations

import http.client
import json
import socket
from contextlib import closing, suppress
from ipaddress import ip_address
from typing import Any, NamedTuple

from quickpoll.localrun.child_process import LOOPBACK

EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - what somebody asks for, not what we bind
_ELSEWHERE = ("192.0.2.1", 9)
"""An address that is nobody's (RFC 5737), reached by way of the network that leads to others."""

ASK_SECONDS = 5.0


class WayIn(NamedTuple):
    """A session to try: its title, its code, the address that the code makes, and the path of its
    stage."""

    title: str
    code: str
    address: str
    stage: str


def local_host(host: str) -> str:
    """Where this machine itself reaches a service that is bound to ``host``."""
    return LOOPBACK if host in EVERYWHERE else host


def in_url(host: str) -> str:
    """A host as addresses write it: IPv6 in brackets (RFC 3986, section 3.2.2)."""
    return f"[{host}]" if ":" in host else host


def lan_address() -> str | None:
    """The address of this machine in its network, ``None`` where it is in none.

    Nothing is sent: a datagram socket that is "connected" only asks the kernel for the way.
    """
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(_ELSEWHERE)
        found: str = probe.getsockname()[0]
        if not ip_address(found).is_loopback and not ip_address(found).is_unspecified:
            return found
    return None


def latest_session(host: str, port: int, token: str) -> WayIn | None:
    """The latest session of the token's holder that has not ended, with its code; ``None`` where
    there is none, or nobody can tell."""
    failures = (OSError, http.client.HTTPException, ValueError, LookupError, TypeError)
    asking = closing(http.client.HTTPConnection(host, port, timeout=ASK_SECONDS))
    with suppress(*failures), asking as connection:
        sessions = _ask(connection, "GET", "/api/session/get-sessions?limit=20", token)
        found = next((one for one in sessions if one["status"] != "ended"), None)
        if found is not None:
            path = f"/api/session/share-session/{found['id']}"
            shared = _ask(connection, "POST", path, token)
            stage = f"/sessions/{found['id']}/present"
            return WayIn(found["title"], shared["code"], shared["address"], stage)
    return None


def _ask(connection: http.client.HTTPConnection, method: str, path: str, token: str) -> Any:
    connection.request(method, path, headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    body = json.loads(answer.read())
    if answer.status != http.HTTPStatus.OK:
        raise ValueError(path)
    return body
