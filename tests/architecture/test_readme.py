"""What the README and the other pages say, held against what there is."""

from __future__ import annotations

import re
from inspect import signature
from pathlib import Path

import pytest

from quickpoll.counting.keys import Keys
from quickpoll.factory import create_app
from tests.architecture.house import root
from tests.conftest import secret, settings_from

readme = (root / "README.md").read_text("utf-8")
pages = [root / "README.md", root / "CHANGELOG.md", *sorted((root / "docs").rglob("*.md"))]


def named_commands() -> dict[str, str]:
    """The operator's commands in the README, each with its row."""
    table = readme.partition("## Commands")[2].partition("\n## ")[0]
    return {
        name: row for row, name in re.findall(r"^(\| `(?!make )([\w-]+).*)$", table, re.MULTILINE)
    }


def test_the_commands_are_those_of_the_readme() -> None:
    app = create_app(
        settings_from(
            {"API_DATABASE_URL": "mongodb://nowhere.invalid/quickpoll", "JWT_SECRET_KEY": secret}
        )
    )
    commands = app.cli.commands
    assert set(commands) - {"schema"} == set(named_commands())  # quart-schema brings `schema`
    for name, row in named_commands().items():
        flags = {one for parameter in commands[name].params for one in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", row)) <= flags, name


def test_the_targets_of_make_are_those_of_the_readme() -> None:
    named = re.findall(r"^\| `make (\w+)`", readme, re.MULTILINE)
    makefile = (root / "Makefile").read_text("utf-8")
    offered = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE)) - {"help"}
    assert set(named) == offered


@pytest.mark.parametrize("page", pages, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        assert file.exists(), target
        if anchor:
            assert anchor in _anchors(file), target


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, ahead = set[Path](), [root / "README.md"]
    while ahead:
        page = ahead.pop()
        if page not in reached and page.suffix == ".md" and page.is_file():
            reached.add(page)
            targets = re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8"))
            ahead += [(page.parent / target).resolve() for target in targets]
    assert set(pages) - reached == set()


def test_the_drawing_of_the_house_names_files_that_exist() -> None:
    text = (root / "docs" / "architecture.md").read_text("utf-8")
    journey = re.findall(r"^\S.{18}(\w+/\w+)\s", text, re.MULTILINE)
    named = {*re.findall(r"`((?:\w+/)+(?:\w+\.py)?|\w+\.py|\w+/\w+)`", text), *journey}
    assert len(named) > 40
    places = [root, root / "quickpoll"]
    missing = {
        one
        for one in named
        if not any((place / name).exists() for place in places for name in (one, f"{one}.py"))
    }
    # File names that every room may have, and the layers that this house has not.
    assert missing <= {"bodies.py", "handlers.py", "models.py", "views.py", *of_other_houses}


of_other_houses = {"controllers/", "models/", "services/"}


def test_every_key_in_redis_is_in_the_table_of_keys() -> None:
    keys, page = Keys(), (root / "docs" / "consistency.md").read_text("utf-8")
    table = page.partition("| key or channel |")[2].partition("\n\n")[0]
    placeholders = {"poll_id": "POLL", "option_id": "OPTION", "instance": "INSTANCE"}
    placeholders |= {
        "deadline": "DEADLINE",
        "name": "NAME",
        "key": "CALLER",
        "address": "ADDRESS",
        "session_id": "SESSION",
    }
    known = set()
    for name in vars(Keys).keys() - {"prefix"}:
        if not name.startswith("_"):
            key = getattr(keys, name)
            known.add(
                key(*(placeholders[one] for one in signature(key).parameters))
                if callable(key)
                else key
            )
    # One instance stands for all of them where any has been there.
    assert known | {"tally:2:presence:any", "uncounted", "direct_count"} == set(
        re.findall(r"`(\S+?)`(?=,| \|| \()", table)
    )


def _anchors(file: Path) -> set[str]:
    heads = re.findall(r"^#+ (.*)$", file.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}
