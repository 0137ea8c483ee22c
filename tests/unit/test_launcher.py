"""What the launcher decides before it starts anything."""

from __future__ import annotations

import gc
import json
import re
import socket
from ipaddress import ip_address
from pathlib import Path
from threading import Thread

import jwt
import pytest
from hypercorn.config import Config
from pydantic import SecretStr

from quickpoll.localrun import launcher
from quickpoll.localrun.child_process import LOOPBACK, free_port
from quickpoll.localrun.demo.seeding import POLLS
from quickpoll.localrun.embedded import StoreAddresses
from quickpoll.localrun.environment import environment_of_run
from quickpoll.localrun.launcher import (
    DEVELOPMENT_USER,
    LaunchFailed,
    development_token,
    public_address,
    refuse_taken_port,
    welcome,
)
from quickpoll.localrun.way_in import WayIn, lan_address, latest_session, local_host
from quickpoll.settings import Settings
from quickpoll.settings.run_record import RunDirectory

ADDRESSES = StoreAddresses("mongodb://127.0.0.1:1/quickpoll", "127.0.0.1", 2)
LOG_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
SECRET = "s" * 32


everywhere = "0.0.0.0"  # noqa: S104 - what somebody asks for; nothing is bound here


def settings(**changes: object) -> Settings:
    values: dict[str, object] = {
        "api_database_url": SecretStr(ADDRESSES.database_url),
        "jwt_secret_key": SecretStr(SECRET),
    }
    return Settings.model_validate(values | changes)


