"""What pages say: one catalogue a language, and which language somebody reads.

A catalogue has parts: ``page`` for what the service renders; ``script`` for what scripts of pages
say, which is served as a file; ``session`` for what those of sessions say beside it, since pages of
polls need not load it; ``later``, another file, for scripts that a page loads when all else is
there. A text is a sentence, or one for each plural category of the language (CLDR); only scripts
have those, as they know the numbers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

FOLDER = Path(__file__).parent / "texts"

LANGUAGES = ("en", "de", "fr", "es", "pt", "pl", "ar", "ja", "zh")
"""In the order in which they are offered; the first is for whoever reads none of them."""

_FROM_RIGHT = frozenset({"ar"})
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class Texts:
    """The texts of one language; called with a name, it answers the text as markup."""

    def __init__(self, language: str, catalogue: Mapping[str, Mapping[str, Any]]) -> None:
        self.language = language
        self.direction = "rtl" if language in _FROM_RIGHT else "ltr"
        parts = ("later", "session", "script", "page")
        self.all = {name: text for part in parts for name, text in catalogue[part].items()}
        whole = {**catalogue["script"], **catalogue["session"]}
        self.modules = {"": _as_module(catalogue["script"]), "session": _as_module(whole)}
        self.later = _as_module(catalogue["later"])

    def __call__(self, name: str, /, **values: str) -> Markup:
        """The text, with values in its places. What is no markup is escaped."""
        return Markup(  # noqa: S704 - the text is escaped, and so are values that are no markup
            _PLACEHOLDER.sub(lambda found: escape(values[found[1]]), escape(self.all[name]))
        )


def read_all(root: Path = FOLDER) -> dict[str, Texts]:
    """Every language with its texts."""
    return {one: Texts(one, json.loads((root / f"{one}.json").read_bytes())) for one in LANGUAGES}


def chosen(asked: str, accepted: Iterable[str]) -> str:
    """The language of a page: the one asked for, or the first of the browser's that there is.

    ``accepted`` are the tags of ``Accept-Language``, the best first.
    """
    for tag in (asked, *accepted):
        language = tag.lower().replace("_", "-").split("-")[0]
        if language in LANGUAGES:
            return language
    return LANGUAGES[0]


def _as_module(texts: Mapping[str, Any]) -> bytes:
    """A module that a page's script imports: browsers fetch those early, and check their type."""
    packed = json.dumps(texts, ensure_ascii=False, separators=(",", ":"))
    return f"export default {packed};\n".encode()
