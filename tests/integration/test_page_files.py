"""The files of the pages: kept for good, compressed once, named by what needs them."""

from __future__ import annotations

import re

import httpx
import pytest


async def test_files_are_kept_for_good_under_the_address_of_this_release(
    client: httpx.AsyncClient,
) -> None:
    page = await client.get("/polls")
    assert page.headers["Cache-Control"] == "no-cache"
    files = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
    kinds = {
        ".css": "text/css",
        ".js": "text/javascript",
        ".svg": "image/svg+xml",
        ".woff2": "font/woff2",
    }
    assert {re.search(r"\.\w+$", file)[0] for file in files} == set(kinds)  # type: ignore[index]
    for file in files:
        answer = await client.get(file)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith(kinds[file[file.rindex(".") :]])
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    other = re.sub("/static/[^/]+/", "/static/0123456789abcdef/", files[0])
    assert (await client.get(other)).headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "file",
    [
        "nothing.js",
        "../views.py",
        "..%2fviews.py",
        "js/../../views.py",
        "%2e%2e/views.py",
        "/etc/passwd",
    ],
)
async def test_only_files_that_are_there_are_served(client: httpx.AsyncClient, file: str) -> None:
    digest = re.search("/static/([^/]+)/", (await client.get("/polls")).text)
    assert digest is not None
    answer = await client.get(f"/static/{digest[1]}/{file}")
    assert answer.status_code == 404
    assert "import" not in answer.text


text_files = ("/polls", f"/polls/{'a' * 24}", "/docs", "live.css", "js/poll-page.js", "texts/de.js")


async def address_of(client: httpx.AsyncClient, file: str) -> str:
    """The address of a page, or of a file of this release."""
    if file.startswith("/"):
        return file
    digest = re.search("/static/([^/]+)/", (await client.get("/polls")).text)
    assert digest is not None
    return f"/static/{digest[1]}/{file}"


@pytest.mark.parametrize("file", text_files)
async def test_texts_are_compressed_where_the_caller_takes_it_so(
    client: httpx.AsyncClient, file: str
) -> None:
    address = await address_of(client, file)
    plain = await client.get(address, headers={"Accept-Encoding": "identity"})
    packed = await client.get(address, headers={"Accept-Encoding": "gzip"})
    squeezed = await client.get(address, headers={"Accept-Encoding": "gzip, deflate, br, zstd"})
    refused = await client.get(address, headers={"Accept-Encoding": "gzip;q=0"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert int(packed.headers["Content-Length"]) < int(plain.headers["Content-Length"]) * 0.8
    assert squeezed.headers["Content-Encoding"] == "br"
    assert int(squeezed.headers["Content-Length"]) < int(packed.headers["Content-Length"])
    assert "Content-Encoding" not in plain.headers
    assert "Content-Encoding" not in refused.headers
    assert plain.content == packed.content == squeezed.content == refused.content
    for answer in (plain, packed, squeezed):
        assert "Accept-Encoding" in answer.headers["Vary"]


@pytest.mark.parametrize("file", [*text_files, "vendor/newsreader/newsreader-latin.woff2"])
async def test_what_is_there_already_is_not_sent_again(
    client: httpx.AsyncClient, file: str
) -> None:
    address = await address_of(client, file)
    first = await client.get(address)
    again = await client.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["ETag"] == first.headers["ETag"]
    other = await client.get(address, headers={"If-None-Match": 'W/"another"'})
    assert other.status_code == 200


async def test_fonts_are_not_compressed_twice(client: httpx.AsyncClient) -> None:
    address = await address_of(client, "vendor/newsreader/newsreader-latin.woff2")
    answer = await client.get(address, headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers
    assert answer.content[:4] == b"wOF2"


async def test_a_page_names_every_module_that_its_script_imports(
    client: httpx.AsyncClient,
) -> None:
    page = (await client.get(f"/polls/{'a' * 24}")).text
    named = set(re.findall(r'rel="modulepreload"[^>]* href="([^"]+)"', page))
    entry = re.search(r'<script type="module" src="([^"]+)"', page)
    assert entry is not None
    seen, todo = set[str](), [entry[1]]
    while todo:
        address = todo.pop()
        text = (await client.get(address)).text
        for path in re.findall(r'^import [^"]*"(\.[^"]+)"', text, re.MULTILINE):
            found = str(httpx.URL("http://test" + address).join(path).path)
            if found not in seen:
                seen.add(found)
                todo.append(found)
    assert seen <= named
    assert all("/texts/" in one for one in named - seen)


async def test_the_element_is_for_pages_of_any_origin(client: httpx.AsyncClient) -> None:
    answer = await client.get("/embed/v1/quick-poll.js", headers={"Origin": "https://a.example"})
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert answer.headers["Access-Control-Allow-Origin"] == "https://a.example"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.headers["Content-Encoding"] in ("br", "gzip")
    tag = {"If-None-Match": answer.headers["ETag"]}
    assert (await client.get("/embed/v1/quick-poll.js", headers=tag)).status_code == 304
