"""The table of what is held of people in docs/personal-data.md, made from the declarations.

``python -m tests.architecture.holdings_table`` writes it anew.
"""

from __future__ import annotations

import re

from quickpoll.foundation.stores.holdings import Holding
from quickpoll.holdings import HOLDINGS
from tests.architecture.house import root

page = root / "docs" / "personal-data.md"
head = (
    "| Collection | What it holds, and for how long | Fields with people's ids | In an erasure |\n"
)
head += "|---|---|---|---|\n"
place = re.compile(re.escape(head) + r"(?:\|.*\n)*")


def table() -> str:
    """The whole table, its head included."""
    return head + "".join(map(_row, HOLDINGS))


def _row(one: Holding) -> str:
    fields = ", ".join(f"`{name}`" for name in one.fields)
    return f"| `{one.collection}` | {one.kept} | {fields} | {one.fate.value} |\n"


if __name__ == "__main__":
    new, count = place.subn(lambda _: table(), page.read_text("utf-8"))
    assert count == 1, "docs/personal-data.md has no table of holdings, or two"
    page.write_text(new, "utf-8")
