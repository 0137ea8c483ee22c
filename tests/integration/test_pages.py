"""The pages as they are answered: policies, languages, codes, and what is no page."""

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
