"""The pages as they are answered: policies, caching, codes, files."""

from __future__ import annotations

import re
from secrets import token_hex

import httpx
import pytest

from quickpoll.factory import create_app
from quickpoll.localrun.embedded import StoreAddresses
from tests.conftest import bearer, environment, served, settings_from

pages = (
    "/polls",
    f"/polls/{'a' * 24}",
    f"/polls/{'a' * 24}/present",
    f"/embed/polls/{'a' * 24}",
    "/embed/polls/nothing",
    "/polls/nothing",
    "/nowhere",
)

# What Chrome, Firefox and Safari send where a person opens an address.
browsers = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "text/html",
)
programs = ("*/*", "", "application/json", "application/json, text/plain, */*", "text/html, */*")


def policy(answer: httpx.Response) -> dict[str, str]:
    """The directives of an answer's Content-Security-Policy."""
    parts = (
        part.strip().partition(" ") for part in answer.headers["Content-Security-Policy"].split(";")
    )
    return {name: sources for name, _, sources in parts}


@pytest.mark.parametrize("path", pages)
async def test_a_live_page_may_load_only_from_here_and_run_nothing_inline(
    client: httpx.AsyncClient, path: str
) -> None:
    answer = await client.get(path, headers={"Accept": browsers[0]})
    directives = policy(answer)
    assert directives["default-src"] == "'none'"
    for name in ("script-src", "style-src", "img-src", "font-src", "connect-src"):
        assert directives[name] == "'self'"
    assert directives["base-uri"] == directives["form-action"] == "'none'"
    assert directives["frame-ancestors"] == "'none'"
    assert directives["require-trusted-types-for"] == "'script'"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    # And indeed there is nothing that the policy would have to stop.
    assert not re.search(r"<script(?![^>]* src=)|<style|\son\w+=|\sstyle=|https?://", answer.text)


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_the_documentation_loads_from_here_alone(
    client: httpx.AsyncClient, path: str
) -> None:
    answer = await client.get(path)
    assert answer.status_code == 200
    directives = policy(answer)
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == directives["connect-src"] == "'self'"
    assert directives["frame-ancestors"] == "'none'"
    assert "http:" not in answer.text
    assert "https:" not in answer.text


async def test_an_operator_names_who_may_show_the_pages_in_a_frame(
    stores: StoreAddresses, name: str
) -> None:
    variables = environment(stores, name, API_FRAME_ANCESTORS="https://a.example,https://b.example")
    async with served(create_app(settings_from(variables))) as client:
        page = await client.get("/polls")
        docs = await client.get("/docs")
        frame = await client.get(f"/embed/polls/{'a' * 24}")
    assert policy(frame)["frame-ancestors"] == "https://a.example https://b.example"
    assert "X-Frame-Options" not in frame.headers
    assert policy(page)["frame-ancestors"] == "https://a.example https://b.example"
    assert "X-Frame-Options" not in page.headers
    # Only the live pages: the documentation sends requests with whatever token is put in.
    assert policy(docs)["frame-ancestors"] == "'none'"


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


async def test_a_page_says_nothing_of_a_poll_before_the_token_does(
    client: httpx.AsyncClient,
) -> None:
    known, unknown = token_hex(12), token_hex(12)
    first = await client.get(f"/polls/{known}")
    second = await client.get(f"/polls/{unknown.upper()}")
    assert first.status_code == second.status_code == 200
    assert first.text.replace(known, unknown) == second.text


@pytest.mark.parametrize("path", ["/polls/abc", "/polls/abc/present", f"/polls/{'g' * 24}"])
async def test_an_address_that_is_none_of_a_poll_is_told_with_404(
    client: httpx.AsyncClient, path: str
) -> None:
    answer = await client.get(path)
    assert answer.status_code == 404
    assert "There is no such poll" in answer.text


async def test_the_code_of_a_poll_is_drawn_for_the_origin_of_the_page(
    client: httpx.AsyncClient,
) -> None:
    path = f"/polls/{token_hex(12)}/qr.svg"
    plain = await client.get(path)
    assert plain.headers["Content-Type"].startswith("image/svg+xml")
    assert plain.headers["Content-Security-Policy"] == "default-src 'none'"
    assert plain.text.startswith("<svg")
    same = await client.get(path, params={"origin": "http://test"})
    assert same.text == plain.text
    outside = await client.get(
        path, params={"origin": "https://a.example"}, headers={"X-Forwarded-Host": "a.example"}
    )
    assert outside.status_code == 200
    assert outside.text != plain.text


