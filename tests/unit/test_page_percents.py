"""The percents of the pages are rounded as those of the exports are, to whole numbers."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from decimal import ROUND_HALF_UP, Decimal

import pytest

from tests.checkout import root

script = root / "quickpoll" / "web" / "static" / "js" / "format.js"
program = """
globalThis.navigator = { languages: ["en"] };
globalThis.document = {
  documentElement: { lang: "en", dir: "ltr" },
  getElementById: () => ({ href: "data:text/javascript,export default {}" }),
};
const { percents } = await import(process.argv[1]);
const polls = JSON.parse(process.argv[2]);
console.log(JSON.stringify(polls.map(([counts, voters]) => percents(counts, voters))));
"""

given: list[tuple[list[int], int]] = [
    ([0, 0], 0),
    ([11, 11, 9], 31),
    ([1, 1, 1], 3),
    ([1, 2, 2, 2], 7),
    ([1, 199], 200),  # 0.5 and 99.5
    ([1, 7], 8),  # 12.5 and 87.5
    ([3, 2, 0], 3),
]


@pytest.mark.node
@pytest.mark.skipif(
    os.environ.get("CI") != "true" and shutil.which("node") is None, reason="needs Node.js"
)
def test_each_is_rounded_half_up_by_itself() -> None:
    chance = random.Random(1)
    polls = [*given]
    for _ in range(500):
        counts = [chance.randrange(10 ** chance.randrange(1, 8)) for _ in range(4)]
        polls.append((counts, max(max(counts), sum(counts) // chance.randrange(1, 4), 1)))
    command = ["node", "--input-type=module", "--eval", program, script.as_uri(), json.dumps(polls)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)

    for (counts, voters), shares in zip(polls, json.loads(done.stdout), strict=True):
        for count, share in zip(counts, shares, strict=True):
            exact = Decimal(count * 100) / Decimal(voters) if voters else Decimal(0)
            assert share == int(exact.quantize(Decimal(1), ROUND_HALF_UP))
