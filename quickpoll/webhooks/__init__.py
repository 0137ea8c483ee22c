"""Telling other services what happens to polls: outbox, lease, sender, judge of addresses."""
