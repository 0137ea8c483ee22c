"""Every error is told apart by its code, and documented."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from quickpoll import errors
from quickpoll.errors import (
    InternalError,
    MethodNotAllowed,
    QuickPollError,
    TooManySubscriptions,
    leaves,
)
from quickpoll.factory import create_app
from tests.architecture import errors_table
from tests.conftest import secret, settings_from


@pytest.fixture
async def document() -> dict[str, Any]:
    """What ``/openapi.json`` says."""
    app = create_app(
        settings_from(
            {"API_DATABASE_URL": "mongodb://nowhere.invalid/quickpoll", "JWT_SECRET_KEY": secret}
        )
    )
    answer = await app.test_client().get("/openapi.json")
    said: dict[str, Any] = json.loads(await answer.get_data(as_text=True))
    return said


def test_codes_are_unique() -> None:
    codes = [leaf.code for leaf in leaves()]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("leaf", leaves(), ids=lambda leaf: leaf.code)
def test_every_error_says_something_of_its_own(leaf: type[QuickPollError]) -> None:
    if leaf is not InternalError:
        assert leaf.code != QuickPollError.code
        assert leaf.title != QuickPollError.title
        assert leaf.default_detail != QuickPollError.default_detail
        assert 400 <= leaf.status < 600
    assert leaf.default_detail.endswith(".")


def test_the_tree_in_words_is_the_tree_of_classes() -> None:
    drawn = set(re.findall(r"\b[A-Z]\w+", (errors.__doc__ or "").partition("\n\nA leaf")[0]))
    known = {one.__name__ for one in _all(QuickPollError)}
    assert known - drawn == set()


def _all(above: type[QuickPollError]) -> list[type[QuickPollError]]:
    below = [one for child in above.__subclasses__() for one in _all(child)]
    return [above, *below]


async def test_every_error_is_in_the_documentation(document: dict[str, Any]) -> None:
    known = document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]
    assert set(known) == {leaf.code for leaf in leaves()}
    told = json.dumps(document["paths"])
    # Nobody asks for these on purpose, so no operation lists them.
    unasked: set[type[QuickPollError]] = {InternalError, MethodNotAllowed, TooManySubscriptions}
    for leaf in set(leaves()) - unasked:
        assert f'"code": "{leaf.code}"' in told, leaf.code


async def test_every_route_under_api_documents_its_errors(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if path.startswith("/api/") and isinstance(operation, dict):
                assert {"401", "429", "503"} <= set(operation["responses"]), f"{method} {path}"


def test_the_documentation_has_the_table_that_the_classes_make() -> None:
    (found,) = [
        match.group() for match in errors_table.place.finditer(errors_table.page.read_text())
    ]
    assert found == errors_table.table(), "run: python -m tests.architecture.errors_table"
