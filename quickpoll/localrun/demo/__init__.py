"""Demo polls, for the first start on a machine."""
