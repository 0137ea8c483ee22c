"""The runner of changes, on a project of one function; and the list itself, against the tree."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.checkout import root
from tests.mutants.catalogue import CatalogueError, Change, read_changes
from tests.mutants.trying import Trial, Tried

code = '''
def price(pieces):
    if pieces >= 10:
        return pieces * 9
    return pieces * 10

script = """
local n = redis.call('GET', KEYS[1])
return n
"""
'''
tests = """
from shop.prices import price

def test_one(): assert price(1) == 10
def test_many(): assert price(11) == 99
def test_ten(): assert price(10) == 90
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A project in git: a function, three tests, and one that always fails."""
    folder = tmp_path / "shop project"
    for name, text in {
        "shop/__init__.py": "",
        "shop/prices.py": code,
        "tests/test_prices.py": tests,
        "tests/test_red.py": "def test_red(): assert False",
        "pyproject.toml": "[tool.pytest.ini_options]\n",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    return folder


def change(old: str, new: str, *names: str, more: tuple[str, ...] = ()) -> Change:
    """A change of the prices."""
    named = tuple(f"tests/test_prices.py::{name}" for name in names or ("test_one",))
    return Change(f"{old} becomes {new}", "shop/prices.py", old, new, named, more)


def tried(shop: Path, *changes: Change) -> dict[str, Tried]:
    """What came of these, by what they put in."""
    return {one.change.new: one for one in Trial(shop, 2).run(changes, lambda _: None)}


def test_who_notices(shop: Path) -> None:
    whole = ("tests/test_prices.py",)
    found = tried(
        shop,
        change("pieces * 10", "pieces * 11"),
        change(">= 10", "> 10", "test_one", more=whole),
        change(">= 10", ">= 11", "test_many"),
        change("* 9", "* 8", "test_one", more=("tests/test_red.py",)),
        change("def price", "def prize", "test_one"),
    )

    assert {new: one.noticed for new, one in found.items()} == {
        "pieces * 11": "at once",
        "> 10": "late",
        ">= 11": "",
        "* 8": "",
        "def prize": "",
    }
    assert {new: one.good for new, one in found.items()} == {
        "pieces * 11": True,
        "> 10": True,
        ">= 11": False,
        "* 8": False,
        "def prize": False,
    }
    assert "SURVIVED" in found[">= 11"].line()
    assert found["* 8"].trouble == "FAILS WITHOUT"
    assert found["def prize"].trouble == "NO TEST RAN"
    assert (shop / "shop/prices.py").read_text() == code


def test_changes_of_one_size_one_after_the_other(shop: Path) -> None:
    """Nothing of a change is left in a cache for the next."""
    survivors = [change("return n\n", f"return n -- {n}\n") for n in range(3)]
    red = [change("pieces * 10", f"pieces * 1{n}") for n in range(1, 4)]
    found = Trial(shop, 1).run([*red, *survivors], lambda _: None)
    assert [one.good for one in found] == [True] * 3 + [False] * 3


def test_tests_that_fail_without_any_change(shop: Path) -> None:
    red = Change("a change", "shop/prices.py", ">= 10", "> 10", ("tests/test_red.py",))
    with pytest.raises(CatalogueError, match="fail without any change"):
        tried(shop, red)


@pytest.mark.parametrize(
    ("unfit", "why"),
    [
        (change("pieces * 12", "pieces"), "0 times"),
        (change("pieces *", "pieces +"), "2 times"),
        (change(">= 10", ">= 10"), "nothing is changed"),
        (change(">= 10:", ">= 10"), "would not compile"),
        (change("return n\n", "return = n\n"), "a script would not compile"),
        (change(">= 10", "> 10", "test_eleven"), "has no test_eleven"),
        (Change("x", "shop/costs.py", "a", "b", ("tests",)), "there is no shop/costs.py"),
        (Change("x", "shop/prices.py", ">=", ">", ("tests/x.py",)), "there is no tests/x.py"),
    ],
)
def test_what_does_not_fit_the_tree(shop: Path, unfit: Change, why: str) -> None:
    with pytest.raises(CatalogueError, match=why):
        tried(shop, unfit)


@pytest.mark.parametrize(
    "text",
    [
        '[[change]]\nfile = "a"\nold = "b"\nnew = "c"\ntests = ["tests"]',
        '[[change]]\nfile = "a"\nold = "b"\nnew = "c"\nbreaks = "d"\ntests = []',
        '[[change]]\nfile = "a"\nold = "b"\nnew = "c"\nbreaks = "d"\ntests = ["e"]\n' * 2,
    ],
    ids=["no name", "no test", "twice"],
)
def test_an_incomplete_list(tmp_path: Path, text: str) -> None:
    (tmp_path / "changes.toml").write_text(text)
    with pytest.raises(CatalogueError):
        read_changes(tmp_path / "changes.toml")


def test_the_list_fits_the_tree() -> None:
    """Each old text is there once, each change compiles, each test exists."""
    changes = read_changes()
    for one in changes:
        one.check(root)
    assert len(changes) >= 65
