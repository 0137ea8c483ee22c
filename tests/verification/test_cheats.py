"""Every cheat is found, by the right name; every honest log is not."""

from __future__ import annotations

import ast
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from quickpoll import verification
from quickpoll.verification.check import check
from quickpoll.verification.findings import CannotCheck, Kept, Report
from tests.checkout import root
from tests.verification.cheats import cheats
from tests.verification.honest import Service, from_memory, hex_id, start
from tests.verification.worlds import (
    World,
    closed,
    few,
    hidden,
    honest,
    later,
    own,
    promised,
    reopened,
    revealed,
    sealed,
    world,
)

sound_but_for_it = (
    "a ballot dropped",
    "a ballot changed",
    "a ballot changed behind its voter's back",
    "a ballot taken back behind its voter's back",
    "a ballot erased behind its voter's back",
    "a ballot invented after the close",
    "a log that forks between two viewers",
    "counts changed",
    "openings withheld",
    "a wrong key",
    "a checkpoint of another poll",
    "a receipt for somebody else's entry",
    "a tile flipped in one bit",
)
"""Cheats that make no other mistake on the way."""


def checked(world: World) -> Report:
    return check(from_memory(world.files), world.poll_id, world.keys, world.kept, world.now)


@pytest.mark.parametrize("name", honest)
def test_nothing_is_found_where_nobody_cheats(name: str) -> None:
    assert checked(honest[name]()).findings == []


@pytest.mark.parametrize("name", cheats)
def test_a_cheat_is_found_and_named(name: str) -> None:
    code, world = cheats[name]
    assert code in [one.code for one in checked(world()).findings]


@pytest.mark.parametrize("name", sound_but_for_it)
def test_a_cheat_whose_log_is_sound_is_found_all_the_same(name: str) -> None:
    code, world = cheats[name]
    assert {one.code for one in checked(world()).findings} == {code}


def rules() -> set[str]:
    """The codes of all findings, as the source names them."""
    found = set()
    for path in Path(verification.__path__[0]).glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call):
                names = {getattr(one, "id", None) for one in (call.func, *call.args)}
                texts = [one.value for one in call.args if isinstance(one, ast.Constant)]
                if names & {"Wrong", "require"} and texts:
                    found.add(str(texts[0]))
    return found


def test_every_rule_has_its_cheat() -> None:
    """A rule that no cheat breaks might as well not be there."""
    of_holders = {f"{what}_{rule}" for what in ("receipt", "promise") for rule in ("tag", "commit")}
    assert len(rules()) > 30
    assert rules() | of_holders == {code for code, _ in cheats.values()}


def test_every_rule_is_on_the_page_that_explains_them() -> None:
    page = (root / "docs" / "verification.md").read_text("utf-8")
    assert {code for code, _ in cheats.values() if f"`{code}`" not in page} == set()


def test_the_checker_can_be_read_in_an_evening_and_knows_no_store() -> None:
    """It and what it leans on: the standard library, one library for signatures, themselves."""
    folder = Path(verification.__path__[0])
    assert len((folder / "check.py").read_text("utf-8").splitlines()) <= 300
    found = set()
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom):
                found.add(node.module or "")
            elif isinstance(node, ast.Import):
                found |= {one.name for one in node.names}
    others = {one for one in found if one.partition(".")[0] not in sys.stdlib_module_names}
    allowed = ("quickpoll.verification", "cryptography.")
    assert [one for one in others if not one.startswith(allowed)] == []


def test_a_promise_that_is_not_due_is_no_finding() -> None:
    waiting = replace(reopened().without(reopened().number_of("cast", 0)), now=start)
    early = promised(waiting)
    assert "promise_broken" not in [one.code for one in checked(early).findings]
    assert "not due yet" in " ".join(checked(hidden()).notes)


def test_what_is_not_proven_is_said() -> None:
    assert "the sum is not proven" in " ".join(checked(revealed()).notes)
    assert "2 of 7 ballots are sealed by erasure." in checked(sealed()).notes
    assert "1 of 4 ballots are sealed by erasure." in checked(few()).notes


def test_without_a_log_or_a_key_nothing_is_said_either_way() -> None:
    for name in ("log/key", closed().path("checkpoint")):
        files = {path: content for path, content in closed().files.items() if path != name}
        with pytest.raises(CannotCheck):
            checked(replace(closed(), files=files, keys=()))


def test_a_partial_tile_may_be_gone_once_the_full_one_is_there() -> None:
    """A checkpoint is read, the log grows, the old partial tiles are swept away."""
    service = Service()
    for number in range(300):
        service.cast(hex_id(0xC0 + number), 0)
        if number == 200:
            service.tick()
            before = service.checkpoint
    service.tick()
    for part in ("tile/0/000.p/202", "tile/entries/000.p/202"):
        service.files.pop(f"log/{service.poll_id}/{part}", None)
    service.files[f"log/{service.poll_id}/checkpoint"] = before
    assert checked(world(service, Kept())).findings == []


def test_a_log_that_grows_while_it_is_read_is_read_again() -> None:
    """A person is erased between checkpoint and openings: the second look finds it so."""
    service, path = Service(), f"log/{own}/checkpoint"
    for number in range(7):
        service.cast(hex_id(0xC0 + number), 0)
    service.close()
    old = service.checkpoint
    service.erase(hex_id(0xC3))
    served = iter([old, service.checkpoint, service.checkpoint])

    def fetch(name: str) -> bytes:
        return next(served) if name == path else service.files[name]

    assert check(fetch, own, [service.signer.key], Kept(), start).findings == []


def test_a_log_that_shrinks_while_it_is_read_is_found() -> None:
    base = closed().bare().serving(openings=None)
    shorter = base.writing(base.entries[:6])
    checkpoints = iter([base.file("checkpoint")])
    files = base.files | shorter.files

    def fetch(name: str) -> bytes:
        if name == base.path("checkpoint"):
            return next(checkpoints, shorter.file("checkpoint"))
        return from_memory(files)(name)

    found = check(fetch, base.poll_id, base.keys, Kept(), later).findings
    assert [one.code for one in found] == ["cut_short"]
