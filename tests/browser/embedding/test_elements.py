"""Polls in pages of another origin: the frame, the element, and what either may not need."""

from __future__ import annotations

import re
from secrets import token_hex
from typing import Any

import httpx
import pytest
from playwright.async_api import expect

from tests.browser.embedding.hosts import give, heard, listening, site
from tests.browser.test_accessibility import findings
from tests.browser.visitors import Visitors
from tests.builders import create_poll, look, option, vote
from tests.checkout import root
from tests.conftest import bearer, sign

# As browsers do it where third parties may store nothing.
denied = """for (const name of ["sessionStorage", "localStorage"]) {
  Object.defineProperty(window, name, {
    get() { throw new DOMException("The operation is insecure.", "SecurityError"); },
  });
}"""
another = "asked another host|favicon|404"


def frame(url: str, poll: dict[str, Any], more: str = "") -> str:
    """A host that listens, with a frame."""
    address = f"{url}/embed/polls/{poll['id']}"
    return (
        f'{listening}<iframe title="Poll" src="{address}" width="360" height="700" {more}></iframe>'
    )


async def cast(page: Any) -> None:
    """Vote for the first option."""
    await page.get_by_role("radio", name="red").check()
    await page.get_by_role("button", name="Cast your vote").click()
    await expect(page.get_by_text("Your vote is in.")).to_be_visible()


@pytest.mark.parametrize("sandbox", ["", 'sandbox="allow-scripts"'])
async def test_a_frame_works_without_storage_and_without_an_origin(
    guests: Visitors, polls: httpx.AsyncClient, port: int, sandbox: str
) -> None:
    poll = await create_poll(polls, token_hex(12))
    user = token_hex(12)
    page = await guests.blank(forgiven=another)
    await page.add_init_script("if (window !== window.top) {" + denied + "}")
    async with site(port, frame(guests.url, poll, sandbox)) as outside:
        await page.goto(outside)
        asked = await heard(page, "need-token")
        assert {**asked[0], "origin": ""} == {
            "quickpoll": 1,
            "type": "need-token",
            "code": "missing_token",
            "origin": "",
        }
        await give(page, sign(user))
        inside = page.frame_locator("iframe")
        await cast(inside)
        kinds = await page.evaluate("window.heard.map((one) => one.type)")
        said = (await heard(page, "vote"))[0]
        states = await heard(page, "state")
        heights = await heard(page, "height")
    assert kinds[0] == "hello"
    assert said["optionIds"] == [option(poll, 0)]
    assert set(states[-1]) == {"quickpoll", "type", "status", "version", "origin"}
    assert isinstance(heights[-1]["height"], int)
    assert (await look(polls, poll, user))["userVotes"] == [option(poll, 0)]


def element(url: str, poll: dict[str, Any], more: str = "", script: str = "") -> str:
    """A host with an element, and what its own script does with it."""
    return f"""<main><h1>Host</h1>
    <quick-poll server="{url}" poll="{poll["id"]}" {more}></quick-poll></main>
    <script type="module" src="{url}/embed/v1/quick-poll.js"></script>
    <script type="module" nonce="own">
      const element = document.querySelector("quick-poll");
      window.heard = [];
      for (const kind of ["vote", "state", "error"]) {{
        element.addEventListener(kind, (event) => window.heard.push({{ kind, ...event.detail }}));
      }}
      {script}
    </script>"""


def giving(*tokens: str) -> str:
    """A host's way to a token: one after the other, the last one again and again."""
    return f"""const tokens = {list(tokens)};
      window.asked = [];
      element.getToken = async (code) => {{
        window.asked.push(code ?? "");
        return tokens.length > 1 ? tokens.shift() : tokens[0];
      }};"""


def what_the_docs_ask_for(url: str) -> str:
    """The policy that docs/embedding.md gives, for a service there and the host's own script."""
    text = (root / "docs" / "embedding.md").read_text("utf-8")
    (found,) = re.findall(r"^(script-src .*)$", text, re.MULTILINE)
    assert "trusted-types 'none'`" in text
    policy = found.replace("https://polls.example", url)
    policy = policy.replace("wss://polls.example", url.replace("http", "ws"))
    assert "example" not in policy
    return str(policy.replace("script-src", "script-src 'nonce-own'"))


