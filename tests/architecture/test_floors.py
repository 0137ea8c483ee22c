"""Imports point down the floors, never up and never sideways, and never in a circle."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

import pytest

from tests.architecture.house import Module, floors, imports, modules, package, root

# `quickpoll/__init__` is no room: it has the version, for all, and the commands' way in.
rooms = {name: module for name, module in modules().items() if name != package}


def test_every_room_is_on_a_floor_and_every_floor_has_its_rooms() -> None:
    assert {module.room for module in rooms.values()} == set(floors())


def test_every_room_is_described() -> None:
    text = (root / "docs" / "architecture.md").read_text("utf-8")
    table = text.partition("| Room |")[2].partition("\n\n")[0]
    assert {room for room in floors() if f"`{room}`" not in table} == set()


def is_down(above: Module, below: Module) -> bool:
    """Whether one module may import another."""
    return above.room == below.room or floors()[below.room] < floors()[above.room]


def test_imports_point_down() -> None:
    wrong = [
        f"{module.place} (floor {floors()[module.room]}) imports {name}"
        for module in rooms.values()
        for name in imports(module) & set(rooms)
        if not is_down(module, rooms[name])
    ]
    assert wrong == []


def test_a_way_up_or_sideways_would_be_noticed() -> None:
    by_place = {module.place: module for module in rooms.values()}
    votes, likes, polls = (by_place[f"{room}/rules.py"] for room in ("votes", "results", "polls"))
    assert is_down(votes, polls)
    assert not is_down(polls, votes)
    assert not is_down(by_place["likes/store.py"], by_place["votes/store.py"])
    assert is_down(likes, by_place["votes/store.py"])


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = {name: imports(one) & set(rooms) for name, one in rooms.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))
