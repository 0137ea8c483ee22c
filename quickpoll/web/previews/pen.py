"""Draws an SVG as a PNG: ``python -m quickpoll.web.previews.pen``, SVG in, PNG out.

A process of its own, because the library holds on to the interpreter while it draws, tens of
milliseconds in which a service would answer nobody; and nothing that a picture costs or breaks
stays behind.

Letters that our own fonts have not are taken from the system's. Where it has none for a script,
there is no picture (status 3): half a question is worse than none.
"""

from __future__ import annotations

import sys
import unicodedata
from pathlib import Path

import resvg_py

FONTS = tuple(
    str(Path(__file__).parents[1] / "static" / "vendor" / folder / f"{folder}-picture.ttf")
    for folder in ("newsreader", "libre-franklin")
)
NO_LETTERS = 3
"""The exit status where nothing here can write what is to be drawn."""


def png(svg: str) -> bytes | None:
    """The picture; ``None`` where there are no letters for it."""
    foreign = {_script(letter): letter for letter in sorted(set(svg)) if _is_foreign(letter)}
    blank = _drawn(_sample(" "), foreign=True) if foreign else b""
    if any(_drawn(_sample(letter), foreign=True) == blank for letter in foreign.values()):
        return None  # for what has no letter, nothing is drawn
    return _drawn(svg, foreign=bool(foreign))


def _is_foreign(letter: str) -> bool:
    """Whether our own fonts, which are for the languages of Europe, have no such letter."""
    known = letter < "\u0180" or letter in "€™\u2212←↑→↓"
    return not known and unicodedata.category(letter)[0] in "LNS"


def _script(letter: str) -> str:
    return unicodedata.name(letter, "?").split()[0]


def _sample(letter: str) -> str:
    text = f'<text x="8" y="30" font-family="Newsreader" font-size="28">{letter}</text>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="48" height="40">{text}</svg>'


def _drawn(svg: str, *, foreign: bool) -> bytes:
    return bytes(
        resvg_py.svg_to_bytes(svg_string=svg, font_files=list(FONTS), skip_system_fonts=not foreign)
    )


if __name__ == "__main__":
    drawn = png(sys.stdin.read())
    if drawn is None:
        sys.exit(NO_LETTERS)
    sys.stdout.buffer.write(drawn)
