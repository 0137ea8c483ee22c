"""Batches, loops, time limits, ends: how things run at the same time."""