async def test_no_code_is_drawn_for_another_site_or_for_no_poll(client: httpx.AsyncClient) -> None:
    elsewhere = {"origin": "https://elsewhere.example"}
    assert (await client.get(f"/polls/{token_hex(12)}/qr.svg", params=elsewhere)).status_code == 404
    assert (await client.get("/polls/abc/qr.svg")).status_code == 404


async def test_head_is_answered_as_get(client: httpx.AsyncClient) -> None:
    get, head = await client.get("/polls"), await client.head("/polls")
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["Content-Security-Policy"] == get.headers["Content-Security-Policy"]


@pytest.mark.parametrize("accept", browsers)
@pytest.mark.parametrize(
    "path",
    [
        *("/nowhere", "/polls/x", "/polls/x/present", "/polls/x/y/z", "/polls/x/qr.svg", "/apis"),
        *("/docs/x", "/static/x/y.js", "/static/"),
    ],
)
async def test_a_browser_gets_a_page_where_there_is_nothing(
    client: httpx.AsyncClient, path: str, accept: str
) -> None:
    for method in ("GET", "HEAD"):
        answer = await client.request(method, path, headers={"Accept": accept})
        assert answer.status_code == 404
        assert answer.headers["Content-Type"].startswith("text/html")
        assert "Accept" in answer.headers["Vary"]
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert ("<h1>" in answer.text) == (method == "GET")


@pytest.mark.parametrize("accept", programs)
@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/nowhere", "not_found"),
        ("/polls/x", "poll_not_found"),
        ("/polls/x/qr.svg", "not_found"),
        ("/static/x/y.js", "not_found"),
    ],
)
async def test_a_program_gets_a_problem_document(
    client: httpx.AsyncClient, path: str, code: str, accept: str
) -> None:
    answer = await client.get(path, headers={"Accept": accept})
    assert (answer.status_code, answer.json()["code"]) == (404, code)
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_under_api_everybody_is_a_program(client: httpx.AsyncClient) -> None:
    headers = {"Accept": browsers[0]}
    stranger = await client.get("/api/nothing", headers=headers)
    known = await client.get("/api/nothing", headers={**headers, **bearer()})
    assert (stranger.status_code, stranger.json()["code"]) == (401, "missing_token")
    assert (known.status_code, known.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", [*pages[:4], "/docs", "/redoc"])
async def test_a_slash_at_the_end_of_a_page_changes_nothing(
    client: httpx.AsyncClient, path: str
) -> None:
    for accept in (browsers[0], "*/*"):
        without, with_slash = [
            await client.get(one, headers={"Accept": accept}) for one in (path, f"{path}/")
        ]
        assert (with_slash.status_code, with_slash.text) == (200, without.text)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_the_root_leads_a_browser_to_the_polls(
    client: httpx.AsyncClient, method: str
) -> None:
    for accept in browsers:
        answer = await client.request(method, "/", headers={"Accept": accept})
        assert (answer.status_code, answer.content) == (303, b"")
        assert answer.headers["Location"] == "/polls"
        assert answer.headers["Content-Length"] == "0"
        assert "Accept" in answer.headers["Vary"]
    for accept in programs:
        answer = await client.request(method, "/", headers={"Accept": accept})
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "application/json"
        assert "Accept" in answer.headers["Vary"]


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


@pytest.mark.parametrize(
    ("accepted", "asked", "language", "direction"),
    [
        ("de-CH,de;q=0.9,en;q=0.8", "", "de", "ltr"),
        ("en;q=0.5,pl;q=0.9", "", "pl", "ltr"),
        ("ar", "", "ar", "rtl"),
        ("nl", "", "en", "ltr"),
        ("de", "?lang=ja", "ja", "ltr"),
        ("de", "?lang=nl", "de", "ltr"),
    ],
)
async def test_a_page_is_in_the_readers_first_language_that_there_is(
    client: httpx.AsyncClient, accepted: str, asked: str, language: str, direction: str
) -> None:
    for path in (*pages[:3], pages[3]):
        answer = await client.get(
            path + asked, headers={"Accept-Language": accepted, "Accept": "text/html"}
        )
        assert f'<html lang="{language}" dir="{direction}">' in answer.text
        assert answer.headers["Content-Language"] == language
        assert "Accept-Language" in answer.headers["Vary"]


async def test_pages_of_two_languages_are_two_contents(client: httpx.AsyncClient) -> None:
    tags = {
        (await client.get("/polls", headers={"Accept-Language": language})).headers["ETag"]
        for language in ("de", "fr")
    }
    assert len(tags) == 2


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
