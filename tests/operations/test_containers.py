"""Dockerfile, compose.yaml and the scripts around them."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from quickpoll import __version__
from tests.checkout import root
from tests.conftest import settings_from
from tests.operations.checkers import run

instances = ("quickpoll-1", "quickpoll-2")


@pytest.fixture
def stack(tmp_path: Path) -> dict[str, Any]:
    """compose.yaml as Docker Compose itself understands it."""
    shutil.copy(root / "compose.yaml", tmp_path)
    (tmp_path / "config").mkdir()
    example = (root / "config" / "production.env.example").read_text()
    (tmp_path / "config" / "production.env").write_text(example)
    file = str(tmp_path / "compose.yaml")
    shown = run("docker-compose", "--file", file, "config", "--format", "json")
    assert shown.returncode == 0, shown.stderr
    stack: dict[str, Any] = json.loads(shown.stdout)
    return stack


def test_dockerfile_has_nothing_that_hadolint_minds() -> None:
    looked = run("hadolint", "--failure-threshold", "style", "Dockerfile")
    assert (looked.returncode, looked.stdout) == (0, "")


@pytest.mark.parametrize("script", [".ci/run", ".ci/audit"])
def test_scripts_have_nothing_that_shellcheck_minds(script: str) -> None:
    looked = run("shellcheck", script)
    assert (looked.returncode, looked.stdout) == (0, "")


def test_image_is_labelled_with_the_version_and_what_it_was_built_from() -> None:
    text = (root / "Dockerfile").read_text()
    assert f"ARG VERSION={__version__}\n" in text
    labels = set(re.findall(r"org\.opencontainers\.image\.(\w+)=", text))
    assert labels == {"title", "description", "licenses", "version", "revision"}
    assert f"image: quickpoll:{__version__}\n" in (root / "compose.yaml").read_text()


def test_instances_run_without_privileges_on_a_read_only_file_system(stack: dict[str, Any]) -> None:
    for name in instances:
        service = stack["services"][name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    assert re.search(r"^USER \d+:\d+$", (root / "Dockerfile").read_text(), re.MULTILINE)


def test_an_instance_is_healthy_when_it_is_ready(stack: dict[str, Any]) -> None:
    asked = re.findall(r"http://127\.0\.0\.1:8001(/[\w/]+)", (root / "Dockerfile").read_text())
    assert asked == ["/health/ready"]
    waits = stack["services"]["nginx"]["depends_on"]
    assert {waits[name]["condition"] for name in instances} == {"service_healthy"}


def test_proxy_finds_the_instances_under_the_names_they_have(stack: dict[str, Any]) -> None:
    upstreams = set(re.findall(r"server ([\w-]+):8001", (root / "config/nginx.conf").read_text()))
    assert upstreams == set(instances)
    for name in instances:
        assert stack["services"][name]["hostname"] == name
    published = [port["target"] for port in stack["services"]["nginx"]["ports"]]
    assert published == [8080]


def test_stores_are_reached_from_the_instances_alone(stack: dict[str, Any]) -> None:
    for store in ("mongo", "redis"):
        assert list(stack["services"][store]["networks"]) == ["back"]
        assert "ports" not in stack["services"][store]
    assert stack["networks"]["back"]["internal"] is True


def test_example_of_the_environment_is_complete_but_for_the_secret(stack: dict[str, Any]) -> None:
    given = stack["services"]["quickpoll-1"]["environment"]
    settings = settings_from({k: v for k, v in given.items() if v} | {"JWT_SECRET_KEY": "x" * 32})
    assert settings.database_name == "quickpoll"
    assert settings.api_trusted_proxies == 1
