"""Log lines: one JSON object each, named after their request, and no secret in any of them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
import socketio

from quickpoll.localrun.embedded import StoreAddresses
from tests.checkout import root, without_env_file
from tests.conftest import environment, secret, sign
from tests.instances import bare_environment, free_port

user = "65f1c0ffee0000000000c001"
path = "/api/poll/get-all-polls"


class Logged:
    """A service in a process of its own that writes its lines to a file."""

    def __init__(self, variables: dict[str, str], log: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = log
        serve = ["-m", "hypercorn", "--config", str(root / "hypercorn.toml")]
        bind = ["--bind", f"127.0.0.1:{self.port}", "quickpoll.asgi:app"]
        with log.open("w") as lines:
            self._process = subprocess.Popen(
                [sys.executable, *serve, *bind],
                cwd=without_env_file,
                env={**bare_environment(), **variables},
                stdout=lines,
                stderr=lines,
            )

    def wait(self) -> None:
        """Until it answers."""
        while self._process.poll() is None:
            try:
                httpx.get(f"{self.url}/health/live", timeout=5).raise_for_status()
                return
            except httpx.TransportError:
                continue
        raise AssertionError(self._log.read_text())

    def stop(self) -> str:
        """All that it has written."""
        self._process.terminate()
        assert self._process.wait(timeout=15) == 0
        return self._log.read_text()

    def kill(self) -> None:
        """Make sure that it is gone."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


@pytest.fixture
def start(stores: StoreAddresses, name: str, tmp_path: Path) -> Iterator[Any]:
    started: list[Logged] = []

    def begin(**variables: str) -> Logged:
        service = Logged(environment(stores, name, **variables), tmp_path / "log")
        started.append(service)
        service.wait()
        return service

    yield begin
    for service in started:
        service.kill()


def lines_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


async def use(service: Logged, tokens: dict[str, str]) -> None:
    """Send each token every way there is."""
    async with httpx.AsyncClient(base_url=service.url) as client:
        for token in tokens.values():
            for headers in ({"Authorization": f"Bearer {token}"}, {"Authorization": token}):
                await client.get(path, headers=headers)
                await client.post("/api/poll/create-poll", headers=headers, content=b"{")
            await client.get(path, params={"token": token})
            await poll(client, token)
    for token in tokens.values():
        await connect(service, token)


async def poll(client: httpx.AsyncClient, token: str) -> None:
    """A handshake by long-polling, and one that pretends to be a WebSocket."""
    address = f"/ws/updates/?EIO=4&transport=polling&token={token}"
    session = json.loads((await client.get(address)).text[1:])["sid"]
    joined = await client.post(f"{address}&sid={session}", content=json.dumps({"token": token}))
    assert joined.status_code < 500
    await client.post(f"{address}&sid={session}", content="40" + json.dumps({"token": token}))
    await client.get(f"{address}&sid={session}")
    await client.get(address.replace("polling", "websocket"))


async def connect(service: Logged, token: str) -> None:
    client = socketio.AsyncClient(reconnection=False)
    try:
        await client.connect(
            f"{service.url}?token={token}",
            auth={"token": token},
            headers={"Authorization": f"Bearer {token}"},
            transports=["websocket"],
            socketio_path="/ws/updates",
            wait_timeout=2,
        )
        await client.call("subscribe", {"pollIds": [token]})
    except (socketio.exceptions.ConnectionError, socketio.exceptions.TimeoutError):
        return
    finally:
        await client.shutdown()


async def test_no_line_holds_a_secret(start: Any, stores: StoreAddresses) -> None:
    password = "the-password-of-the-metrics"
    service = start(LOG_LEVEL="DEBUG", API_METRICS_TOKEN=password)
    tokens = {
        "good": sign(user),
        "expired": sign(user, seconds=-60),
        "forged": jwt.encode({"sub": user}, "k" * 32, "HS256"),
        "none": "opaque-opaque-opaque-opaque",
    }

    await use(service, tokens)
    async with httpx.AsyncClient() as client:
        asked = {"Authorization": f"Bearer {password}"}
        assert (await client.get(f"{service.url}/metrics", headers=asked)).status_code == 200
    text = service.stop()

    for held in (*tokens.values(), password, secret):
        assert held not in text
        assert held.rpartition(".")[2] not in text
    # Every line is JSON, those of other libraries too, and each comes once.
    lines = lines_of(text)
    assert {"started", "stopped"} <= {line["event"] for line in lines}
    assert all({"event", "level", "logger", "timestamp"} <= line.keys() for line in lines)
    running = [line["event"] for line in lines if line["logger"] == "hypercorn.error"]
    assert len(running) == 1
    assert service.url in running[0]


