"""The logs of verifiable polls: written, kept whole over crashes, and served to anybody."""