async def test_an_element_works_in_a_page_that_allows_next_to_nothing(
    guests: Visitors, polls: httpx.AsyncClient, port: int
) -> None:
    owner, user = token_hex(12), token_hex(12)
    poll = await create_poll(polls, owner, allowVoteChange=True)
    await vote(polls, poll, 1, owner)
    policies = (
        f"default-src 'none'; {what_the_docs_ask_for(guests.url)}",
        "require-trusted-types-for 'script'; trusted-types 'none'",
    )
    page = await guests.blank(forgiven=another)
    markup = element(guests.url, poll, script=giving(sign(user)))
    async with site(port, markup, *policies) as outside:
        await page.goto(outside)
        await cast(page)
        said = await heard(page, "vote")
        states = await heard(page, "state", 2)
        await page.get_by_role("button", name="Take my vote back").click()
        await expect(page.get_by_text("Your vote was taken back.")).to_be_visible()
        taken = await heard(page, "vote", 2)
        await vote(polls, poll, 2, token_hex(12))
        await expect(page.get_by_role("radio", name="blue")).to_have_accessible_description(
            "50% 1 vote"
        )
    assert said == [
        {"kind": "vote", "quickpoll": 1, "type": "vote", "optionIds": [option(poll, 0)]}
    ]
    assert taken[1]["optionIds"] == []
    assert set(states[0]) == {"kind", "quickpoll", "type", "status", "version"}


async def test_a_token_that_expires_while_it_is_shown_is_asked_for_anew(
    guests: Visitors, polls: httpx.AsyncClient, port: int
) -> None:
    poll = await create_poll(polls, token_hex(12))
    user = token_hex(12)
    page = await guests.blank(forgiven=f"{another}|401")
    short, next_one = sign(user, seconds=2), sign(user)
    async with site(port, element(guests.url, poll, script=giving(short, next_one))) as outside:
        await page.goto(outside)
        await expect(page.get_by_role("radio", name="red")).to_be_visible()
        await page.wait_for_function("window.asked.includes('expired_token')")
        await cast(page)
        assert await heard(page, "state")
        assert await page.evaluate("window.heard.filter((one) => one.kind === 'error')") == []


async def test_an_expired_token_of_a_frame_is_told_to_its_host(
    guests: Visitors, polls: httpx.AsyncClient, port: int
) -> None:
    poll = await create_poll(polls, token_hex(12))
    page = await guests.blank(forgiven=f"{another}|401")
    async with site(port, frame(guests.url, poll)) as outside:
        await page.goto(outside)
        await heard(page, "need-token")
        await give(page, sign(seconds=-100))
        told = await heard(page, "need-token", 2)
        assert told[1]["code"] == "expired_token"
        inside = page.frame_locator("iframe")
        await expect(inside.get_by_text("Your token has expired")).to_be_visible()
        await give(page, sign())
        await cast(inside)
        await expect(inside.get_by_text("Your token has expired")).to_be_hidden()


@pytest.mark.parametrize("sandbox", ["", 'sandbox="allow-scripts"'])
async def test_a_token_is_heard_from_the_page_that_holds_the_frame_alone(
    guests: Visitors, polls: httpx.AsyncClient, port: int, sandbox: str
) -> None:
    poll = await create_poll(polls, token_hex(12))
    page = await guests.blank(forgiven=another)
    # A frame beside it, of the host's origin or of none, speaks to it as the host does.
    stranger = f"""<iframe title="Other" {sandbox} srcdoc="<script>
      addEventListener('message', ({{ data }}) => {{
        parent.frames[0].postMessage({{ quickpoll: 1, type: 'token', token: data }}, '*');
        parent.postMessage({{ type: 'done' }}, '*');
      }});
    </script>"></iframe>"""
    async with site(port, frame(guests.url, poll) + stranger) as outside:
        await page.goto(outside)
        await heard(page, "need-token")
        await page.evaluate("token => frames[1].postMessage(token, '*')", sign())
        await heard(page, "done")
        inside = page.frame_locator("iframe[title=Poll]")
        await expect(inside.get_by_text("A token is needed")).to_be_visible()
        assert await page.evaluate("window.heard.filter((one) => one.type === 'state')") == []
        await give(page, sign())
        await cast(inside)


