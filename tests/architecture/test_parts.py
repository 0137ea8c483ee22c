"""Every part that can be started is started and ended by the lifespan."""

from __future__ import annotations

from typing import Any

from quickpoll.composition import Services
from quickpoll.lifespan import all_parts
from tests.architecture.house import modules
from tests.conftest import secret, settings_from


def parts_in(thing: object, seen: set[int]) -> list[Any]:
    """Everything of ours inside a thing that has ``start`` and ``aclose``."""
    found: list[Any] = []
    for value in vars(thing).values() if hasattr(thing, "__dict__") else ():
        if id(value) in seen or not type(value).__module__.startswith("quickpoll."):
            continue
        seen.add(id(value))
        if hasattr(value, "start") and hasattr(value, "aclose"):
            found.append(value)
        found += parts_in(value, seen)
    return found


def test_every_part_is_started_and_ended() -> None:
    services = Services(
        settings_from(
            {"API_DATABASE_URL": "mongodb://nowhere.invalid/quickpoll", "JWT_SECRET_KEY": secret}
        )
    )
    known = {id(part) for part in [*all_parts(services), services.redis]}
    # What a part has inside, it starts and ends itself.
    for part in all_parts(services):
        known |= {id(inner) for inner in parts_in(part, set())}
    forgotten = [type(one).__name__ for one in parts_in(services, set()) if id(one) not in known]
    assert forgotten == []
    assert "quickpoll.lifespan" in modules()
