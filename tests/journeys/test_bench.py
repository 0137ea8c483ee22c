"""The benchmark runs from start to end, and finds every vote where it should be."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkout import root

pytestmark = pytest.mark.slow
needs_wrk = pytest.mark.skipif(shutil.which("wrk") is None, reason="needs wrk")


def measure(*scenarios: str) -> dict[str, dict[str, list[dict[str, float]]]]:
    """Run scenarios with QuickPoll alone; the samples of each table."""
    named = [part for name in scenarios for part in ("--scenario", name)]
    brief = ["--form", "quickpoll", "--seconds", "0.5", "--rounds", "1"]
    stored = ["--stored-votes", "500", "--stored-polls", "50"]
    done = subprocess.run(
        [sys.executable, "-m", "bench", *named, *brief, *stored],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    file = Path(done.stdout.rpartition("Saved in ")[2].strip())
    result = json.loads(file.read_text())
    file.unlink()
    file.with_suffix(".md").unlink()
    assert [table["faults"] for table in result["scenarios"]] == [[] for _ in result["scenarios"]]
    return {table["name"]: table["samples"] for table in result["scenarios"]}


@needs_wrk
@pytest.mark.parametrize(
    ("scenario", "tables"),
    [
        ("votes", {"votes-64", "votes-256"}),
        ("empty", {"empty"}),
        ("parts", {"parts"}),
        ("verifiable", {"verifiable-64", "verifiable-256"}),
        ("read", {"read"}),
        ("page", {"page"}),
        ("stored", {"stored"}),
    ],
)
def test_a_scenario(scenario: str, tables: set[str]) -> None:
    measured = measure(scenario)

    assert measured.keys() == tables
    for samples in measured.values():
        assert all(sample["rate"] > 0 for rows in samples.values() for sample in rows)


def test_a_soak() -> None:
    brief = ["--minutes", "3", "--seconds", "2", "--watchers", "20"]
    done = subprocess.run(
        [sys.executable, "-m", "bench", "soak", *brief],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert done.stderr == ""
    lines = [line.split() for line in done.stdout.splitlines()[2:]]
    assert [line[:2] for line in lines if line[0] in "123"] == [[n, "100"] for n in "123"]
    # So short a run may look steep on a busy machine; nothing else may be wrong with it.
    verdicts = done.stdout.rpartition("->")[2].splitlines()[1:]
    assert verdicts
    assert all(line == "Flat, and exact." or line.endswith("is not flat") for line in verdicts)
