"""The settings: where they come from, what is read from them, and how they are shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from quickpoll.settings import BadSettings, load_settings, masked


def test_the_environment_wins_over_the_file(environment: pytest.MonkeyPatch, folder: Path) -> None:
    (folder / ".env").write_text("API_REDIS_HOST=from-file\nAPI_REDIS_PORT=7000\nOTHER=1\n")
    environment.setenv("API_REDIS_HOST", "from-environment")
    settings = load_settings()
    assert (settings.api_redis_host, settings.api_redis_port) == ("from-environment", 7000)


def test_an_empty_variable_is_none_at_all(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("API_REDIS_PORT", "")
    environment.setenv("API_REDIS_PASSWORD", "")
    settings = load_settings()
    assert (settings.api_redis_port, settings.api_redis_password) == (6379, None)


def test_lists_are_comma_separated(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CORS_ORIGINS", " https://a.example , https://b.example,")
    environment.setenv("JWT_ALGORITHMS", "HS256,HS512")
    environment.setenv("LOG_LEVEL", "debug")
    settings = load_settings()
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert settings.jwt_algorithms == ("HS256", "HS512")
    assert settings.log_level == "DEBUG"


@pytest.mark.usefixtures("environment")
def test_they_do_not_change() -> None:
    with pytest.raises(ValidationError):
        setattr(load_settings(), "api_redis_port", 1)  # noqa: B010 - mypy knows that it fails


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("HTTPS://WWW.Example:443", "https://www.example"),
        ("http://a.example:80", "http://a.example"),
        ("http://localhost:5173", "http://localhost:5173"),
        ("https://a.example:80", "https://a.example:80"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("chrome-extension://abcdef", "chrome-extension://abcdef"),
        ("*", "*"),
    ],
)
def test_origins_are_kept_as_browsers_send_them(
    environment: pytest.MonkeyPatch, given: str, origin: str
) -> None:
    environment.setenv("CORS_ORIGINS", given)
    assert load_settings().cors_origins == (origin,)


@pytest.mark.usefixtures("environment")
def test_a_file_that_is_no_text_is_named(folder: Path) -> None:
    (folder / ".env").write_bytes(b"JWT_ISSUER=caf\xe9")
    with pytest.raises(BadSettings, match=r"\.env: it is not UTF-8"):
        load_settings()


@pytest.mark.usefixtures("environment")
def test_a_file_that_cannot_be_read_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / ".env").symlink_to("/proc/self/mem")
    with pytest.raises(BadSettings, match=r"\.env: "):
        load_settings()


def test_the_database_is_the_one_in_the_path(environment: pytest.MonkeyPatch) -> None:
    for url in ("mongodb+srv://u:p@host.example/polls?w=1", "mongodb://a,b/polls?replicaSet=rs0"):
        environment.setenv("API_DATABASE_URL", url)
        assert load_settings().database_name == "polls"


def test_what_is_shown_has_no_secret_in_it(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("API_DATABASE_URL", "mongodb://ann:p%40ss@db.example/polls?authSource=x")
    environment.setenv("API_REDIS_PASSWORD", "hunter2")
    environment.setenv("JWT_AUDIENCE", "a,b")
    shown = masked(load_settings())
    assert shown["API_DATABASE_URL"] == "mongodb://********@db.example/polls"
    assert shown["API_REDIS_PASSWORD"] == shown["JWT_SECRET_KEY"] == "********"
    assert (shown["JWT_AUDIENCE"], shown["JWT_ISSUER"]) == ("a,b", "")
    assert shown["API_VOTE_BATCH"] == "512"
