"""What people write: what of it is seen, and which texts look the same.

A text is kept as it was written, white space at its ends aside. What cannot be seen stays in it,
for joiners are part of words in Persian or Hindi, and of emoji; but it makes no text, and no
difference between two.

Properties of characters are those of the Unicode Character Database, by the package ``regex``;
normalisation and case folding are Python's.
"""

from __future__ import annotations

from collections.abc import Iterable
from unicodedata import normalize

import regex

_WHITE_SPACE = " \t\n\v\f\r\u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(
    map(chr, range(0x2000, 0x200B))
)
"""What ``str.strip`` takes as well, the information separators and NEL, are control characters."""

_control = regex.compile("[\x00-\x1f\x7f-\x9f]")
_lone_surrogate = regex.compile("[\ud800-\udfff]")
_turns_around = regex.compile("[\u202a-\u202e\u2066-\u2069]")

# Format characters that are seen: signs that stand over or around digits (Unicode, section 23.2),
# and those that build blocks of hieroglyphs (section 11.4), which no font hides.
_SEEN = r"\p{Prepended_Concatenation_Mark}\U00013430-\U0001343F"
_UNSEEN = rf"[[\p{{Default_Ignorable_Code_Point}}\p{{Cf}}\u2800]--[{_SEEN}]]"
_invisible = regex.compile(_UNSEEN, regex.V1)

# Within an emoji (UTS #51, ED-16 and ED-14a): the joiner between two pictures, and the tags that
# make the flags of England, Scotland and Wales, the only ones that are drawn everywhere.
_JOINER = (
    r"(?<=\p{Extended_Pictographic}[\uFE0F\p{Emoji_Modifier}]*)\u200D(?=\p{Extended_Pictographic})"
)
_FLAGS = "|".join(
    "".join(chr(0xE0000 + ord(letter)) for letter in region)
    for region in ("gbeng", "gbsct", "gbwls")
)
_IN_EMOJI = rf"{_JOINER}|(?<=\U0001F3F4)(?:{_FLAGS})\U000E007F"
_unseen_outside_emoji = regex.compile(rf"(?P<kept>{_IN_EMOJI})|{_UNSEEN}", regex.V1)


def trimmed(text: str) -> str:
    """The text without white space at its ends."""
    return text.strip(_WHITE_SPACE)


def is_blank(text: str) -> bool:
    """Whether nothing of the text can be seen."""
    return not trimmed(_invisible.sub("", text))


def seen_start(text: str) -> str:
    """The text from the first character on that can be seen."""
    return trimmed(_invisible.sub("", text))


def unfit(text: str) -> str | None:
    """What a text must not hold, in a sentence; ``None`` where it holds no such thing."""
    if _control.search(text):
        return "Line breaks, tabs and other control characters are not allowed."
    if _lone_surrogate.search(text):
        return "Half of a character stands in this text; its other half is missing."
    return None


def turned_around(text: str) -> str | None:
    """A sentence about a character that shows what follows in another order than it was written
    in; ``None`` where there is none. Marks that only say a direction (U+200E, U+200F) are fine."""
    found = _turns_around.search(text)
    if found is None:
        return None
    return f"Characters that turn text around are not allowed, and it holds U+{ord(found[0]):04X}."


def look(text: str) -> str:
    """The same for all texts that look alike.

    Compatibility caseless matching (Unicode, definition D146) of what is seen, with runs of white
    space as one space.
    """
    seen = _unseen_outside_emoji.sub(lambda found: found["kept"] or "", text)
    folded = normalize("NFKD", normalize("NFD", seen).casefold())
    return " ".join(normalize("NFKD", folded.casefold()).split())


def look_alikes(texts: Iterable[str | None]) -> dict[int, int]:
    """The places of texts that look like an earlier one, each with the first such place.

    ``None`` and what is blank look like nothing.
    """
    first: dict[str, int] = {}
    found: dict[int, int] = {}
    for place, text in enumerate(texts):
        if text is None or is_blank(text):
            continue
        earlier = first.setdefault(look(text), place)
        if earlier != place:
            found[place] = earlier
    return found
