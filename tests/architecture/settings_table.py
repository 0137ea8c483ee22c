"""The tables of settings, made from the settings themselves: all of them in ``docs/settings.md``,
group by group, and the ten that most people look for in the README.

``python -m tests.architecture.settings_table`` writes them anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from quickpoll.settings import GROUPS, Settings

root = Path(__file__).parents[2]
readme, page = root / "README.md", root / "docs" / "settings.md"
head = "| Variable | Meaning | Default | Example |\n|---|---|---|---|\n"
short = re.compile(re.escape(head) + r"(?:\|.*\n)*")
whole = re.compile(r"## .*\Z", re.DOTALL)
"""From its first heading on the page is tables alone."""

looked_for = (
    "api_database_url",
    "api_redis_host",
    "api_redis_port",
    "api_redis_password",
    "jwt_secret_key",
    "jwt_jwks_url",
    "jwt_issuer",
    "jwt_audience",
    "cors_origins",
    "log_level",
)


def short_table() -> str:
    """The README's table, its head included."""
    return _table(looked_for)


def all_tables() -> str:
    """Every group under its heading."""
    return "\n".join(_group(one) for one in GROUPS)


def _group(group: type[BaseSettings]) -> str:
    heading, _, rest = (group.__doc__ or "").partition(": ")
    return f"## {heading}\n\n{rest[:1].upper()}{rest[1:]}\n\n{_table(group.model_fields)}"


def _table(names: Iterable[str]) -> str:
    return head + "".join(_row(name, Settings.model_fields[name]) for name in names)


def _row(name: str, field: FieldInfo) -> str:
    example = (field.examples or [""])[0]
    return f"| `{name.upper()}` | {field.description} | {_default(field)} | `{example}` |\n"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if value is None or value in ((), ""):
        return "none"
    return f"`{','.join(value) if isinstance(value, tuple) else value}`"


def _write(file: Path, place: re.Pattern[str], table: str) -> None:
    new, count = place.subn(lambda _: table, file.read_text("utf-8"))
    assert count == 1, f"{file} has no table of settings, or two"
    file.write_text(new, "utf-8")


if __name__ == "__main__":
    _write(readme, short, short_table())
    _write(page, whole, all_tables())