def test_taken_port_is_refused_in_one_line() -> None:
    with socket.socket() as other:
        other.bind((LOOPBACK, 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(LaunchFailed, match=rf"^Port {port} of 127\.0\.0\.1 is taken.*\Z"):
            refuse_taken_port(port)


def test_port_that_was_just_left_is_free() -> None:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((LOOPBACK, 0))
        server.listen()
        port = server.getsockname()[1]
        with socket.create_connection((LOOPBACK, port)):
            server.accept()[0].close()
    refuse_taken_port(port)


def test_free_port_stays_free() -> None:
    port = free_port()
    refuse_taken_port(port)
    refuse_taken_port(port)


def test_who_is_refused_the_latest_session_leaves_no_connection() -> None:
    """What is left open ends this test with a warning."""
    refusal = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\n{}"

    def refuse() -> None:
        peer, _ = door.accept()
        with peer:
            peer.recv(65536)
            peer.sendall(refusal)
            peer.recv(1)  # answers when the other side has closed

    with socket.create_server((LOOPBACK, 0)) as door:
        refusing = Thread(target=refuse)
        refusing.start()
        assert latest_session(LOOPBACK, door.getsockname()[1], "a token") is None
        refusing.join(5)
    assert not refusing.is_alive()
    gc.collect()


@pytest.fixture
def directory(tmp_path: Path) -> RunDirectory:
    return RunDirectory(tmp_path)


def test_the_stores_are_always_those_of_the_run(directory: RunDirectory) -> None:
    given = {"API_DATABASE_URL": "mongodb://elsewhere/x", "API_REDIS_HOST": "elsewhere"}
    environment = environment_of_run(given, ADDRESSES, directory)
    assert environment["API_DATABASE_URL"] == ADDRESSES.database_url
    assert environment["API_REDIS_HOST"] == "127.0.0.1"
    assert environment["API_REDIS_PORT"] == "2"
    elsewhere = given | {"API_REDIS_URL": "redis://elsewhere"}
    environment = environment_of_run(elsewhere, ADDRESSES, directory)
    assert environment["API_REDIS_URL"] == "redis://127.0.0.1:2"


def test_the_secret_is_the_folders_unless_one_is_given(directory: RunDirectory) -> None:
    for given in ({}, {"JWT_SECRET_KEY": ""}, {"JWT_SECRET_KEY": None}):
        environment = environment_of_run(given, ADDRESSES, directory)
        assert environment["JWT_SECRET_KEY"] == directory.secret()
        assert environment["API_LOG_KEY"] == directory.log_key()
    given = {"JWT_SECRET_KEY": SECRET, "API_LOG_FORMAT": "json", "API_LOG_KEY": LOG_KEY}
    environment = environment_of_run(given, ADDRESSES, directory)
    assert not environment.keys() & given.keys()


def test_guests_are_on_with_a_key_of_the_folders(directory: RunDirectory) -> None:
    environment = environment_of_run({}, ADDRESSES, directory)
    assert environment["API_GUESTS"] == "on"
    assert environment["API_GUEST_KEY"] == directory.guest_key() != directory.secret()
    given = {"API_GUESTS": "off", "API_GUEST_KEY": SECRET}
    assert not environment_of_run(given, ADDRESSES, directory).keys() & given.keys()


def test_webhooks_may_call_this_machine_unless_something_else_is_given(
    directory: RunDirectory,
) -> None:
    environment = environment_of_run({}, ADDRESSES, directory)
    assert environment["API_WEBHOOKS"] == "on"
    assert "localhost" in environment["API_WEBHOOK_ALLOW"]
    given = {"API_WEBHOOKS": "off", "API_WEBHOOK_ALLOW": "hooks.internal"}
    environment = environment_of_run(given, ADDRESSES, directory)
    assert not environment.keys() & given.keys()


def test_development_token_fits_the_settings() -> None:
    token = development_token(
        settings(
            jwt_algorithms="RS256,HS512",
            jwt_issuer="https://id.example",
            jwt_audience="quickpoll,other",
            jwt_user_id_claim="uid",
            jwt_secret_key=SecretStr("s" * 64),
        )
    )
    assert token is not None
    claims = jwt.decode(
        token,
        "s" * 64,
        algorithms=["HS512"],
        issuer="https://id.example",
        audience="quickpoll",
        options={"require": ["exp", "iat"]},
    )
    assert claims["uid"] == DEVELOPMENT_USER
    assert claims["exp"] - claims["iat"] == 30 * 24 * 3600
    assert re.fullmatch("[0-9a-f]{24}", DEVELOPMENT_USER)


def test_no_development_token_where_only_an_issuer_signs() -> None:
    elsewhere = {"jwt_jwks_url": "https://id.example/jwks.json"}
    assert development_token(settings(**elsewhere, jwt_algorithms="RS256")) is None
    assert development_token(settings(**elsewhere, jwt_secret_key=None)) is None


def test_welcome_gives_the_addresses_and_the_token_ready_to_paste() -> None:
    text = welcome(8005, "a.b.c")
    assert "http://127.0.0.1:8005/docs" in text
    assert "\na.b.c\n" in text
    assert "\nhttp://127.0.0.1:8005/polls#token=a.b.c\n" in text
    assert "token" not in welcome(8005, None)


def test_welcome_says_where_phones_go() -> None:
    session = WayIn("To try", "7K3M9Q", "http://192.0.2.7:8005/j/7K3M9Q", "/sessions/1/present")
    text = welcome(8005, "a.b.c", everywhere, "http://192.0.2.7:8005", session)
    assert "http://192.0.2.7:8005/j\n" in text
    assert "7K3M9Q\n" in text
    assert session.address in text
    assert "http://127.0.0.1:8005/sessions/1/present" in text
    assert "no network" in welcome(8005, None, everywhere)
    assert "\nhttp://[::1]:8005/polls#" in welcome(8005, "a.b.c", "::1")


@pytest.mark.parametrize(
    ("host", "local"), [(everywhere, "127.0.0.1"), ("::", "127.0.0.1"), ("10.1.1.1", "10.1.1.1")]
)
def test_a_run_that_is_open_to_all_is_reached_by_loopback(host: str, local: str) -> None:
    assert local_host(host) == local


def test_the_address_for_phones_is_told_only_where_phones_get_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(launcher, "lan_address", lambda: "192.0.2.7")
    assert public_address("127.0.0.1", 8001) == {}
    assert public_address(everywhere, 8001) == {"API_PUBLIC_ADDRESS": "http://192.0.2.7:8001"}
    monkeypatch.setattr(launcher, "lan_address", lambda: None)
    assert public_address(everywhere, 8001) == {}


def test_the_own_address_is_no_loopback() -> None:
    found = lan_address()
    assert found is None or not ip_address(found).is_loopback


def test_demo_polls_are_what_a_client_could_send() -> None:
    polls = json.loads(POLLS.read_text())
    assert len(polls) == 6
    for poll in polls:
        texts = [option["text"] for option in poll["options"]]
        assert 2 <= len(texts) == len({text.casefold() for text in texts}) <= 50
        assert 1 <= len(poll["question"]) <= 500


def test_hypercorn_knows_every_line_of_its_configuration() -> None:
    text = (launcher.PACKAGE / "hypercorn.toml").read_text()
    for name in re.findall(r"^(\w+) =", text, re.MULTILINE):
        assert hasattr(Config, name), name
    config = Config.from_toml(launcher.PACKAGE / "hypercorn.toml")
    assert config.bind == ["0.0.0.0:8001"]
    assert config.workers == 0
    assert config.worker_class == "uvloop"
    assert config.graceful_timeout + config.shutdown_timeout < 10