async def act(client: httpx.AsyncClient) -> None:
    """All that a user does to polls, and being refused where their id stands in the path."""
    good = {"Authorization": f"Bearer {sign(user)}"}
    bad = {"Authorization": f"Bearer {sign(user, seconds=-60)}"}
    asked = {"question": "When?", "options": [{"text": "Mon"}, {"text": "Tue"}]}
    keyed = {**good, "Idempotency-Key": "a"}
    made = (await client.post("/api/poll/create-poll", json=asked, headers=keyed)).json()
    poll, option = made["id"], made["options"][0]["id"]
    for method, name in (
        ("POST", f"vote-on-poll/{poll}/{option}"),
        ("PUT", f"like-poll/{poll}"),
        ("GET", f"get-poll-by-user-id/{user}"),
        ("POST", f"duplicate-poll/{poll}"),
        ("POST", f"close-poll/{poll}"),
        ("DELETE", f"delete-poll/{poll}"),
    ):
        answer = await client.request(method, f"/api/poll/{name}", headers=good)
        assert answer.is_success, answer.text
    for name in (f"poll/get-poll-by-user-id/{user}", f"user/export-user/{user}"):
        assert (await client.get(f"/api/{name}", headers=bad)).status_code == 401


async def test_no_line_holds_a_persons_id(start: Any) -> None:
    service = start(LOG_LEVEL="DEBUG")
    async with httpx.AsyncClient(base_url=service.url) as client:
        await act(client)
        scraped = (await client.get("/metrics")).text
    await connect(service, sign(user))

    text = service.stop()

    assert user not in text.lower()
    assert user not in scraped
    lines = lines_of(text)
    events = {"poll_created", "poll_changed", "poll_deleted", "token_refused"}
    assert events <= {line["event"] for line in lines}
    refused = [line["path"] for line in lines if line["event"] == "token_refused"]
    assert refused == ["/api/poll/get-poll-by-user-id/…", "/api/user/export-user/…"]


async def test_absent_stores_are_one_clear_line_each(start: Any) -> None:
    away = f"mongodb://somebody:open-sesame@127.0.0.1:{free_port()}/polls"
    service = start(
        LOG_LEVEL="INFO",
        API_DATABASE_URL=away,
        API_REDIS_PORT=str(free_port()),
        API_REDIS_PASSWORD="open-sesame",
    )
    async with httpx.AsyncClient(base_url=service.url) as client:
        for _ in range(3):
            answer = await client.get(path, headers={"Authorization": f"Bearer {sign(user)}"})
            assert answer.status_code == 503

    text = service.stop()

    # No request and no retry: what is away, and the start and the end.
    lines = lines_of(text)
    assert sorted((one["event"], one["detail"]) for one in lines if "detail" in one) == [
        ("mongodb_away", "requests get 503 until it answers"),
        ("redis_away", "counts are read from MongoDB until Redis answers"),
    ]
    events = Counter(one["event"] for one in lines if one["logger"].startswith("quickpoll."))
    assert events == dict.fromkeys(
        ("redis_away", "subscription_lost", "mongodb_away", "started", "stopping", "stopped"), 1
    )
    assert "open-sesame" not in text


async def test_unknown_variables_are_one_warning(start: Any) -> None:
    service = start(API_REDIS_PASWORD="open-sesame", JWT_SECRET="open-sesame", APIARY="1")

    text = service.stop()

    (told,) = [line for line in lines_of(text) if line["event"] == "unknown_settings"]
    assert told["level"] == "warning"
    assert "API_REDIS_PASWORD (the nearest is API_REDIS_PASSWORD)" in told["detail"]
    assert "JWT_SECRET (the nearest is JWT_SECRET_KEY)" in told["detail"]
    assert "APIARY" not in text
    assert "open-sesame" not in text
