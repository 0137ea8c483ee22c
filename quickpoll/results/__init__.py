"""Counts meet a person here, and nowhere else: what a caller may see of a poll."""
