"""The files that pages load: scripts, styles, fonts, texts, and what others wrote."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from quickpoll.web.content import BEST, Content, content

FOLDER = Path(__file__).parent / "static"

# Named here because what the `mimetypes` module knows differs between machines, and with
# `nosniff` a browser runs no script of another type.
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
_TEXT = "text/plain; charset=utf-8"
_PACKED_ALREADY = {".png", ".woff2"}
_IMPORTED = re.compile(r"""^\s*(?:import|export)\b[^"'()]*["'](\.[^"']+)["']""", re.MULTILINE)

_COMMENT = re.compile(
    rb"^[ \t]*(?://.*|/\*(?:[^*]|\*(?!/))*\*/[ \t]*)\n|/\*\* @(?:[^*]|\*(?!/))*\*/ ?", re.MULTILINE
)
"""What stands on lines of its own in our scripts and styles, and types within a line: for who
reads the source, and no browser."""

FOR_GOOD = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"


class Assets:
    """The files in ``static/``, under an address that changes when any of them does.

    One digest covers all files, so that a module's relative imports stay within one release.
    ``made`` are files that are not in the folder, by their names.
    """

    def __init__(self, root: Path = FOLDER, made: Mapping[str, bytes] | None = None) -> None:
        self.root = root
        self._made = dict(made or {})
        found = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
        self._names = frozenset(found | set(self._made))
        self.digest = self._digest()
        self.content = cache(self._content)
        self.modules = cache(self._modules)

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

    def body(self, name: str) -> bytes:
        """What is in a file."""
        return self._made[name] if name in self._made else (self.root / name).read_bytes()

    def _content(self, name: str) -> Content:
        """What is sent of a file, compressed once."""
        is_text = Path(name).suffix not in _PACKED_ALREADY
        return content(self.served(name), is_text=is_text, level=BEST)

    def served(self, name: str) -> bytes:
        """What is sent of a file: the same, our own comments aside."""
        ours = name.startswith("js/") or (name.endswith(".css") and not name.startswith("vendor/"))
        return _COMMENT.sub(b"", self.body(name)) if ours else self.body(name)

    def _modules(self, entry: str) -> tuple[str, ...]:
        """The modules that a script imports, those of its imports too, in the order of need.

        A browser that is told of all at once need not find them one after the other.
        """
        found: dict[str, None] = {}
        self._collect(entry, found)
        del found[entry]
        return tuple(found)

    def _collect(self, name: str, found: dict[str, None]) -> None:
        found[name] = None
        for imported in self._imports(name):
            if imported not in found:
                self._collect(imported, found)

    def _imports(self, name: str) -> Iterator[str]:
        for path in _IMPORTED.findall(self.body(name).decode()):
            place = (self.root / name).parent / path
            yield place.resolve().relative_to(self.root.resolve()).as_posix()

    def _digest(self) -> str:
        whole = hashlib.sha256()
        for name in sorted(self._names):
            whole.update(name.encode() + b"\0")
            whole.update(hashlib.sha256(self.body(name)).digest())
        return whole.hexdigest()[:16]
