"""The way in by a short code."""
