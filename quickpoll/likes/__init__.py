"""Likes: given and taken back."""
