"""A process whose clock is ahead, as `make faults` starts one."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from tests.faults.clocks import shifted_clock

shown = """
import time
from datetime import UTC, datetime
from bson import decode, encode
began = time.monotonic()
time.sleep(0.01)
assert time.monotonic() - began < 60
assert isinstance(decode(encode({"at": datetime.now(UTC)}))["at"], datetime)
print(time.time(), time.time_ns() / 1e9, datetime.now(UTC).timestamp(), datetime.now().timestamp())
"""


@pytest.mark.parametrize("ahead", [-1000.0, 1000.0])
def test_every_clock_of_a_shifted_process_is_ahead(ahead: float) -> None:
    done = subprocess.run(
        [sys.executable, "-c", shown],
        env={**os.environ, **shifted_clock(ahead)},
        capture_output=True,
        text=True,
        check=True,
    )

    differences = [float(moment) - time.time() - ahead for moment in done.stdout.split()]
    assert len(differences) == 4
    assert all(abs(difference) < 500 for difference in differences), differences
