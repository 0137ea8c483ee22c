"""One module out of several: what another page loads of ours is one file.

Each module becomes a function of its own, so that no name of one meets a name of another; what it
exports is what the function answers. That is all there is of it: modules that import in a circle,
or wait at their top, are not for this.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from posixpath import dirname, join, normpath

from quickpoll.web.texts import Texts

ENTRY = "js/embed/element.js"

REPLACED = {"js/session.js": "js/embed/nobody.js"}
"""Modules for what a page of ours has and an element has not: a tab of its own."""


TEXTS = "js/embed/all-texts.js"

NEVER_SAID = re.compile(
    r"error_(?:forbidden|guests_not_allowed|locked|option_not_found|overloaded|poll_has_votes"
    r"|payload_too_large|results_hidden|vote_change_not_allowed)(?:_next)?"
    r"|error_\w+_token_next|connection_(?:connecting|live|offline)|admin"
)
"""Of the texts that the modules can name, those that an element never says (``paper.js``)."""

_OF_THE_READER = re.compile(r"^export const (language|fromRight|catalogue) = .*;$", re.M)
_IMPORT = re.compile(r'^import\s+(?:\{([^}]*)\}|\*\s+as\s+(\w+))\s+from\s+"(\.[^"]+)";\n?', re.M)
_RENAMED = re.compile(r"(\w+)\s+as\s+(\w+)")
_DECLARED = re.compile(r"^export\s+((?:async\s+)?(?:const|let|class|function\*?)\s+(\w+))", re.M)
_LISTED = re.compile(r"export\s*\{([^}]*)\};?")
_LEFT = re.compile(r"^\s*(?:import|export)\b.*$", re.M)
_MAPPED = re.compile(r"^//# sourceMappingURL=.*$", re.M)
_QUOTED = re.compile(r'"(\w+)"')
_BEGINNING = re.compile(r"`(\w+_)\$\{")


class CannotJoin(ValueError):
    """A module is written in a way that is not for this."""


def joined(source: Callable[[str], str], languages: Mapping[str, Texts]) -> bytes:
    """The module of the element: ``source`` answers the text of a script by its name."""
    places: dict[str, str] = {}  # {name: the place that it has in the whole}
    parts: list[str] = []

    def add(name: str) -> str:
        """Put a module and what it needs into the whole; answers its place there."""
        if name not in places:
            places[name] = ""
            text = _texts(source, languages) if name == TEXTS else _source(source, name)
            body = _IMPORT.sub(lambda found: _bound(found, add(_target(name, found[3]))), text)
            places[name] = f"m{len(parts)}"
            parts.append(f"const {places[name]} = {_as_function(name, body)};")
        if not places[name]:
            raise CannotJoin(f"{name} is imported in a circle")
        return places[name]

    add(ENTRY)
    return "\n".join(parts).encode()


def _source(source: Callable[[str], str], name: str) -> str:
    """The text of a script; what a page was told of its reader, an element finds out."""
    if name.startswith("js/embed/"):
        return source(name)
    found_out = r'import { \1 as found_\1 } from "./embed/reader.js";\nexport const \1 = found_\1;'
    return _OF_THE_READER.sub(found_out, source(name))


def _target(importer: str, path: str) -> str:
    name = normpath(join(dirname(importer), path))
    return REPLACED.get(name, name)


def _bound(found: re.Match[str], place: str) -> str:
    names, whole, _ = found.groups()
    if whole:
        return f"const {whole} = {place};\n"
    renamed = _RENAMED.sub(r"\1: \2", names)
    return f"const {{ {renamed} }} = {place};\n"


def _as_function(name: str, body: str) -> str:
    exported = {found[2]: found[2] for found in _DECLARED.finditer(body)}
    for found in _LISTED.finditer(body):
        for one in filter(None, (part.strip() for part in found[1].split(","))):
            inner, _, outer = one.partition(" as ")
            exported[outer or inner] = inner
    body = _MAPPED.sub("", _LISTED.sub("", _DECLARED.sub(r"\1", body))).strip()
    if left := _LEFT.search(body):
        raise CannotJoin(f"{name}: {left[0][:80]}")
    answer = ", ".join(f"{outer}: {inner}" for outer, inner in exported.items())
    return f"(() => {{\n{body}\nreturn {{ {answer} }};\n}})()"


def _texts(source: Callable[[str], str], languages: Mapping[str, Texts]) -> str:
    """What the modules may say, in every language: texts whose name or its beginning they have."""
    said = "".join(source(name) for name in _reached(source))
    names, beginnings = set(_QUOTED.findall(said)), tuple(_BEGINNING.findall(said))
    wanted = sorted(
        name
        for name in languages["en"].all
        if (name in names or name.startswith(beginnings)) and not NEVER_SAID.fullmatch(name)
    )
    spoken = {tag: [texts.all[name] for name in wanted] for tag, texts in languages.items()}
    return f"export const names = {_json(wanted)};\nexport const texts = {_json(spoken)};\n"


def _reached(source: Callable[[str], str]) -> list[str]:
    """The modules of ours that the element imports, directly or not."""
    found = [ENTRY]
    for name in found:  # it grows meanwhile
        targets = [_target(name, one[3]) for one in _IMPORT.finditer(_source(source, name))]
        found += [one for one in dict.fromkeys(targets) if one not in found]
    return [name for name in found if "/vendor/" not in name and not name.startswith("vendor/")]


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
