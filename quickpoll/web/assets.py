"""The files that pages load: scripts, styles, fonts, and what others wrote."""

from __future__ import annotations

import hashlib
from pathlib import Path

FOLDER = Path(__file__).parent / "static"

# Named here because what the `mimetypes` module knows differs between machines, and with
# `nosniff` a browser runs no script of another type.
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
_TEXT = "text/plain; charset=utf-8"

FOR_GOOD = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"


class Assets:
    """The files in ``static/``, under an address that changes when any of them does.

    One digest covers all files, so that a module's relative imports stay within one release.
    """

    def __init__(self, root: Path = FOLDER) -> None:
        self.root = root
        self._names = frozenset(
            path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()
        )
        self.digest = self._digest()

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def media_type(self, name: str) -> str:
        """The ``Content-Type`` of a file."""
        return _TYPES.get(Path(name).suffix, _TEXT)

    def cache_control(self, digest: str) -> str:
        """How long a file may be kept that was asked for under this digest.

        Another digest is that of another release, as between two instances during an upgrade:
        what is answered then may not be what that address should keep.
        """
        return FOR_GOOD if digest == self.digest else ASK_AGAIN

    def _digest(self) -> str:
        whole = hashlib.sha256()
        for name in sorted(self._names):
            whole.update(name.encode() + b"\0")
            whole.update(hashlib.sha256((self.root / name).read_bytes()).digest())
        return whole.hexdigest()[:16]
