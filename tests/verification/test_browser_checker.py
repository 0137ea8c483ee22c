"""The browser's checker, run by Node.js, finds in every world what Python's finds."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from base64 import b64encode
from dataclasses import replace
from functools import cache
from random import Random
from typing import Any

import pytest

from quickpoll.verification.check import check
from quickpoll.verification.findings import CannotCheck
from quickpoll.web.assets import FOLDER
from tests.checkout import root
from tests.verification.cheats import cheats
from tests.verification.honest import from_memory
from tests.verification.worlds import World, honest

pytestmark = pytest.mark.node

worlds = {**honest, **{name: world for name, (_, world) in cheats.items()}}
missing = ("nothing", "ed25519", "webcrypto")
"""What a browser may lack."""


def as_json(world: World) -> str:
    """A world for the script in tests/js."""

    def text(content: bytes) -> str:
        return b64encode(content).decode("ascii")

    kept = {
        "checkpoints": [*map(text, world.kept.checkpoints)],
        "receipts": [*map(text, world.kept.receipts)],
        "promises": [*map(text, world.kept.promises)],
        "shown": world.kept.shown,
    }
    files = {path: text(content) for path, content in world.files.items()}
    keys = [str(key) for key in world.keys]
    found = {"files": files, "poll_id": world.poll_id, "keys": keys, "kept": kept, "now": world.now}
    return json.dumps(found)


@cache
def answers(without: str) -> dict[str, Any]:
    """What the browser's checker finds in every world."""
    found = in_the_browser([world() for world in worlds.values()], without)
    return dict(zip(worlds, found, strict=True))


def in_the_browser(given: list[World], without: str = "nothing") -> list[dict[str, Any]]:
    """What the browser's checker finds."""
    node = shutil.which("node")
    if node is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("needs Node.js")
    lines = "".join(f"{as_json(world)}\n" for world in given)
    command = [node, "--no-warnings", "verify.mjs", str(FOLDER / "js" / "verify"), without]
    run = subprocess.run(
        command, cwd=root / "tests" / "js", input=lines, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return [*map(json.loads, run.stdout.splitlines())]


@pytest.mark.parametrize("without", missing)
@pytest.mark.parametrize("name", worlds)
def test_both_checkers_find_the_same(name: str, without: str) -> None:
    world = worlds[name]()
    report = check(from_memory(world.files), world.poll_id, world.keys, world.kept, world.now)
    found = answers(without)[name]
    assert [one["code"] for one in found["findings"]] == [one.code for one in report.findings]
    assert found["notes"] == report.notes


def harmed(content: bytes, dice: Random) -> bytes:
    """A bit flipped, a piece lost or doubled, or something else altogether."""
    at = dice.randrange(len(content) + 1)
    until = min(len(content), at + dice.choice([1, 2, 32, 100]))
    match dice.randrange(5):
        case 0 if at < len(content):
            return (
                content[:at] + bytes([content[at] ^ (1 << dice.randrange(8))]) + content[at + 1 :]
            )
        case 1:
            return content[:at] + content[until:]
        case 2:
            return content[:until] + content[at:]
        case 3:
            return content[:at] + dice.randbytes(2) + content[at:]
        case _:
            return dice.choice([b"", b"{}", b"[]", b"null", b"\n\n", content[:at]])


def harmed_world(seed: int) -> World:
    """One of the honest worlds with one harm, in what is served or in what was kept."""
    dice = Random(seed)
    world = dice.choice([one() for name, one in honest.items() if name != "large"])
    kept = {
        name: [*found]
        for name in ("checkpoints", "receipts", "promises")
        if (found := getattr(world.kept, name))
    }
    if kept and dice.random() < 0.5:
        name = dice.choice(sorted(kept))
        at = dice.randrange(len(kept[name]))
        kept[name][at] = harmed(kept[name][at], dice)
        return world.keeping(**kept)
    path = dice.choice(sorted(world.files))
    files = {**world.files, path: harmed(world.files[path], dice)}
    return replace(world, files=files, keys=() if path == "log/key" else world.keys)


def test_both_checkers_find_the_same_whatever_is_harmed() -> None:
    given = [harmed_world(seed) for seed in range(600)]
    found = 0
    for seed, (world, theirs) in enumerate(zip(given, in_the_browser(given), strict=True)):
        try:
            files = from_memory(world.files)
            report = check(files, world.poll_id, world.keys, world.kept, world.now)
        except CannotCheck:
            assert "cannot" in theirs, seed
            continue
        ours = [one.code for one in report.findings]
        assert [one["code"] for one in theirs.get("findings", [])] == ours, seed
        found += bool(ours)
    assert found > 400
