"""HTTP/1.1 for Hypercorn, parsed by llhttp (httptools) instead of pure Python.

``install()`` replaces, in this process, how Hypercorn serves a connection; ``uninstall()`` undoes
it. Requests are parsed by llhttp, run in one task each, and answered with one write; a WebSocket
handshake, HTTP/2 and anything else out of the ordinary goes to Hypercorn's own code with every
byte read so far. Without httptools, or with a Hypercorn that this package does not know, nothing
is replaced.
"""

import logging

__all__ = ["install", "uninstall"]


def install() -> bool:
    """Serve by this package from now on; False, and one line in the log, where that cannot be."""
    try:
        from quickpoll.foundation.http1.takeover import install as take_over
    except ImportError as error:
        logging.getLogger(__name__).warning(
            "HTTP/1.1 is served by Hypercorn's own, slower parser: %s", error
        )
        return False
    return take_over()


def uninstall() -> None:
    """Serve by Hypercorn's own code again."""
    try:
        from quickpoll.foundation.http1.takeover import uninstall as give_back
    except ImportError:
        return
    give_back()
