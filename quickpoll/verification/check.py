"""The checker: whether the log of a poll is what the service says it is. It trusts nobody.

It reads public files through ``fetch(path) -> bytes`` and what a voter or an onlooker kept; it
knows nothing of the service's stores. In the order below:

1. the checkpoint: the service's signed word on how long the log is and what is in it;
2. every entry and every hash of the tree, up to the root in the checkpoint;
3. older checkpoints: the log has only grown since;
4. the entries one by one: each is allowed where it stands (``fold``);
5. once closed: each ballot opened, and the sum of the openings against the tally;
6. a voter's receipt, and promises; 7. what the poll's page shows, against the log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from quickpoll.verification import entries, findings, notes, tree
from quickpoll.verification.broken import Wrong, require
from quickpoll.verification.findings import CannotCheck, NotServed
from quickpoll.verification.fold import Fold
from quickpoll.verification.openings import LEAST_BALLOTS, Opening, parse_openings
from quickpoll.verification.promise import LEAST_DEPTH, Promise, open_promise
from quickpoll.verification.reading import read_entries, read_hashes, read_keys
from quickpoll.verification.receipt import Receipt

LOOKS = 5
"""How often a log that grows meanwhile is looked at again before its findings are believed."""


def check(
    fetch: findings.Fetch,
    poll_id: str,
    keys: Iterable[notes.VerifierKey],
    kept: findings.Kept,
    now: float,
) -> findings.Report:
    """Check a poll's log; without ``keys`` under those of ``log/key``. ``now`` is a Unix time.

    Files are read one after the other while the log may grow: where something is wrong and a
    newer checkpoint is out, all is looked at again, and the first one has to be honoured, too.
    Raises :class:`~quickpoll.verification.findings.CannotCheck`.
    """
    trusted = tuple(keys) or read_keys(fetch)
    for _ in range(LOOKS):
        checker = Checker(fetch, poll_id, trusted, now)
        report = checker.run(kept)
        if not report.findings or not checker.has_grown():
            break
        kept = replace(kept, checkpoints=[*kept.checkpoints, report.signed])
    return report


class Checker:
    """One look at one log."""

    def __init__(
        self, fetch: findings.Fetch, poll_id: str, keys: Iterable[notes.VerifierKey], now: float
    ) -> None:
        self.fetch, self.poll_id, self.keys, self.now = fetch, poll_id, tuple(keys), now
        self.log = f"log/{poll_id}"
        self.report = findings.Report()
        self.lines: list[bytes] = []
        self.leaves: list[bytes] = []
        self.read: list[entries.Entry | None] = []
        self.fold = Fold(poll_id)

    def run(self, kept: findings.Kept) -> findings.Report:
        """All seven steps."""
        self.report.signed = self.newest()
        if not self._step(self._read, self.report.signed):
            self.report.notes.append("The log cannot be read as signed: nothing else was checked.")
            return self.report
        for checkpoint in kept.checkpoints:
            self._step(self._kept_checkpoint, checkpoint)
        self._step(require, bool(self.lines), "no_definition", "the log has no entry")
        for number, line in enumerate(self.lines):
            self._step(self._entry, number, line)
        self.report.fold = self.fold
        if self.fold.closed:
            self._step(self._openings, self.fold.closed)
        for receipt in kept.receipts:
            self._step(self._receipt, receipt)
        for promise in kept.promises:
            self._step(self._promise, promise)
        if kept.shown is not None:
            self._step(self._shown, kept.shown)
        return self.report

    def _step(self, work: Callable[..., None], *arguments: object) -> bool:
        """Do a step; what is wrong ends the step and becomes a finding."""
        try:
            work(*arguments)
        except Wrong as error:
            self.report.findings.append(findings.Finding(error.code, str(error)))
            return False
        return True

    # 1. Key and checkpoint.

    def newest(self) -> bytes:
        """The checkpoint that is served now. Raises ``CannotCheck``."""
        try:
            return self.fetch(f"{self.log}/checkpoint")
        except NotServed as error:
            raise CannotCheck(f"there is no log of poll {self.poll_id}: {error}") from error

    def has_grown(self) -> bool:
        """Whether a newer one is out."""
        try:
            return self.newest() != self.report.signed
        except CannotCheck:
            return False

    def _checkpoint(self, signed: bytes, what: str) -> notes.Checkpoint:
        try:
            checkpoint, key = notes.open_checkpoint(signed, self.keys)
        except notes.UnknownSigner as error:
            raise Wrong("signature", f"{what}: {error}") from error
        except ValueError as error:
            raise Wrong("checkpoint_form", f"{what}: {error}") from error
        own = f"{key.name}/log/{self.poll_id}"
        require(checkpoint.origin == own, "origin", f"{what} is of {checkpoint.origin}, not {own}")
        return checkpoint

    # 2. Every entry and every hash.

    def _read(self, signed: bytes) -> None:
        checkpoint = self._checkpoint(signed, "the checkpoint")
        self.lines = read_entries(self.fetch, self.log, checkpoint.size)
        self.leaves = [tree.leaf_hash(line) for line in self.lines]
        read_hashes(self.fetch, self.log, self.leaves)
        same = tree.root(self.leaves) == checkpoint.root
        require(same, "root", "the entries do not make the root that is signed")

    # 3. Older checkpoints, signed ones and those of live updates.

    def _kept_checkpoint(self, content: bytes) -> None:
        if not content.lstrip().startswith(b"{"):
            older = self._checkpoint(content, "the kept checkpoint")
            return self._grown(older.size, older.root, "the kept checkpoint")
        try:
            return self._grown(*notes.parse_announced(content), "the kept checkpoint")
        except ValueError as error:
            raise Wrong("checkpoint_form", f"the kept checkpoint: {error}") from error

    def _grown(self, size: int, root: bytes, what: str) -> None:
        held = len(self.leaves)
        require(size <= held, "cut_short", f"{what} has {size} entries, the log has {held}")
        same = tree.root(self.leaves[:size]) == root
        require(same, "forked", f"{what} has {size} entries that are not those of this log")

    # 4. The entries, one by one.

    def _entry(self, number: int, line: bytes) -> None:
        self.read.append(None)
        try:
            self.read[-1] = entry = entries.parse_entry(line)
            self.fold.apply(entry)
        except entries.BadEntry as error:
            raise Wrong("entry_form", f"entry {number}: {error}") from error
        except Wrong as error:
            raise Wrong(error.code, f"entry {number}: {error}") from error

    def _about(self, tag: str, after: int) -> entries.Entry | None:
        """The next entry about a tag after the one of this number."""
        later = (one for one in self.read[after + 1 :] if one and one.tag == tag)
        return next(later, None)

    # 5. The openings, and their sum.

    def _openings(self, close: entries.Entry) -> None:
        if self.fold.sealed:
            said = f"{len(self.fold.sealed)} of {close.ballots} ballots are sealed by erasure."
            self.report.notes.append(said)
        if close.ballots < LEAST_BALLOTS:
            few = f"With fewer than {LEAST_BALLOTS} ballots nothing is opened"
            return self.report.notes.append(f"{few}: the sum is not proven.")
        try:
            opened = parse_openings(self.fetch(f"{self.log}/openings"))
        except NotServed as error:
            raise Wrong("openings_withheld", f"the openings are not served: {error}") from error
        except ValueError as error:
            raise Wrong("opening_form", f"openings: {error}") from error
        tags = [one.tag for one in opened]
        ordered = tags == sorted({*tags})
        self._step(require, ordered, "openings_order", "openings out of order, or one twice")
        for one in opened:
            self._step(self._opening, one, close)
        missing = len(self.fold.ballots.keys() - self.fold.sealed - {*tags})
        self._step(require, not missing, "openings_missing", f"{missing} ballots are not opened")
        return self._sum(close, opened)

    def _opening(self, one: Opening, close: entries.Entry) -> None:
        counts = one.tag in self.fold.ballots and one.tag not in self.fold.sealed
        require(counts, "opening_foreign", f"no ballot to be opened has the tag {one.tag}")
        commit = entries.commit(self.poll_id, one.tag, one.salt, one.option_ids)
        cast = commit == self.fold.ballots[one.tag]
        require(cast, "commitment", f"the opening of {one.tag} is not what was cast")
        least, most = self.fold.choices()
        known = {option_id for option_id, _ in close.tally}
        sound = least <= len(one.option_ids) <= most and known.issuperset(one.option_ids)
        require(sound, "opening_choice", f"the opening of {one.tag} is no possible ballot")

    def _sum(self, close: entries.Entry, opened: list[Opening]) -> None:
        sealed, unopened = len(self.fold.sealed), 0
        for option_id, votes in close.tally:
            rest = votes - sum(option_id in one.option_ids for one in opened)
            possible = 0 <= rest <= sealed
            said = f"option {option_id} was given {votes} votes, the openings say {votes - rest}"
            self._step(require, possible, "sum", said)
            unopened += rest
        least, most = (sealed * choices for choices in self.fold.choices())
        require(least <= unopened <= most, "sum", "the openings do not make the tally")

    # 6. A voter's receipt, and promises.

    def _receipt(self, content: bytes) -> None:
        try:
            receipt = Receipt.parse(content)
            entry = entries.parse_entry(receipt.entry)
        except ValueError as error:
            raise Wrong("receipt_form", f"the receipt: {error}") from error
        cast = entry.kind in ("cast", "change")
        require(cast, "receipt_form", f"the receipt is of a {entry.kind}, which is no ballot")
        self._is_theirs("receipt", entry, receipt)
        proof = receipt.proof
        older = self._checkpoint(proof.checkpoint, "the receipt's checkpoint")
        leaf = tree.leaf_hash(receipt.entry)
        root = tree.root_by_path(leaf, proof.index, older.size, proof.path)
        require(root == older.root, "receipt_path", "the receipt does not prove what it says")
        there = self.lines[proof.index : proof.index + 1] == [receipt.entry]
        self._step(require, there, "receipt_entry", f"entry {proof.index} is not the receipt's")
        self._grown(older.size, older.root, "the receipt's checkpoint")
        if later := self._about(entry.tag, after=proof.index):
            said = (
                f"the ballot of the receipt has a later {later.kind}: not yours, if you made none"
            )
            raise Wrong("receipt_outdated", said)
        self.report.notes.append(f"The receipt is of the ballot of user {receipt.user_id}.")

    def _is_theirs(self, what: str, entry: entries.Entry, held: Receipt | Promise) -> None:
        """The tag is this voter's, the commitment this choice's, as far as both are told."""
        if held.user_id is None:
            self.report.notes.append(f"The {what} names no user: whose it is was not checked.")
        else:
            own = entries.tag(self.poll_id, held.pepper, held.user_id) == entry.tag
            require(own, f"{what}_tag", f"the {what} is not of user {held.user_id} in this poll")
        if held.salt is None or held.option_ids is None:
            if entry.commit:
                self.report.notes.append(f"The {what} was checked without the choice in it.")
            return
        commit = entries.commit(self.poll_id, entry.tag, held.salt, held.option_ids)
        require(commit == entry.commit, f"{what}_commit", f"the {what} is not of this choice")

    def _promise(self, content: bytes) -> None:
        try:
            promise = Promise.parse(content)
            entry = entries.parse_entry(promise.entry)
        except ValueError as error:
            raise Wrong("promise_form", f"the promise: {error}") from error
        require(bool(entry.tag), "promise_form", f"the promise is of a {entry.kind}")
        self._is_theirs("promise", entry, promise)
        try:
            root, due = open_promise(promise.note, self.keys)
        except ValueError as error:
            raise Wrong("promise_signature", f"the promise: {error}") from error
        depth = len(promise.path)
        leaf = tree.leaf_hash(promise.entry)
        leads = tree.root_by_path(leaf, promise.index, 1 << depth, promise.path) == root
        require(leads and depth >= LEAST_DEPTH, "promise_path", "the promise is of another entry")
        self._is_kept(promise.entry, entry, due)

    def _is_kept(self, line: bytes, entry: entries.Entry, due: int | None) -> None:
        if line in self.lines:
            if later := self._about(entry.tag, after=self.lines.index(line)):
                said = f"A later {later.kind} is in the log: not yours, if you made none."
                self.report.notes.append(f"The promise was kept. {said}")
            return
        overdue = self.fold.closed is not None or (due is not None and due < self.now)
        require(not overdue, "promise_broken", "what was promised is not in the log")
        self.report.notes.append("The promise is not due yet, and its entry not in the log.")

    # 7. What the page shows.

    def _shown(self, shown: Mapping[str, Any]) -> None:
        poll, close = self.fold.poll, self.fold.closed
        try:
            same = poll is not None and poll == entries.poll_shown(poll.nonce, shown)
            require(same, "definition", "the poll that is shown is not the one in the log")
            if shown["status"] != "closed":
                return
            require(close is not None, "not_closed", "shown as closed, open in the log")
            if close and not shown.get("resultsHidden"):
                same = close == entries.close_shown(shown)
                require(same, "counts_shown", "the counts that are shown are not the log's")
        except (KeyError, TypeError, ValueError) as error:
            raise Wrong("shown_form", f"the poll that is shown: {error!r}") from error
