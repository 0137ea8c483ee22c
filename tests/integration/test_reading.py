"""Reading polls: tags, HEAD, and what a voter sees at once."""

from __future__ import annotations

import httpx

from tests.builders import create_poll, look, option, vote
from tests.conftest import bearer

owner, other = "65f1c0ffee0000000000d001", "65f1c0ffee0000000000d002"


async def test_an_answer_that_the_caller_has_is_not_sent_again(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner)
    path = f"/api/poll/get-poll-by-id/{poll['id']}"
    tag = (await client.get(path, headers=bearer(other))).headers["ETag"]

    for known in (tag, f"W/{tag}", f'"x", {tag}', f'"x" ,W/{tag},"y"', "*"):
        for method in ("GET", "HEAD"):
            headers = {**bearer(other), "If-None-Match": known}
            again = await client.request(method, path, headers=headers)
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["ETag"] == tag
            assert "Content-Type" not in again.headers
    for unknown_tag in ('"x"', tag.strip('"'), "", "W/"):
        headers = {**bearer(other), "If-None-Match": unknown_tag}
        assert (await client.get(path, headers=headers)).status_code == 200


async def test_the_tag_changes_with_all_that_the_caller_sees(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, allowVoteChange=True)
    path = f"/api/poll/get-poll-by-id/{poll['id']}"

    async def tag(user: str) -> str:
        found: str = (await client.get(path, headers=bearer(user))).headers["ETag"]
        return found

    tags = [await tag(owner), await tag(other)]
    await vote(client, poll, 0, other)
    tags += [await tag(owner), await tag(other)]
    await vote(client, poll, 1, other)
    tags.append(await tag(other))
    await client.put(f"/api/poll/like-poll/{poll['id']}", headers=bearer(other))
    tags.append(await tag(other))
    await client.post(f"/api/poll/close-poll/{poll['id']}", headers=bearer(owner))
    tags.append(await tag(other))

    assert len(set(tags)) == len(tags)
    assert await tag(other) == tags[-1]


async def test_head_is_get_without_the_body(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner)
    await vote(client, poll, 0, owner)
    paths = [
        *["/", "/health/live", "/health/ready", "/openapi.json", "/docs", "/redoc"],
        "/api/poll/get-all-polls?limit=1",
        f"/api/poll/get-poll-by-user-id/{owner}",
        *[
            f"/api/poll/{name}/{poll['id']}"
            for name in ("get-poll-by-id", "ballot", "poll-timeline", "poll-history")
        ],
        f"/api/poll/export-poll/{poll['id']}?format=csv",
        f"/api/poll/get-poll-by-id/{'0' * 24}",
    ]
    for path in paths:
        got = await client.get(path, headers=bearer(owner))
        head = await client.head(path, headers=bearer(owner))
        assert head.content == b""
        for answer in (head, got):
            del answer.headers["X-Request-ID"]
        assert (head.status_code, head.headers) == (got.status_code, got.headers), path


async def test_a_voter_sees_the_vote_and_the_like_at_once(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, minChoices=1, maxChoices=3)
    chosen = [option(poll, 2), option(poll, 0)]
    ballot = {"optionIds": chosen}
    await client.put(f"/api/poll/ballot/{poll['id']}", json=ballot, headers=bearer(other))
    await client.put(f"/api/poll/like-poll/{poll['id']}", headers=bearer(other))

    listed = await client.get("/api/poll/get-all-polls", headers=bearer(other))
    for seen in (await look(client, poll, other), listed.json()[0]):
        assert seen["userHasVoted"] == option(poll, 0)
        assert seen["userVotes"] == [option(poll, 0), option(poll, 2)]
        assert seen["userHasLiked"] is True
        assert (seen["votersCount"], seen["votesCount"]) == (1, 2)
        assert seen["counts"]["likes"] == 1
