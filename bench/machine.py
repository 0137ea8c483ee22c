"""The machine: cores to pin to, and what a process has used of it."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

_ticks = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cores:
    """The core of the service, and the one of the stores and the load."""

    service: int
    load: int


def divide_cores() -> Cores:
    """One core for the service, another for all the rest; the same one if there is only one.

    The calling process, and so everything it starts unless pinned elsewhere, moves to the second.
    """
    available = sorted(os.sched_getaffinity(0))
    cores = Cores(available[0], available[-1])
    os.sched_setaffinity(0, {cores.load})
    return cores


def cpu_seconds(pid: int) -> float:
    """Seconds of processor time, user and system, that a process has used, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _ticks


def resident_bytes(pid: int) -> int:
    """Bytes of memory that a process holds."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def description() -> str:
    """The machine in one line, for the head of a report."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return (
        f"{len(os.sched_getaffinity(0)) and os.cpu_count()} cores of {model}, {memory:.0f} GiB, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    )
