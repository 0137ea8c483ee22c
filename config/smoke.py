"""Proves a running stack: a poll made through the proxy, a vote, and its count on every instance.

Needs nothing but the standard library and runs inside an instance, which knows the secret:

    docker compose exec -T quickpoll-1 python - < config/smoke.py

Elsewhere: SMOKE_PROXY, SMOKE_INSTANCES (comma-separated) and, where tokens come from an issuer of
your own, SMOKE_TOKEN. Exit status 0, or 1 with the line that tells what did not work.
"""

from __future__ import annotations

import json
import os
import sys
import time
from http.client import HTTPConnection
from secrets import token_hex
from typing import Any
from urllib.parse import urlsplit

PROXY = os.environ.get("SMOKE_PROXY", "http://nginx:8080")
INSTANCES = os.environ.get(
    "SMOKE_INSTANCES", "http://quickpoll-1:8001,http://quickpoll-2:8001"
).split(",")


def main() -> None:
    """Run the checks, one after the other; each raises ``SystemExit`` when it fails."""
    token = os.environ.get("SMOKE_TOKEN") or signed(token_hex(12))
    for place in (PROXY, *INSTANCES):
        say(f"ready: {place}", ask("GET", place, "/health/ready", wanted=200)["status"])
    body = {"question": "Does it work?", "options": [{"text": "yes"}, {"text": "no"}]}
    poll = ask("POST", PROXY, "/api/poll/create-poll", token, body, wanted=201)
    say("poll made", poll["id"])
    vote = f"/api/poll/vote-on-poll/{poll['id']}/{poll['options'][0]['id']}"
    say("vote cast", ask("POST", PROXY, vote, token, wanted=201)["id"])
    for place in INSTANCES:
        seen = ask("GET", place, f"/api/poll/get-poll-by-id/{poll['id']}", token, wanted=200)
        check(seen["votesCount"] == 1 and seen["userHasVoted"] is not None, f"{place}: {seen}")
        say(f"counted: {place}", seen["votesCount"])
    handshake = "/ws/updates/?EIO=4&transport=polling"
    check(b'"sid"' in send("GET", PROXY, handshake)[1], "Socket.IO does not answer")
    say("live updates", "Socket.IO answers")
    ask("DELETE", PROXY, f"/api/poll/delete-poll/{poll['id']}", token, wanted=204)
    say("poll deleted", poll["id"])


def signed(user_id: str) -> str:
    """A token for five minutes, signed with the secret of this instance."""
    import jwt

    claims: dict[str, Any] = {"sub": user_id, "exp": time.time() + 300}
    if issuer := os.environ.get("JWT_ISSUER"):
        claims["iss"] = issuer
    if audience := os.environ.get("JWT_AUDIENCE"):
        claims["aud"] = audience.split(",")[0]
    return jwt.encode(claims, os.environ["JWT_SECRET_KEY"], "HS256")


def ask(
    method: str, place: str, path: str, token: str = "", body: Any = None, *, wanted: int
) -> Any:
    """Send a request and return the JSON of an answer that has the status ``wanted``."""
    status, answer = send(method, place, path, token, body)
    check(status == wanted, f"{method} {place}{path}: {status} {answer.decode()}")
    return json.loads(answer) if answer else None


def send(
    method: str, place: str, path: str, token: str = "", body: Any = None
) -> tuple[int, bytes]:
    """Send a request; the status and the body of its answer."""
    connection = HTTPConnection(urlsplit(place).netloc, timeout=10)
    headers = {"Content-Type": "application/json"} if body is not None else {}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except OSError as error:
        sys.exit(f"failed: {method} {place}{path}: {error}")
    finally:
        connection.close()


def check(well: bool, otherwise: str) -> None:
    """End with status 1 and say why, unless all is well."""
    if not well:
        sys.exit(f"failed: {otherwise}")


def say(what: str, found: object) -> None:
    """Tell the operator."""
    sys.stdout.write(f"ok  {what} ({found})\n")


if __name__ == "__main__":
    main()
