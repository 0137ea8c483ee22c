"""How thousands of sockets are written to: fan-out, outboxes, frames; no word of polls."""
