"""The files that operators use, checked by the tools that read them."""
