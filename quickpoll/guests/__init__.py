"""Guests: people without an account. How they come in, by invites or without."""
