"""How many: a copy in Redis of what MongoDB holds, and the one path by which it changes."""
