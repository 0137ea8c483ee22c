"""The log of a verifiable poll: trees, formats, the checker. No store, no clock, no network.

What it proves and every byte of it: ``docs/verification.md``. Who writes a log uses ``growing``,
``entries`` and ``promise``; who checks one begins with ``check``.

How a log is to be written over MongoDB (the sequencer, which is not here yet):

*A ballot carries its own entries.* Every write of a ballot on a verifiable poll pushes its entry
to ``waiting`` in the same document, and sets ``unlogged`` to the token of its vote batch; tag and
commitment are hashed before the write, since the promise needs them. So a write and its entry are
one, whenever it lands, and a sparse index on ``unlogged`` finds what waits. Retractions and
erasures empty the document, which stays as it does in any poll. Other polls have neither field
and no index entry: they pay nothing. What the owner does (``poll``, ``reopen``, ``close`` with
its counts, once it is final) is pushed to the log's own document by a compare-and-set.

*Collections.* ``log``: one document a poll, with key id, ``size``, the edge (``GrowingLog``),
``step`` (a counter), ``journal``, ``owner`` (entries waiting), ``published`` (size, root, signed
checkpoint), the openings' close. ``log_tile``: ``(poll, level, number)`` → content and width.
``log_lease``: which instance works; it saves work and decides nothing.

*A step*, for each poll with something waiting, once a second, or up to five seconds later where
only few wait:

1. Read what waits, shuffle it (``shuffled``), and write it to ``journal`` with its first index:
   a compare-and-set on ``step``, allowed only where ``journal`` is empty. From here on these
   lines at these places are the log, whoever goes on.
2. Write tiles and bundles. They follow from edge and journal alone, so writing them again writes
   the same; a narrower one never takes the place of a wider one (the filter compares widths).
3. Compare-and-set ``size``, edge, and, where the log is not sealed, ``published``.
4. Take the marks off: one ``update_many`` for ballots whose ``unlogged`` is still the token that
   was read (it unsets ``waiting``, and sets ``logged`` to the step's first index, where receipts
   find it), a ``$pull`` for each line of a ballot that was written to meanwhile. Tokens are
   never used twice, so what lands late does nothing.
5. Empty ``journal``: a compare-and-set on ``step``.

A crash after 1 to 4 leaves a journal, and whoever comes next does 2 to 5 again: nothing is
doubled, for a line leaves ``waiting`` before another step can begin. An instance that slept finds
``step`` changed; what it still writes is what has been written. A step that closes takes the
ballots first (a final close has fenced what could still land), then ``close``, over several
steps where they are many; ``published`` is set by the last. Openings are served from the ballots
under the published close, an erased one's line goes with the step that publishes its ``erase``.

*A forgotten ballot.* ``log`` keeps how many ballots its fold holds. For a quiet poll the
reconciler compares that, changed by what waits, with what it counts in MongoDB. Where they differ
it folds the log, compares tag and commitment of each ballot, pushes what is missing to
``waiting`` and counts it as drift. After a close nothing may be pushed: then it is an alarm.

*Promises.* After MongoDB has acknowledged a batch: one ``PromiseTree`` over the entries that were
taken, one signature for each ``by`` (two at the most). Measured 10 µs of processor time a vote
with hashes and JSON in batches of 64, 49 alone, where a plain vote takes some hundreds.

*Restored stores* can be older than what was signed. Only something outside of them can tell: the
published head goes to Redis, too, and a sequencer that finds a longer one there stops and says so.
"""
