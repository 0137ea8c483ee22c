"""The generators of clients: how each is run, and what makes them missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkout import root

node_modules = root / "tests" / "js" / "node_modules"
programs = Path(__file__).with_name("programs")


def require(what: str, there: bool, how: str) -> None:
    """Skip a person's test where something is missing, and say how to get it; fail it in CI."""
    if there:
        return
    said = f"needs {what}: {how}"
    if os.environ.get("CI") == "true":
        pytest.fail(said)
    pytest.skip(said)


def python_program(name: str) -> str:
    """A program of the virtual environment that only `make check` installs."""
    found = Path(sys.executable).with_name(name)
    require(name, found.is_file(), "`make check` installs it")
    return str(found)


def node_program(name: str) -> str:
    """A program of the packages for JavaScript."""
    require("Node.js", shutil.which("node") is not None, "install it")
    found = node_modules / ".bin" / name
    require(name, found.is_file(), "npm ci --prefix tests/js")
    return str(found)


def run(*command: str | Path, **variables: str) -> str:
    """Run a command to its end; what it wrote. The test fails with all of it where it fails."""
    done = subprocess.run(
        [str(one) for one in command],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def openapi_generator(language: str, document: Path, folder: Path, *more: str) -> None:
    """Write a client of that language into a folder."""
    program = python_program("openapi-generator-cli")
    require("Java", shutil.which("java") is not None, "install a Java runtime, 11 or later")
    run(program, "generate", "-g", language, "-i", document, "-o", folder, *more)


def openapi_python_client(document: Path, folder: Path) -> None:
    """Write the package ``polls_client`` into a folder."""
    program = python_program("openapi-python-client")
    package = folder / "polls_client"
    run(program, "generate", "--path", document, "--output-path", package, "--meta", "none")


def datamodel_code_generator(document: Path, folder: Path) -> None:
    """Write the module ``polls_client`` into a folder."""
    program = python_program("datamodel-codegen")
    kind = ("--input-file-type", "openapi", "--output-model-type", "pydantic_v2.BaseModel")
    run(program, "--input", document, *kind, "--output", folder / "polls_client.py")


def openapi_typescript(document: Path, folder: Path) -> None:
    """Write the types ``polls_client.d.ts`` into a folder."""
    run(node_program("openapi-typescript"), document, "--output", folder / "polls_client.d.ts")
