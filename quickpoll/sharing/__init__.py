"""Codes: six letters and digits that lead to whatever has a page."""
