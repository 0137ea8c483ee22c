"""The peers' own environments, made once and again when their pinned versions change."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

here = Path(__file__).resolve().parent
cache = here / ".cache"


class PeerUnavailableError(RuntimeError):
    """A peer cannot be installed here; the message says why."""


def python_of(peer: str) -> Path:
    """The interpreter of a Python peer's environment, which is made if need be."""
    requirements = here / "peers" / peer / "requirements.txt"
    target = cache / peer
    if not _is_current(target, requirements):
        shutil.rmtree(target, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(target)])
        pip = [str(target / "bin/python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
        _run([*pip, "install", "--no-deps", "--requirement", str(requirements)])
        _mark(target, requirements)
    return target / "bin/python"


def node_folder_of(peer: str) -> Path:
    """The folder from which a Node peer runs, its packages installed."""
    source = here / "peers" / peer
    lock = source / "package-lock.json"
    target = cache / peer
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise PeerUnavailableError("Node.js is not installed")
    if not _is_current(target, lock):
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(source / name, target)
        _run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], target)
        _mark(target, lock)
    shutil.copy(source / "server.js", target)
    return target


def _is_current(target: Path, pinned: Path) -> bool:
    mark = target / ".installed"
    return mark.is_file() and mark.read_text() == _digest(pinned)


def _mark(target: Path, pinned: Path) -> None:
    (target / ".installed").write_text(_digest(pinned))


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _run(command: list[str], folder: Path | None = None) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PeerUnavailableError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