async def test_a_host_may_answer_through_the_port_that_came_with_the_greeting(
    guests: Visitors, polls: httpx.AsyncClient, port: int
) -> None:
    poll = await create_poll(polls, token_hex(12))
    page = await guests.blank(forgiven=another)
    answering = f"""<script>
      addEventListener("message", ({{ data, ports }}) => {{
        if (data.type === "hello") {{
          ports[0].postMessage({{ quickpoll: 1, type: "token", token: "{sign()}" }});
        }}
      }});
    </script>"""
    async with site(port, answering + frame(guests.url, poll)) as outside:
        await page.goto(outside)
        await cast(page.frame_locator("iframe"))
        assert await page.evaluate("window.heard.filter((one) => one.type === 'need-token')") == []


async def test_what_is_hidden_is_told_to_nobody(
    guests: Visitors, polls: httpx.AsyncClient, port: int
) -> None:
    owner = token_hex(12)
    poll = await create_poll(polls, owner, results="after_close")
    await vote(polls, poll, 1, owner)
    page = await guests.blank(forgiven=another)
    async with site(port, frame(guests.url, poll)) as outside:
        await page.goto(outside)
        await give(page, sign())
        inside = page.frame_locator("iframe")
        await cast(inside)
        await expect(inside.get_by_text("once the poll is closed")).to_be_visible()
        await polls.post(f"/api/poll/close-poll/{poll['id']}", headers=bearer(owner))
        await expect(
            inside.get_by_text("50% 1 vote").or_(inside.locator(".percent")).first
        ).to_be_visible()
        states = await heard(page, "state")
    assert all(set(one) == {"quickpoll", "type", "status", "version", "origin"} for one in states)
    assert states[-1]["status"] == "closed"


@pytest.mark.parametrize(("language", "words"), [("de-AT", "Stimme abgeben"), ("ar", "")])
async def test_an_element_speaks_the_language_of_the_browser(
    guests: Visitors, polls: httpx.AsyncClient, port: int, language: str, words: str
) -> None:
    poll = await create_poll(polls, token_hex(12))
    page = await guests.blank(forgiven=another, locale=language)
    async with site(port, element(guests.url, poll, script=giving(sign()))) as outside:
        await page.goto(outside)
        await expect(page.get_by_role("radio", name="red")).to_be_visible()
        found = page.locator("quick-poll .poll")
        await expect(found).to_have_attribute("lang", language[:2])
        await expect(found).to_have_attribute("dir", "rtl" if language == "ar" else "ltr")
        if words:
            await expect(page.get_by_role("button", name=words)).to_be_visible()


async def test_a_page_styles_an_element_by_properties_and_parts(
    guests: Visitors, polls: httpx.AsyncClient, port: int
) -> None:
    poll = await create_poll(polls, token_hex(12))
    page = await guests.blank(forgiven=another)
    style = """<style>quick-poll { --quick-poll-accent: rgb(0, 80, 0); }
      quick-poll::part(question) { font-size: 31px; }</style>"""
    async with site(port, style + element(guests.url, poll, script=giving(sign()))) as outside:
        await page.goto(outside)
        button = page.get_by_role("button", name="Cast your vote")
        await expect(button).to_have_css("background-color", "rgb(0, 80, 0)")
        question = page.get_by_role("heading", name="Which colour?")
        await expect(question).to_have_css("font-size", "31px")


async def test_a_frame_is_accessible_and_fits_every_width(
    guests: Visitors, polls: httpx.AsyncClient, port: int
) -> None:
    owner = token_hex(12)
    poll = await create_poll(polls, owner, allowVoteChange=True)
    await vote(polls, poll, 0, owner)
    page = await guests.blank(forgiven=another)
    markup = element(guests.url, poll, script=giving(sign(owner)))
    async with site(port, markup) as outside:
        await page.goto(outside)
        await expect(page.get_by_role("button", name="Change your vote")).to_be_visible()
        assert await findings(page) == []
        for width in (320, 360, 768, 1280, 1920):
            await page.set_viewport_size({"width": width, "height": 800})
            assert await page.evaluate("document.documentElement.scrollWidth") == width
        unsure = await guests.open(f"/embed/polls/{poll['id']}", token="")
        await expect(unsure.get_by_role("heading", name="A token is needed")).to_be_visible()
        assert await findings(unsure) == []
        # By keyboard alone: to the options, another one, cast.
        await page.get_by_role("radio", name="red").focus()
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("Your vote was changed.")).to_be_visible()
        assert (await heard(page, "vote"))[0]["optionIds"] == [option(poll, 1)]
