"""Clients as their generators make them read a voted poll, change one and export it."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from tests.builders import create_poll, option, vote
from tests.clients import generators
from tests.clients.generators import node_modules, programs, run
from tests.conftest import sign
from tests.instances import Instance

pytestmark = pytest.mark.timeout(300)  # a generator is a large program that is started for once

owner, voter, other = (f"65f1c0ffee0000000000f10{n}" for n in range(1, 4))


class Service(NamedTuple):
    """A running one, its document in a file, and what there is in it."""

    url: str
    document: Path
    voted: dict[str, Any]
    hidden: dict[str, Any]
    view: dict[str, Any]

    def arguments(self, user: str) -> tuple[str, ...]:
        """What each of the programs is started with."""
        return self.url, sign(user), self.voted["id"], self.hidden["id"]

    def expected(self) -> dict[str, Any]:
        """What each of them is to find, whatever it was made by."""
        red, green, blue = (option(self.voted, place) for place in range(3))
        return {
            "counts": {"likes": 1, red: 2, green: 0, blue: 1},
            "version": self.view["version"],
            "listed": [self.voted["id"]],
            "hidden": [True, None, {"likes": 0}],
            "closesAt": None,
            "export": [[2, 66.7], [0, 0.0], [1, 33.3]],
            "timeline": {red: 2, green: 0, blue: 1},
            "created": [1, "always"],
            "code": "option_not_found",
        }


@pytest.fixture
async def service(
    start_instance: Callable[..., Instance],
    http: Callable[[str], httpx.AsyncClient],
    tmp_path: Path,
) -> Service:
    url = start_instance().url
    client = http(url)
    document = tmp_path / "openapi.json"
    document.write_bytes((await client.get("/openapi.json")).content)
    voted = await create_poll(client, owner, closesAt="2099-01-01T00:00:00Z")
    hidden = await create_poll(client, other, results="owner", visibility="unlisted")
    for place, user in ((0, owner), (0, voter), (2, other)):
        assert (await vote(client, voted, place, user)).status_code == 201
    headers = {"Authorization": f"Bearer {sign(voter)}"}
    await client.put(f"/api/poll/like-poll/{voted['id']}", headers=headers)
    path = f"/api/poll/get-poll-by-id/{voted['id']}"
    view = (await client.get(path, headers=headers)).json()
    assert view["version"] > 2**31
    return Service(url, document, voted, hidden, view)


def python_openapi_generator(document: Path, folder: Path) -> None:
    package = ("--additional-properties", "packageName=polls_client")
    generators.openapi_generator("python", document, folder, *package)


@pytest.mark.parametrize(
    ("generate", "program"),
    [
        (python_openapi_generator, "by_openapi_generator.py"),
        (generators.openapi_python_client, "by_openapi_python_client.py"),
        (generators.datamodel_code_generator, "by_datamodel_code_generator.py"),
    ],
    ids=["openapi-generator", "openapi-python-client", "datamodel-code-generator"],
)
def test_a_client_in_python(
    service: Service, tmp_path: Path, generate: Callable[[Path, Path], None], program: str
) -> None:
    generate(service.document, tmp_path)
    said = run(
        sys.executable, programs / program, *service.arguments(owner), PYTHONPATH=str(tmp_path)
    )
    assert json.loads(said) == service.expected()


@pytest.mark.node
def test_a_client_in_typescript(service: Service, tmp_path: Path) -> None:
    generators.openapi_typescript(service.document, tmp_path)
    source = Path(shutil.copy(programs / "by_openapi_typescript.ts", tmp_path))
    (tmp_path / "package.json").write_text('{"type": "module"}')
    strict = ("--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess")
    target = ("--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom")
    run(node_modules / ".bin" / "tsc", *strict, *target, source)
    said = run("node", source.with_suffix(".js"), *service.arguments(owner))
    assert json.loads(said) == service.expected()


typed: dict[str, tuple[tuple[str, ...], str, str, str]] = {
    "java": (
        ("--library", "native"),
        r"private Long version;",
        r"private Map<String, Long> counts\b",
        r"JsonNullable<OffsetDateTime> closesAt\b",
    ),
    "kotlin": (
        (),
        r"val version: kotlin\.Long,",
        r"val counts: kotlin\.collections\.Map<kotlin\.String, kotlin\.Long>",
        r"val closesAt: java\.time\.OffsetDateTime\? = null",
    ),
    "go": (
        (),
        r"\n\s+Version int64 ",
        r"\n\s+Counts map\[string\]int64 ",
        r"ClosesAt NullableTime ",
    ),
    "csharp": (
        (),
        r"public long VarVersion\b",
        r"public Dictionary<string, long> Counts\b",
        r"public DateTime\? ClosesAt\b",
    ),
    "rust": (
        (),
        r"pub version: i64,",
        r"pub counts: std::collections::HashMap<String, i64>,",
        r"pub closes_at: Option<Option<",
    ),
}


@pytest.mark.parametrize("language", typed)
def test_no_client_takes_fewer_bits_than_a_version_has(
    service: Service, tmp_path: Path, language: str
) -> None:
    options, version, counts, closes_at = typed[language]
    generators.openapi_generator(language, service.document, tmp_path, *options)
    assert re.search(version, source_of(tmp_path, "PollView"))
    assert re.search(counts, source_of(tmp_path, "PollView"))
    assert re.search(closes_at, source_of(tmp_path, "PollUpdate"))


def source_of(folder: Path, model: str) -> str:
    """The source of a model, however its language names files."""
    names = {model.lower(), f"model{model.lower()}"}
    (found,) = [
        one
        for one in folder.rglob("*")
        if one.suffix in (".java", ".kt", ".go", ".cs", ".rs")
        and one.stem.replace("_", "").lower() in names
    ]
    return found.read_text("utf-8")
