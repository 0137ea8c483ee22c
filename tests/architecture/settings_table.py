"""The README's table of settings, made from the settings themselves.

``python -m tests.architecture.settings_table`` writes it into the README anew.
"""

from __future__ import annotations

import re
from pathlib import Path

from pydantic.fields import FieldInfo

from quickpoll.settings import Settings

readme = Path(__file__).parents[2] / "README.md"
head = "| Variable | Meaning | Default | Example |\n|---|---|---|---|\n"
place = re.compile(re.escape(head) + r"(?:\|.*\n)*")


def table() -> str:
    """The whole table, its head included."""
    return head + "".join(_row(name, field) for name, field in Settings.model_fields.items())


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


if __name__ == "__main__":
    new, count = place.subn(lambda _: table(), readme.read_text("utf-8"))
    assert count == 1, "the README has no table of settings, or two"
    readme.write_text(new, "utf-8")
