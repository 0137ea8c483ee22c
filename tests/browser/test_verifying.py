"""The checker in a real browser: with its own cryptography, and with copies of libraries where a
browser lacks Ed25519 or a page WebCrypto altogether."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.async_api import Browser

from quickpoll.verification.check import check
from quickpoll.web.assets import Assets
from tests.instances import Instance
from tests.verification.honest import from_memory
from tests.verification.test_browser_checker import as_json, worlds

shown_here = [name for name in worlds if name != "large"]

lacking = {
    "nothing": "",
    "ed25519": """
        const importKey = SubtleCrypto.prototype.importKey;
        SubtleCrypto.prototype.importKey = async function (...how) {
          if (how[2] === "Ed25519") throw new DOMException("Not here.", "NotSupportedError");
          return importKey.apply(this, how);
        };""",
    "webcrypto": "Object.defineProperty(Crypto.prototype, 'subtle', { get: () => undefined });",
}
"""What a browser may lack, and how it is taken away."""

checking = """async ([folder, worlds]) => {
  const { check } = await import(`${folder}/check.js`);
  const { NotServed } = await import(`${folder}/findings.js`);
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const answers = [];
  for (const { files, poll_id: pollId, keys, kept, now } of worlds) {
    const fetch = async (path) => {
      if (!(path in files)) throw new NotServed(`${path} is not there`);
      return bytes(files[path]);
    };
    for (const name of ["checkpoints", "receipts", "promises"]) kept[name] = kept[name].map(bytes);
    answers.push(await check({ fetch, pollId, keys, kept, now }));
  }
  return answers.map(({ findings, notes }) => ({ findings, notes }));
}"""


@pytest.mark.parametrize("without", lacking)
async def test_a_browser_finds_what_the_command_finds(
    browser: Browser, service: Instance, without: str
) -> None:
    context = await browser.new_context()
    await context.add_init_script(lacking[without])
    page = await context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(f"{service.url}/polls")
    given = [json.loads(as_json(worlds[name]())) for name in shown_here]
    folder = f"/static/{Assets().digest}/js/verify"
    found: list[Any] = await page.evaluate(checking, [folder, given])
    await context.close()
    for name, theirs in zip(shown_here, found, strict=True):
        world = worlds[name]()
        report = check(from_memory(world.files), world.poll_id, world.keys, world.kept, world.now)
        assert [one["code"] for one in theirs["findings"]] == [one.code for one in report.findings]
        assert theirs["notes"] == report.notes, name
    vendored = [url for url in asked if "/noble-" in url]
    assert bool(vendored) == (without != "nothing")
