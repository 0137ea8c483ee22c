"""Sending a request to another instance, where a proxy offers that.

An instance that is not ready yet has done nothing for a request that it refuses, so another one
may be asked, whatever the request is. A proxy cannot know that from a 503 alone: a vote whose
outcome is unknown is a 503, too. So the proxy says how it wants to be told (the header
``QuickPoll-Elsewhere`` of the request), and only such a refusal is marked in that way:

``@name``
    the answer gets ``X-Accel-Redirect: @name``, and nginx passes the request on to that location
``502``
    the answer has the status 502, which the service never gives otherwise, and nginx asks the next

``config/nginx.conf`` uses the first way once, and then the second. Without the header, as for every
caller that asks an instance itself, the answer is the plain 503.
"""

from __future__ import annotations

import re
from typing import Any

HEADER = b"quickpoll-elsewhere"
REFUSED = "quickpoll.refused_unread"
"""In the scope of a request for which nothing was done."""

_LOCATION = re.compile(rb"@[a-z_]{1,32}")


def passed_on(scope: dict[str, Any], start: dict[str, Any]) -> dict[str, Any]:
    """The start of an answer, so that a proxy that wants to can ask another instance."""
    if REFUSED not in scope:
        return start
    wish = next((value for name, value in scope["headers"] if name == HEADER), b"")
    if wish == b"502":
        return {**start, "status": 502}
    if _LOCATION.fullmatch(wish):
        return {**start, "headers": [*start.get("headers", ()), (b"x-accel-redirect", wish)]}
    return start
