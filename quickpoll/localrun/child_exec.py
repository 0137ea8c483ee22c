"""Runs a command that ends when the process that wanted it ends, however that happens.

Started as a program of its own, by path and with nothing but the standard library, so that it
costs a few milliseconds:

    python -I -S child_exec.py PARENT_PID WATCH_FD COMMAND [ARGUMENT…]

It ties itself to its parent and then becomes the command (same process id), so that signals sent
to that id reach the command itself. ``WATCH_FD`` is the end of a pipe whose other end only the
parent holds, or -1 where the kernel can watch the parent for us.
"""

from __future__ import annotations

import os
import select
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h
WATCH_SECONDS = 0.5
LOST_PARENT = 125


def kernel_can_watch() -> bool:
    """Whether the kernel itself can end a child with its parent (Linux)."""
    return sys.platform == "linux"


def ask_kernel() -> None:
    """Have this process killed when its parent's spawning thread ends. Survives ``exec``.

    SIGKILL, because a child that was stopped (SIGSTOP) would keep any other signal waiting.
    Raises :class:`OSError` if the kernel refuses.
    """
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) was refused")


def fork_watcher(watch: int) -> None:
    """Leave a small process behind that ends this one when the pipe's other end closes."""
    guarded = os.getpid()
    if os.fork() != 0:
        os.close(watch)
        return
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while os.getppid() == guarded:
        readable, _, _ = select.select([watch], [], [], WATCH_SECONDS)
        if readable and os.getppid() == guarded:  # nobody ever writes: readable is end of file
            os.kill(guarded, signal.SIGKILL)
            break
    os._exit(0)


def main(arguments: list[str]) -> None:
    """Tie this process to its parent, then become the command."""
    parent, watch, command = int(arguments[0]), int(arguments[1]), arguments[2:]
    if watch < 0:
        ask_kernel()
    else:
        fork_watcher(watch)
    # A parent that died before the line above has sent no signal, and never will.
    if os.getppid() != parent:
        sys.exit(LOST_PARENT)
    # The parent may keep signals blocked for itself; the command starts with none blocked.
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.execvp(command[0], command)  # noqa: S606 (the command is the parent's own)


if __name__ == "__main__":
    main(sys.argv[1:])
