"""Screens: who watches what, and bringing them the counts."""
