"""Behind the real nginx: whose address it is, which names requests have, where links lead."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx

from tests.builders import create_poll
from tests.conftest import bearer
from tests.instances import Instance
from tests.journeys import proxy

path = "/api/poll/get-all-polls"
user = "a" * 24


@proxy.needs_nginx
async def test_nginx_is_believed_and_its_clients_are_not(
    start_instance: Callable[..., Instance],
    http: Callable[[str], httpx.AsyncClient],
    tmp_path: Path,
) -> None:
    limited = {"API_RATE_LIMITS": "on", "API_RATE_LIMIT_ADDRESS": "5"}
    instances = (start_instance(API_TRUSTED_PROXIES="1", **limited),) * 2
    nginx = proxy.Nginx(instances, tmp_path).start()
    try:
        client = http(nginx.url)
        # Whatever a client says of its address, nginx adds the one that it comes from.
        forged = [{"X-Forwarded-For": f"6.6.6.{number}"} for number in range(80)]
        guesses = await asyncio.gather(*(client.get(path, headers=one) for one in forged))
        codes = Counter(answer.status_code for answer in guesses)
        assert codes.keys() == {401, 429}

        for _ in range(2):
            await create_poll(client, user)
        named = {**bearer(user), "X-Request-ID": "mine-1"}
        page = await client.get(f"{path}?limit=1", headers=named)
        assert page.headers.get_list("X-Request-ID") == ["mine-1"]
        link = page.headers["Link"].partition(">")[0].removeprefix("<")
        assert link.startswith(nginx.url)
        assert (await client.get(link, headers=bearer(user))).status_code == 200
    finally:
        nginx.stop()
    assert '"request_id":"mine-1"' in (tmp_path / "access.log").read_text()
