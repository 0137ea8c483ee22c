"""Changes that leave out one step each: a play must notice every one."""

from __future__ import annotations

from quickpoll.counting import lua, lua_repair
from quickpoll.counting.uncounted import Uncounted
from quickpoll.foundation.stores.redis import Script
from quickpoll.repair.finality import Finality
from quickpoll.results.fences import MongoFences

SCRIPTS = [
    one for module in (lua, lua_repair) for one in vars(module).values() if isinstance(one, Script)
]

LUA = {
    "a batch without its mark is counted": (
        "local counts = is_good(mark, ARGV[6])",
        "local counts = true",
        "late",
    ),
    "a batch without its mark is forgotten": (
        """      counted = 0
      set_missing(state, s, run, v, ARGV[4])""",
        """      counted = 0""",
        "late",
    ),
    "a batch that passes a barrier is added to the count": (
        "if recounting then mark = 's' .. mark end",
        "",
        "late",
    ),
    "a recount does not wait for marks": ("out[1] = out[1] + 1", "", "late"),
    "what is in flight when a count begins stays fresh": (
        "if ARGV[3] == '1' then make_stale(KEYS[2]) end",
        "",
        "doze",
    ),
    "a count is put in place though its barrier was lost": (
        "if redis.pcall('GET', KEYS[2]) ~= ARGV[1] then return -1 end",
        "",
        "break",
    ),
    "a mark outlives its batch": ("redis.call('HDEL', key, token)", "", "break"),
    "versions stand still": (
        "if s then v = math.max(v, tonumber(s.version) + STEP) end",
        "if s then v = tonumber(s.version) end",
        "break",
    ),
    "a mark in doubt is taken off": (
        "if mark and c.unsure == 1 then",
        "if false then",
        "sent and sleep",
    ),
}


async def nothing(*_: object) -> None:
    """What is left out."""


PYTHON = {
    "nothing is fenced": (MongoFences, "fence", "late"),
    "no note is made": (Uncounted, "note", "cut"),
    "a close waits for nobody": (Finality, "wait", "close"),
}


def changed(old: str, new: str) -> dict[str, str]:
    """The sources of the scripts in which the change can be made, by their SHA-1."""
    found = {one.sha: one.source.replace(old, new) for one in SCRIPTS if old in one.source}
    assert found, f"no script says {old!r}"
    return found
