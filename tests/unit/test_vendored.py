"""What others wrote stands in the table, unchanged, with its licence; our own scripts parse."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from quickpoll.web.assets import FOLDER

vendor = FOLDER / "vendor"
table = (vendor / "VENDORED.md").read_text(encoding="utf-8")
rows = re.findall(
    r"^\| `[^`]+` \| [\d.]+ \| [^|]+ \| `([^`]+)` \| `([0-9a-f]{64})` \|$", table, re.M
)
scripts = sorted((FOLDER / "js").rglob("*.js"))
about = re.compile(r"LICENSE$|NOTICE$|\.LICENSE\.txt$|VENDORED\.md$")
other_host = re.compile(r"""(?:src|href)\s*=\s*["']https?://|@import|url\(["']?https?:""")


def test_every_file_is_in_the_table_with_its_digest() -> None:
    found = {
        path.relative_to(vendor).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in vendor.rglob("*")
        if path.is_file() and not about.search(path.name)
    }
    assert found == dict(rows)


def test_every_package_brings_its_licence() -> None:
    packages = [path for path in vendor.iterdir() if path.is_dir()]
    assert packages
    assert all((package / "LICENSE").is_file() for package in packages)


def test_our_own_pages_name_no_other_host() -> None:
    own = [
        *FOLDER.glob("*.css"),
        *scripts,
        *(FOLDER.parent / "templates").glob("*.html"),
    ]
    assert [path.name for path in own if other_host.search(path.read_text("utf-8"))] == []


@pytest.mark.node
@pytest.mark.parametrize("script", scripts, ids=lambda path: path.name)
def test_a_script_is_javascript(script: Path) -> None:
    node = shutil.which("node")
    if node is None:
        answer = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        answer("needs Node.js")
    command = [node, "--check", "--input-type=module", "-"]
    checked = subprocess.run(command, input=script.read_bytes(), capture_output=True, check=False)
    assert checked.returncode == 0, checked.stderr.decode()
