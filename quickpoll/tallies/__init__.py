"""How many, and the bell that rings when that changes: a copy in Redis of what MongoDB holds."""
