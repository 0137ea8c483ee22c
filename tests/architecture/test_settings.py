"""The settings, wherever they are written down."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo

from quickpoll.settings import Settings, names
from tests.architecture.house import root
from tests.architecture.settings_table import (
    all_tables,
    looked_for,
    page,
    readme,
    short,
    short_table,
    whole,
)
from tests.conftest import secret, settings_from

fields = Settings.model_fields
least = {"API_DATABASE_URL": "mongodb://localhost/quickpoll", "JWT_SECRET_KEY": secret}


@pytest.mark.parametrize(
    ("file", "place", "wanted"),
    [(readme, short, short_table()), (page, whole, all_tables())],
    ids=["README.md", "docs/settings.md"],
)
def test_the_tables_are_those_that_the_settings_make(
    file: Path, place: re.Pattern[str], wanted: str
) -> None:
    (found,) = [match.group() for match in place.finditer(file.read_text("utf-8"))]
    assert found == wanted, "run: python -m tests.architecture.settings_table"


def test_every_setting_is_in_one_group_and_ten_are_in_the_readme() -> None:
    assert sorted(names()) == sorted(name.upper() for name in fields)
    assert len(set(looked_for)) == 10


goes_with = {
    "jwt_algorithms": {"JWT_JWKS_URL": "https://id.example/jwks.json"},
    "api_guests": {"API_GUEST_KEY": secret[::-1] + "guests"},
}


@pytest.mark.parametrize(("name", "field"), fields.items(), ids=fields)
def test_every_setting_is_described_and_its_example_works(name: str, field: FieldInfo) -> None:
    assert field.description
    assert field.examples
    for example in field.examples:
        if "$(" not in example:  # one is made by a shell
            settings_from({**least, **goes_with.get(name, {}), name.upper(): example})


@pytest.mark.parametrize("name", fields)
def test_names_are_those_of_the_service(name: str) -> None:
    assert name.startswith(("api_", "jwt_")) or name in ("cors_origins", "log_level")


@pytest.mark.parametrize("file", sorted((root / "config").glob("*.env*")), ids=lambda one: one.name)
def test_the_files_in_config_name_only_settings_that_exist(file: object) -> None:
    text = (root / "config" / str(file)).read_text("utf-8")
    named = re.findall(r"^#?([A-Z][A-Z_]+)=", text, re.MULTILINE)
    assert named
    assert {one.lower() for one in named} <= set(fields)
