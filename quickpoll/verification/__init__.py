"""The log of a verifiable poll: trees, formats, the checker. No store, no clock, no network.

What it proves and every byte of it: ``docs/verification.md``. Who writes a log uses ``growing``,
``entries`` and ``promise``; who checks one begins with ``check``.
:mod:`quickpoll.transparency` writes logs over MongoDB, by what is here.
"""
