"""The result of a poll as a picture: question and bars, in SVG. Pure: texts in, text out.

It is as wide and high as those who show such pictures want it (Open Graph: 1.91 to 1). How wide a
text is, is estimated, generously: it is drawn elsewhere.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 1200, 630

_EDGE = 72
_MOST_LINES = 3
_MOST_OPTIONS = 6
_HIGHEST_ROW = 120
_PAPER, _INK, _TRACK, _BAR = "#fbf9f3", "#1b1813", "#ece7db", "#857c6b"
_SERIF, _SANS = "Newsreader", "Libre Franklin"
_ISOLATE_FROM_RIGHT, _ISOLATE, _END = "\u2067", "\u2068", "\u2069"

_NARROW, _WIDE = frozenset("iljtfrI.,:;'|!()[] "), frozenset("mwMWQO@%&—")


@dataclass(frozen=True)
class Bar:
    """An option: its text, its share of the voters (0 to 1) and the percents that are shown."""

    text: str
    share: float
    percent: int


def svg(question: str, bars: Sequence[Bar]) -> str:
    """The picture. With more options than fit the leading ones are shown, in the poll's order."""
    size, lines = _question(question)
    from_right = reads_from_right(question)
    parts = [f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{_PAPER}"/>']
    bottom = _EDGE
    for line in lines:
        bottom += round(size * 1.15)
        parts.append(_text(line, bottom, size, _SERIF, from_right=from_right))
    parts.append(
        f'<rect x="{_EDGE}" y="{bottom + 22}" width="{_INSIDE}" height="4" fill="{_INK}"/>'
    )
    parts += _rows(_shown(bars), bottom + 40, from_right)
    box = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {box}>{"".join(parts)}</svg>'


_INSIDE = WIDTH - 2 * _EDGE


def reads_from_right(text: str) -> bool:
    """Whether the first letter with a direction is one of a script from right to left."""
    kinds = (unicodedata.bidirectional(letter) for letter in text)
    return next((kind for kind in kinds if kind in ("L", "R", "AL")), "L") != "L"


def _question(text: str) -> tuple[int, list[str]]:
    for size in (64, 54, 46):
        lines = wrapped(text, size, _INSIDE)
        if len(lines) <= _MOST_LINES:
            return size, lines
    return 46, [*lines[: _MOST_LINES - 1], cut(" ".join(lines[_MOST_LINES - 1 :]), 46, _INSIDE)]


def _shown(bars: Sequence[Bar]) -> list[Bar]:
    leading = sorted(range(len(bars)), key=lambda place: (-bars[place].share, place))
    return [bars[place] for place in sorted(leading[:_MOST_OPTIONS])]


def _rows(bars: Sequence[Bar], top: int, from_right: bool) -> list[str]:
    room = min(_HIGHEST_ROW, (HEIGHT - _EDGE // 2 - top) / len(bars))
    size = min(36, int(room * 0.5))
    most = max(bar.share for bar in bars)
    parts = []
    for place, bar in enumerate(bars):
        base = round(top + place * room + size * 1.1)
        figure = f"{bar.percent}%"
        words = cut(bar.text, size, _INSIDE - round(size * 3.2))
        parts.append(_text(words, base, size, _SANS, from_right=from_right))
        parts.append(_text(figure, base, size, _SERIF, from_right=not from_right, isolate=False))
        color = _INK if bar.share == most and most else _BAR
        parts += _bar(
            bar.share, base + round(size * 0.35), max(6, round(room * 0.14)), color, from_right
        )
    return parts


def _bar(share: float, y: int, height: int, color: str, from_right: bool) -> list[str]:
    width = round(_INSIDE * min(share, 1))
    x = WIDTH - _EDGE - width if from_right else _EDGE
    track = f'<rect x="{_EDGE}" y="{y}" width="{_INSIDE}" height="{height}" fill="{_TRACK}"/>'
    return [track, f'<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="{color}"/>']


def _text(
    text: str, y: int, size: int, family: str, *, from_right: bool, isolate: bool = True
) -> str:
    x, anchor = (WIDTH - _EDGE, "end") if from_right else (_EDGE, "start")
    if isolate:
        begin = _ISOLATE_FROM_RIGHT if reads_from_right(text) else _ISOLATE
        text = f"{begin}{text}{_END}"
    return (
        f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-family="{family}" '
        f'font-size="{size}" fill="{_INK}">{escape(text)}</text>'
    )


def wrapped(text: str, size: int, most: int) -> list[str]:
    """Lines no wider than that; a word that is, is broken."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if width(longer, size) <= most:
            lines[-1] = longer
            continue
        if lines[-1]:
            lines.append("")
        for letter in word:
            if width(lines[-1] + letter, size) > most:
                lines.append("")
            lines[-1] += letter
    return lines


def cut(text: str, size: int, most: int) -> str:
    """The text, or as much of its beginning as fits, with an ellipsis."""
    if width(text, size) <= most:
        return text
    while text and width(text + "…", size) > most:
        text = text[:-1]
    return text.rstrip() + "…"


def width(text: str, size: int) -> float:
    """About how wide a text is, in points of the picture."""
    return sum(_width(letter) for letter in text) * size


def _width(letter: str) -> float:
    if unicodedata.combining(letter) or unicodedata.category(letter) == "Cf":
        return 0.0
    if unicodedata.east_asian_width(letter) in "WF":
        return 1.0
    if letter in _NARROW:
        return 0.36
    return 0.92 if letter in _WIDE else 0.7 if letter.isupper() else 0.56
