"""Ballots: cast, changed, taken back."""
