"""Other sites: pages of another origin that show what is ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Page, expect

listening = """<script>
  window.heard = [];
  addEventListener("message", ({ data, origin }) => window.heard.push({ ...data, origin }));
</script>"""
"""What the simplest host does: it hears."""


@asynccontextmanager
async def site(port: int, markup: str, *policies: str) -> AsyncIterator[str]:
    """The address of another site with one page, whose answer has these policies (CSP)."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        more = "".join(f"Content-Security-Policy: {one}\r\n" for one in policies)
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{more}Connection: close\r\n\r\n"
        writer.write(
            (head + '<!doctype html><html lang="en"><title>Host</title>' + markup).encode()
        )
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", port):
        yield f"http://127.0.0.1:{port}/"


async def heard(page: Page, kind: str, count: int = 1) -> list[dict[str, object]]:
    """The messages of a kind that the host heard, as soon as there are so many."""
    await page.wait_for_function(
        "([kind, count]) => window.heard.filter((one) => one.type === kind).length >= count",
        arg=[kind, count],
    )
    found: list[dict[str, object]] = await page.evaluate(
        "kind => window.heard.filter((one) => one.type === kind)", kind
    )
    return found


async def give(page: Page, token: str) -> None:
    """The host gives its frame a token."""
    await page.evaluate(
        """token => document.querySelector("iframe").contentWindow
             .postMessage({ quickpoll: 1, type: "token", token }, "*")""",
        token,
    )


__all__ = ["expect", "give", "heard", "listening", "site"]
