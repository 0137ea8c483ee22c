"""Reading a service's public files: where they are, and what its answers mean."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from quickpoll.cli.public_files import NoAddress, Place, WebFiles, find_place
from quickpoll.verification.findings import CannotCheck, NotServed
from tests.verification.serving import Server, served
from tests.verification.worlds import closed, own

poll_id = "65f1c0ffee0000000000ca01"


@pytest.fixture
def server() -> Iterator[Server]:
    with served(closed().files, closed().kept.shown) as server:
        yield server


@pytest.mark.parametrize(
    ("address", "base"),
    [
        (f"https://a.example/polls/{poll_id}", "https://a.example"),
        (f"https://a.example/polls/{poll_id.upper()}?lang=de#token=x", "https://a.example"),
        (f"http://a.example:8001/quick/polls/{poll_id}/present", "http://a.example:8001/quick"),
        (f"https://a.example/log/{poll_id}/", "https://a.example"),
        (f"https://a.example/log/{poll_id}/checkpoint", "https://a.example"),
        (f"https://a.example/embed/polls/{poll_id}", "https://a.example"),
        (f"copies/log/{poll_id}", "copies"),
    ],
)
def test_an_address_is_a_page_or_a_log(address: str, base: str) -> None:
    assert find_place(address) == Place(base, poll_id)


@pytest.mark.parametrize(
    "address",
    ["", poll_id, "https://a.example/", f"ftp://a.example/polls/{poll_id}", "file:///etc/passwd"],
)
def test_anything_else_is_no_address(address: str) -> None:
    with pytest.raises(NoAddress):
        find_place(address)


def test_a_service_that_asks_for_patience_gets_it(server: Server) -> None:
    waited: list[float] = []
    server.answers["log/key"] = [(429, {"Retry-After": "3"}), (503, {"Retry-After": "999"})]
    assert WebFiles(server.base, waited.append)("log/key") == closed().files["log/key"]
    assert waited == [3, 30]


@pytest.mark.parametrize("status", [429, 500, 502, 418])
def test_a_service_in_trouble_is_no_cheat(server: Server, status: int) -> None:
    server.answers["log/key"] = [(status, {"Retry-After": "1"})] * 9
    with pytest.raises(CannotCheck, match=str(status)):
        WebFiles(server.base, lambda _: None)("log/key")


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_service_that_refuses_says_so(server: Server, status: int) -> None:
    server.answers["log/key"] = [(status, {})]
    with pytest.raises(NotServed, match=str(status)):
        WebFiles(server.base)("log/key")


def test_the_token_does_not_follow_a_redirect(server: Server) -> None:
    with served({}, closed().kept.shown) as other:
        path = f"api/poll/get-poll-by-id/{own}"
        server.answers[path] = [(302, {"Location": f"{other.base}/{path}"})]
        with pytest.raises(NotServed):
            WebFiles(server.base).poll(own, "abc")
        assert other.asked == [(path, None)]
