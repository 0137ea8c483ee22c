"""How long and how much, for every connection: each bound once, with its unit and its reason.

No request is without an end by time. What the application takes to answer is its own to bound.
"""

HEAD_SECONDS = 10.0
"""From the first byte of a head to its last. A head is one to three packets: whoever needs longer
holds a connection for its own sake, and is answered 408."""

DRAIN_BYTES = 1_048_576
"""What is left of a body that was answered early is read and dropped up to this many bytes, so
that the connection serves on; beyond, the answer says that it closes."""

DRAIN_SECONDS = 5.0
"""The same, as time."""

LINGER_BYTES = 16 * DRAIN_BYTES
"""Closing while a client still sends makes its kernel drop our answer. So it may finish sending,
up to this many bytes."""

LINGER_SECONDS = 5.0
"""The same, as time."""

LAST_LINGER_SECONDS = 1.0
"""The same, when the server stops."""

HALF_CLOSED_SECONDS = 10.0
"""A client that has ended its own side may still read (RFC 9293, 3.6), or may have left: nothing
tells before we write. So long its request stays in hand; ordinary ones take three seconds."""

STALLED_SECONDS = 30.0
"""A client that takes no byte of what waits for it, for so long, is cut off. A link that is only
slow takes some within that time."""

FIRST_CALL_SECONDS = 5.0
"""When the server stops: whoever connected did so to ask something, and may do so until its
connection is so old. A busy machine needs a while from one to the other. Less than
``graceful_timeout`` (hypercorn.toml)."""

LAST_HEAD_SECONDS = 1.0
"""When the server stops: a head that has begun to come in may end within so long."""

LAST_CALL_SECONDS = 0.25
"""When the server stops: what a client sent before it could know is still on its way so long."""
