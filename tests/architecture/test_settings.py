"""The settings, wherever they are written down."""

from __future__ import annotations

import re

import pytest
from pydantic.fields import FieldInfo

from quickpoll.settings import Settings
from tests.architecture.house import root
from tests.architecture.settings_table import place, readme, table
from tests.conftest import secret, settings_from

fields = Settings.model_fields
least = {"API_DATABASE_URL": "mongodb://localhost/quickpoll", "JWT_SECRET_KEY": secret}


def test_the_readme_has_the_table_that_the_settings_make() -> None:
    (found,) = [match.group() for match in place.finditer(readme.read_text("utf-8"))]
    assert found == table(), "run: python -m tests.architecture.settings_table"


goes_with = {"jwt_algorithms": {"JWT_JWKS_URL": "https://id.example/jwks.json"}}


@pytest.mark.parametrize(("name", "field"), fields.items(), ids=fields)
def test_every_setting_is_described_and_its_example_works(name: str, field: FieldInfo) -> None:
    assert field.description
    (example,) = field.examples or []
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
