"""``make run``: embedded stores, a secret, demo polls, one process that leaves nothing behind."""
