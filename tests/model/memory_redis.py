"""As much of Redis as the counting scripts use, in memory, running the very same Lua."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from lupa import lua51  # type: ignore[import-untyped]

from quickpoll.foundation.stores.redis import Script

start_ms = 1_700_000_000_000

strings_only = {"get", "set"}
hashes_only = {"hset", "hget", "hdel", "hgetall"}
sorted_only = {"zadd", "zrange", "zscore"}


class WrongType(Exception):
    """A command for another type than the key has."""


class MemoryRedis:
    """Strings, hashes and sorted sets, a clock that stands still until it is moved, and Lua."""

    def __init__(self, changed: Mapping[str, str] | None = None) -> None:
        """``changed``: other sources for scripts, by their SHA-1."""
        self._changed = changed or {}
        self._saved = ""
        self.clock = 0.0
        self.run_id = "run-1"
        self.strings: dict[str, str] = {}
        self.hashes: dict[str, dict[str, str]] = {}
        self.sorted: dict[str, dict[str, float]] = {}
        self.expiry: dict[str, float] = {}

    @property
    def now_ms(self) -> float:
        """Milliseconds since 1970."""
        return start_ms + self.clock * 1000

    def flush(self) -> None:
        """FLUSHALL."""
        for kind in (self.strings, self.hashes, self.sorted, self.expiry):
            kind.clear()

    def save(self) -> None:
        """Save everything, as a server does now and then."""
        self._saved = json.dumps([self.strings, self.hashes, self.sorted])

    def restart(self) -> None:
        """Another life of the server, with the data that it had saved."""
        self.flush()
        self.run_id = "run-2"
        self.strings, self.hashes, self.sorted = json.loads(self._saved)

    def call(self, name: str, *arguments: Any) -> Any:
        """One command; numbers become text, as on the wire. Raises :class:`WrongType`."""
        self._drop_expired()
        words = [_text(one) for one in arguments]
        self._check_type(name.lower(), words)
        command: Callable[..., Any] = getattr(self, f"_{name.lower()}")
        return command(*words)

    def run(self, script: Script, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        """One script."""
        lua, functions = _lua()
        source = self._changed.get(script.sha, script.source)
        if source not in functions:
            functions[source] = lua.execute(f"return function(redis, KEYS, ARGV) {source} end")
        library = lua.table(
            call=lambda *words: _to_lua(self.call(*words)),
            pcall=lambda *words: self._try(lua, words),
        )
        answer = functions[source](library, lua.table(*keys), lua.table(*map(_text, arguments)))
        return _from_lua(answer)

    def _try(self, lua: Any, words: Sequence[Any]) -> Any:
        try:
            return _to_lua(self.call(*words))
        except WrongType:
            return lua.table(
                err="WRONGTYPE Operation against a key holding the wrong kind of value"
            )

    def _check_type(self, name: str, words: list[str]) -> None:
        if not words:
            return
        kinds = (
            (self.strings, strings_only - {"set"}),
            (self.hashes, hashes_only),
            (self.sorted, sorted_only),
        )
        for of_kind, commands in kinds:
            others = strings_only | hashes_only | sorted_only
            if words[0] in of_kind and name in others - commands - {"set"}:
                raise WrongType(name)

    def _drop_expired(self) -> None:
        for key in [key for key, at in self.expiry.items() if at <= self.now_ms]:
            self.strings.pop(key, None)
            del self.expiry[key]

    def _time(self) -> list[str]:
        seconds, rest = divmod(round(self.now_ms * 1000), 1_000_000)
        return [str(seconds), str(rest)]

    def _get(self, key: str) -> str | None:
        return self.strings.get(key)

    def _mget(self, *keys: str) -> list[str | None]:
        return [self.strings.get(key) for key in keys]

    def _set(self, key: str, value: str, *options: str) -> str | None:
        if "NX" in options and self._exists(key):
            return None
        self._del(key)
        self.strings[key] = value
        for unit, factor in (("PX", 1), ("EX", 1000)):
            if unit in options:
                lifetime = float(options[options.index(unit) + 1]) * factor
                self.expiry[key] = self.now_ms + lifetime
        return "OK"

    def _exists(self, key: str) -> int:
        return int(key in self.strings or key in self.hashes or key in self.sorted)

    def _del(self, *keys: str) -> int:
        kinds: tuple[dict[str, Any], ...] = (self.strings, self.hashes, self.sorted)
        present = sum(any(key in kind for kind in kinds) for key in keys)
        for key in keys:
            for kind in (*kinds, self.expiry):
                kind.pop(key, None)
        return present

    def _expire(self, key: str, seconds: str) -> int:
        return self._pexpire(key, str(float(seconds) * 1000))

    def _pexpire(self, key: str, milliseconds: str) -> int:
        if key not in self.strings:
            return 0
        self.expiry[key] = self.now_ms + float(milliseconds)
        return 1

    def _hset(self, key: str, field: str, value: str) -> int:
        self.hashes.setdefault(key, {})[field] = value
        return 1

    def _hget(self, key: str, field: str) -> str | None:
        return self.hashes.get(key, {}).get(field)

    def _hdel(self, key: str, field: str) -> int:
        found = self.hashes.get(key, {}).pop(field, None)
        if not self.hashes.get(key):
            self.hashes.pop(key, None)
        return int(found is not None)

    def _hlen(self, key: str) -> int:
        return len(self._hgetall(key)) // 2

    def _hgetall(self, key: str) -> list[str]:
        return [word for pair in self.hashes.get(key, {}).items() for word in pair]

    def _zadd(self, key: str, *words: str) -> int:
        *condition, score, member = words
        members = self.sorted.setdefault(key, {})
        present = members.get(member)
        if condition == ["XX"] and present is None:
            return 0
        if condition == ["NX"] and present is not None:
            return 0
        if condition == ["LT"] and present is not None and present <= float(score):
            return 0
        members[member] = float(score)
        return 1

    def _zrem(self, key: str, member: str) -> int:
        return int(self.sorted.get(key, {}).pop(member, None) is not None)

    def _zscore(self, key: str, member: str) -> str | None:
        score = self.sorted.get(key, {}).get(member)
        return None if score is None else f"{score:.0f}"

    def _zincrby(self, key: str, step: str, member: str) -> str:
        self.sorted[key][member] += float(step)
        return f"{self.sorted[key][member]:.0f}"

    def _zrange(self, key: str, low: str, high: str, *_: str) -> list[str]:
        """By score, with scores."""
        due = [one for one, at in self.sorted.get(key, {}).items() if at <= float(high)]
        return [word for one in due for word in (one, f"{self.sorted[key][one]:.0f}")]

    def _scan(self, cursor: str, *words: str) -> list[Any]:
        pattern = words[words.index("MATCH") + 1] if "MATCH" in words else "*"
        names = [*self.strings, *self.hashes, *self.sorted]
        return ["0", [name for name in names if fnmatchcase(name, pattern)]]

    def _publish(self, channel: str, message: str) -> int:
        json.loads(message)
        return 0


@cache
def _lua() -> tuple[Any, dict[str, Any]]:
    lua = lua51.LuaRuntime(unpack_returned_tuples=True)
    lua.globals().cjson = lua.table(
        encode=lambda value: json.dumps(_plain(value)),
        decode=lambda text: _to_lua(json.loads(text)),
    )
    return lua, {}


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, float):
        return f"{value:.17g}"
    return str(value)


def _to_lua(value: Any) -> Any:
    lua = _lua()[0]
    if value is None:
        return False
    if isinstance(value, list):
        return lua.table(*map(_to_lua, value))
    if isinstance(value, dict):
        return lua.table_from({key: _to_lua(one) for key, one in value.items()})
    return value


def _plain(value: Any) -> Any:
    if lua51.lua_type(value) != "table":
        return int(value) if isinstance(value, float) and value.is_integer() else value
    items = dict(value.items())
    if items and all(isinstance(key, int) for key in items):
        return [_plain(items[place]) for place in sorted(items)]
    return {str(key): _plain(one) for key, one in items.items()}


def _from_lua(value: Any) -> Any:
    plain = _plain(value)
    return list(plain.values()) if isinstance(plain, dict) else plain
