"""The table of errors in docs/api.md, made from the classes themselves.

``python -m tests.architecture.errors_table`` writes it anew.
"""

from __future__ import annotations

import re

from quickpoll.errors import QuickPollError, leaves
from tests.architecture.house import root

page = root / "docs" / "api.md"
head = "| Status | `code` | `detail`, where nothing more is known | Headers |\n|---|---|---|---|\n"
place = re.compile(re.escape(head) + r"(?:\|.*\n)*")


def table() -> str:
    """The whole table, its head included, in the order of the statuses."""
    ordered = sorted(leaves(), key=lambda error: error.status)
    return head + "".join(_row(error) for error in ordered)


def _row(error: type[QuickPollError]) -> str:
    headers = ", ".join(f"`{name}: {value}`" for name, value in error.example().headers.items())
    detail = error.default_detail.replace("<", r"\<")
    return f"| {error.status} | `{error.code}` | {detail} | {headers} |\n"


if __name__ == "__main__":
    new, count = place.subn(lambda _: table(), page.read_text("utf-8"))
    assert count == 1, "docs/api.md has no table of errors, or two"
    page.write_text(new, "utf-8")
