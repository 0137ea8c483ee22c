"""The wheel: what is in it, and that it runs from a folder with nothing else in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from quickpoll.localrun.embedded import StoreAddresses
from tests.builders import create_poll, look, vote
from tests.checkout import root
from tests.conftest import environment
from tests.instances import Instance

pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of what version control has: nothing else slips in."""
    source, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE", "hypercorn.toml"):
        shutil.copy(root / name, source)
    shutil.copytree(root / "quickpoll", source / "quickpoll", symlinks=True)
    build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
    subprocess.run([*pip, *build, str(source)], check=True, timeout=100)
    (found,) = folder.glob("quickpoll-*.whl")
    return found


def test_wheel_holds_everything_that_is_served(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    package = root / "quickpoll"
    kept = {
        path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    }
    assert {str(path.relative_to(root)) for path in kept} <= held
    assert {
        "quickpoll/hypercorn.toml",
        "quickpoll/localrun/demo/polls.json",
        "quickpoll/py.typed",
    } <= held
    assert not [name for name in held if name.startswith(("tests/", "bench/"))]


class Installed(Instance):
    """The service from a wheel in a virtual environment of its own, started in an empty folder."""

    def __init__(self, home: Path, variables: dict[str, str]) -> None:
        super().__init__(variables)
        self.home = home
        self.folder = home / "empty"
        self.folder.mkdir()

    def command(self) -> tuple[list[str], Path]:
        """The production command, with the configuration that the wheel brings."""
        package = self.run(
            "python", "-c", "import quickpoll as q; print(*q.__path__)"
        ).stdout.strip()
        assert Path(package).is_relative_to(self.home)
        serve = [str(self.home / "bin" / "hypercorn"), "--config", f"{package}/hypercorn.toml"]
        return [*serve, "--bind", f"127.0.0.1:{self.port}", "quickpoll.asgi:app"], self.folder

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a program of this environment."""
        return subprocess.run(
            [str(self.home / "bin" / program), *arguments],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], **self.variables},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def install(
    wheel: Path, tmp_path: Path, stores: StoreAddresses, name: str
) -> Iterator[Callable[..., Installed]]:
    """Installs the wheel, its requirements from the lock or from this environment."""
    made: list[Installed] = []

    def installed(*, locked: bool) -> Installed:
        home = tmp_path / "venv"
        venv.create(home)
        install = [*pip, "--python", str(home / "bin" / "python"), "install", "--no-deps"]
        if locked:
            lock = str(root / "requirements" / "production.txt")
            subprocess.run([*install, "--require-hashes", "--requirement", lock], check=True)
        else:
            (here,) = home.glob("lib/python*/site-packages")
            (here / "requirements.pth").write_text(sysconfig.get_path("purelib"))
            shutil.copy(Path(sys.executable).with_name("hypercorn"), home / "bin")
            hypercorn = home / "bin" / "hypercorn"
            hypercorn.write_text(
                f"#!{home}/bin/python\nfrom hypercorn.__main__ import main\nmain()\n"
            )
        subprocess.run([*install, str(wheel)], check=True)
        made.append(Installed(home, environment(stores, name)))
        return made[-1]

    yield installed
    for instance in made:
        instance.close()


async def takes_a_vote(instance: Installed, client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, "a" * 24)
    assert (await vote(client, poll, 0, "b" * 24)).status_code == 201
    assert (await look(client, poll, "b" * 24))["votesCount"] == 1
    for page in ("/docs", "/polls", "/openapi.json"):
        assert (await client.get(page)).status_code == 200
    assert instance.stop() == 0


async def test_wheel_serves_votes_from_an_empty_folder(
    install: Callable[..., Installed], http: Callable[[str], httpx.AsyncClient]
) -> None:
    instance = install(locked=False)
    instance.start()
    await takes_a_vote(instance, http(instance.url))
    assert list(instance.folder.iterdir()) == []
    assert instance.run("quickpoll", "--help").stdout.startswith("Usage: quickpoll")


@pytest.mark.slow
async def test_locked_requirements_are_all_that_production_needs(
    install: Callable[..., Installed], http: Callable[[str], httpx.AsyncClient]
) -> None:
    instance = install(locked=True)
    instance.start()
    await takes_a_vote(instance, http(instance.url))
    said = instance.run("quickpoll")
    assert said.returncode == 1
    assert "pip install 'quickpoll[embedded]'" in said.stderr
