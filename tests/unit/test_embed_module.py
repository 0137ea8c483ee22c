"""The element's one module: joined from ours, light, whole; and whose messages a frame hears."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
from collections.abc import Callable

import pytest

from quickpoll.web.assets import FOLDER, Assets
from quickpoll.web.embed.joined import CannotJoin, joined
from quickpoll.web.texts import LANGUAGES, read_all

most_bytes = 40_000  # compressed

languages = read_all()
module = joined(lambda name: Assets().served(name).decode(), languages).decode()


def node(program: str) -> str:
    """What a program in JavaScript says."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("needs Node.js")
    done = subprocess.run(
        [found, "--input-type=module", "-"],
        input=program.encode(),
        capture_output=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def test_it_is_one_module_and_light() -> None:
    assert not re.search(r"^\s*(?:import|export)\b", module, re.MULTILINE)
    assert "sourceMappingURL" not in module
    assert len(gzip.compress(module.encode(), 9)) < most_bytes


def test_it_has_every_text_that_it_names_in_every_language() -> None:
    held = re.search(r"^const names = (.+);$", module, re.MULTILINE)
    spoken = re.search(r"^const texts = (.+);$", module, re.MULTILINE)
    assert held is not None
    assert spoken is not None
    names = set(json.loads(held[1]))
    ours = re.sub(r"/\*!\n \* Socket\.IO.*?\n\}\)\(\);", "", module, flags=re.DOTALL)
    assert set(re.findall(r'\bt\("(\w+)"', ours)) <= names
    texts = json.loads(spoken[1])
    assert set(texts) == set(LANGUAGES)
    assert {len(one) for one in texts.values()} == {len(names)}


@pytest.mark.node
def test_it_is_javascript() -> None:
    assert node(f"(() => 1)();\nif (false) {{\n{module}\n}}") == ""


def source_of(**modules: str) -> Callable[[str], str]:
    """Answers these modules in place of ours."""
    named = {f"js/embed/{name}.js": text for name, text in modules.items()}
    return lambda name: named[name]


@pytest.mark.node
def test_names_of_one_module_meet_no_names_of_another() -> None:
    found = joined(
        source_of(
            element='import { a as one, two } from "./x.js";\nimport * as x from "./y.js";\n'
            "const a = 5;\nconsole.log(one, two, x.a, a);\n",
            x='import { a as inner } from "./y.js";\nexport const a = inner + 1;\n'
            "export function two() { return 2; }\n",
            y="const b = 1;\nexport { b as a };\n",
        ),
        languages,
    )
    assert node(found.decode()).split() == ["2", "[Function:", "two]", "1", "5"]


@pytest.mark.parametrize(
    "modules",
    [
        {"element": 'import { a } from "./x.js";\n', "x": 'import { b } from "./element.js";\n'},
        {"element": "export default 5;\n"},
        {"element": 'import "./x.js";\n', "x": ""},
    ],
)
def test_what_cannot_be_joined_is_refused(modules: dict[str, str]) -> None:
    with pytest.raises(CannotJoin):
        joined(source_of(**modules), languages)


@pytest.mark.node
@pytest.mark.parametrize(
    ("sources", "origin", "allowed"),
    [
        ("https://a.example", "https://a.example", True),
        ("https://a.example", "https://a.example.evil", False),
        ("https://a.example", "https://b.a.example", False),
        ("https://a.example", "http://a.example", False),
        ("http://a.example", "https://a.example", True),
        ("https://a.example", "https://a.example:8443", False),
        ("https://a.example:8443", "https://a.example:8443", True),
        ("https://a.example:*", "https://a.example:1", True),
        ("https://*.example", "https://a.b.example", True),
        ("https://*.example", "https://example", False),
        ("a.example", "https://a.example", True),
        ("a.example", "http://a.example", False),
        ("'self'", "https://polls.example", True),
        ("'self'", "https://a.example", False),
        ("'none'", "https://a.example", False),
        ("https:", "https://a.example", True),
        ("https:", "http://a.example", False),
        ("*", "https://a.example", True),
        ("*", "null", False),
        ("https://x.example https://a.example", "https://a.example", True),
    ],
)
def test_a_frame_hears_the_origins_that_may_show_it(
    sources: str, origin: str, allowed: bool
) -> None:
    script = (FOLDER / "js/embed/ancestors.js").read_text("utf-8")
    asked = ", ".join(map(json.dumps, (sources.split(), origin, "https://polls.example")))
    assert node(f"{script}\nconsole.log(allows({asked}));").strip() == str(allowed).lower()
