"""Processes of this machine, as the kernel tells of them (Linux)."""

from __future__ import annotations

import os
import signal
from pathlib import Path


def hear_signals() -> None:
    """For ``preexec_fn`` of a child that a test signals: it hears what a terminal sends.

    What a background job's shell or ``nohup`` ignores is ignored by all below it, the tests' own
    children included.
    """
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


def exists(pid: int) -> bool:
    """Whether a process lives; one that waits to be reaped does not."""
    return _stat(pid)[:1] not in ([], ["Z"])


def children_of(pid: int) -> list[int]:
    """The living processes that a process has started."""
    return [other for other in _all() if exists(other) and _stat(other)[1:2] == [str(pid)]]


def of_session(session: int) -> list[int]:
    """The living processes of a session: a child and, where there is one, its watcher."""
    found = []
    for pid in filter(exists, _all()):
        try:
            if os.getsid(pid) == session:
                found.append(pid)
        except ProcessLookupError:
            continue
    return found


def _all() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _stat(pid: int) -> list[str]:
    """State, parent and so on (proc(5)); nothing where there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
