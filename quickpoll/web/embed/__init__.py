"""Polls in other pages: an element, and a frame around it."""
