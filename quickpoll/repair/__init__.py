"""Putting the counts right: recounts, the reconciler, and waiting until a change is final."""
