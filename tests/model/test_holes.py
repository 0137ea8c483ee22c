"""Orders of steps after which a promise did not hold once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.model import plays
from tests.model.explorer import explore
from tests.model.members import pretended_time
from tests.model.protocol import CountingPlay
from tests.model.scenario import Scenario

pytestmark = pytest.mark.no_cover


@pytest.fixture(autouse=True)
def _pretended_time() -> Iterator[None]:
    with pretended_time():
        yield


@pytest.mark.parametrize("scenario", plays.HOLES.values(), ids=plays.HOLES)
def test_no_order_breaks_a_promise(scenario: Scenario) -> None:
    explore(lambda loop: CountingPlay(scenario, loop))
