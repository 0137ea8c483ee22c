"""The settings: where they come from, what is refused, and in which words."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from quickpoll.settings import (
    RUN_FOLDER,
    BadSettings,
    load_settings,
    masked,
    names,
    settings_or_exit,
    unknown_variables,
)
from quickpoll.settings.run_record import RunDirectory, RunRecord

secret = "a secret for tests only, 32 bytes or more"
url = "mongodb://localhost:27017/quickpoll"
least = {"API_DATABASE_URL": url, "JWT_SECRET_KEY": secret}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, and an environment without any setting."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("API_", "JWT_", "CORS_", "LOG_")):
            monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment with the least that is needed."""
    for name, value in least.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


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
    ("variable", "value", "said"),
    [
        ("API_DATABASE_URL", "", "it is missing"),
        ("API_DATABASE_URL", "localhost", "it is not a MongoDB connection string"),
        ("API_DATABASE_URL", "mongodb://", "it is not a MongoDB connection string"),
        ("API_DATABASE_URL", "mongodb://localhost:27017", "it names no database in its path"),
        ("API_DATABASE_URL", "mongodb+srv://host.example/", "it names no database in its path"),
        ("API_DATABASE_URL", "mongodb://a/b?tls=perhaps", "it is not a"),
        ("JWT_SECRET_KEY", "", "it is missing"),
        ("JWT_SECRET_KEY", "short", "it is shorter than 32 bytes"),
        ("JWT_ALGORITHMS", "none", "no known signature algorithm: none"),
        ("JWT_ALGORITHMS", ",", "no known signature algorithm: (none)"),
        ("JWT_ALGORITHMS", "RS256", "RS256 needs JWT_JWKS_URL, which is not set"),
        ("JWT_JWKS_URL", "ftp://id.example", "it is not a web address"),
        ("API_REDIS_PORT", "seven", "it is not a whole number"),
        ("API_REDIS_PORT", "70000", "it is more than 65535"),
        ("API_RATE_LIMITS", "perhaps", "it is none of on, off"),
        ("API_REDIS_PORT", "0", "it is less than 1"),
        ("API_REDIS_PORT", "6379.5", "it is not a whole number"),
        ("API_TRACES_SHARE", "some", "it is not a number"),
        ("API_TRACES_SHARE", "nan", "it is not a number"),
        ("API_TRACES_SHARE", "1.5", "it is more than 1"),
        ("API_REDIS_URL", "localhost:6379", "it begins with none of redis, rediss"),
        ("API_REDIS_CA_FILE", "/run/redis-ca.pem", "/run/redis-ca.pem is not there"),
        ("API_WEBHOOK_ALLOW", "10.0.0.0/40", "'10.0.0.0/40' is neither a host name nor"),
        ("API_WEBHOOK_ALLOW", "hooks.internal,10.0.0.256", "'10.0.0.256' is neither"),
        ("API_FRAME_ANCESTORS", "https://a.example; script-src *", "'https://a.example; script"),
        ("API_FRAME_ANCESTORS", "https://a.example,https://b.example/page", "'https://b.example/p"),
        ("API_FRAME_ANCESTORS", "https://", "'https://' is not an origin"),
        ("JWT_JWKS_URL", "https://", "it is not a web address"),
        ("JWT_JWKS_URL", "https://[", "it is not a web address"),
        ("JWT_USER_IDS", "uuid", "it is none of objectid, any"),
        ("CORS_ORIGINS", "example.com", "example.com is not an origin"),
        ("CORS_ORIGINS", "https://www.example/", "https://www.example/ is not an origin"),
        ("CORS_ORIGINS", "https://www.example,https://", "https:// is not an origin"),
        ("CORS_ORIGINS", "https://*.example", "https://*.example is not an origin"),
        ("CORS_ORIGINS", "null", "null is the origin of every page that has none"),
        ("LOG_LEVEL", "loud", "it is none of DEBUG, INFO, WARNING, ERROR"),
    ],
)
def test_a_bad_one_is_named_in_one_line_with_an_example(
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    value: str,
    said: str,
) -> None:
    environment.setenv(variable, value)
    with pytest.raises(SystemExit) as ended:
        settings_or_exit()
    line = capsys.readouterr().err
    assert ended.value.code == 2
    assert line.startswith(f"QuickPoll cannot start: {variable}: {said}")
    assert line.count("\n") == 1
    example = line.strip().partition(f"Example: {variable}=")[2]
    assert example not in ("", value)
    if not variable.endswith("_FILE"):
        environment.setenv(variable, example)
        load_settings()


def test_the_example_fits_what_else_is_set(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("JWT_JWKS_URL", "https://id.example/jwks.json")
    environment.setenv("JWT_SECRET_KEY", "")
    environment.setenv("JWT_ALGORITHMS", "HS256")
    with pytest.raises(BadSettings, match="Example: JWT_ALGORITHMS=RS256"):
        load_settings()
    environment.setenv("API_REDIS_URL", "redis+cluster://localhost")
    environment.setenv("JWT_ALGORITHMS", "RS256")
    environment.setenv("API_REDIS_PREFIX", "polls:")
    with pytest.raises(BadSettings, match=r"Example: API_REDIS_PREFIX=\{quickpoll\}:"):
        load_settings()


def test_an_example_of_a_secret_is_another_one_each_time(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("JWT_SECRET_KEY", "$(openssl rand -hex 32)")  # as .env would leave it
    said = set()
    for _ in range(2):
        with pytest.raises(BadSettings) as refused:
            load_settings()
        said.add(str(refused.value))
    assert len(said) == 2


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


class TestUnknownVariables:
    """What begins like a setting and is none."""

    def test_each_is_named_with_the_nearest_there_is(self) -> None:
        given = ["API_REDIS_PASWORD", "jwt_secret", "PATH", "CORS_ORIGIN", "LOG_LEVEL", *least]
        (line,) = unknown_variables(given)
        assert "API_REDIS_PASWORD (the nearest is API_REDIS_PASSWORD)" in line
        assert "JWT_SECRET (the nearest is JWT_SECRET_KEY)" in line
        assert "PATH" not in line
        assert "CORS" not in line

    def test_nothing_is_said_where_all_are_known(self) -> None:
        assert unknown_variables([*names(), *(name.lower() for name in names())]) == []

    def test_one_beside_a_start_that_fails_is_said_too(
        self, environment: pytest.MonkeyPatch, folder: Path
    ) -> None:
        environment.setenv("JWT_SECRET_KEY", "")
        (folder / ".env").write_text("JWT_SECRET=hunter2\n")
        with pytest.raises(BadSettings) as refused:
            load_settings()
        first, second = str(refused.value).splitlines()
        assert first.startswith("QuickPoll cannot start: JWT_SECRET_KEY: it is missing")
        assert "JWT_SECRET (the nearest is JWT_SECRET_KEY)" in second
        assert "hunter2" not in second


def test_a_bad_secret_is_not_said(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("JWT_SECRET_KEY", "hunter2")
    with pytest.raises(SystemExit):
        settings_or_exit()
    assert "hunter2" not in capsys.readouterr().err


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


class TestOfARunningService:
    """What a command finds beside a running ``make run``."""

    record = RunRecord(1, "http://127.0.0.1:8001", "mongodb://127.0.0.1:5/quickpoll", "::1", 6)

    def test_its_stores_and_secret_are_found(self) -> None:
        with RunDirectory(RUN_FOLDER) as directory:
            directory.write(self.record)
            settings = load_settings(running=True)
            assert settings.jwt_secret_key
            assert settings.jwt_secret_key.get_secret_value() == directory.secret()
            assert settings.api_guests == "on"
            assert settings.api_guest_key
            assert settings.api_guest_key.get_secret_value() == directory.guest_key()
        assert settings.api_database_url.get_secret_value() == self.record.database_url
        assert (settings.api_redis_host, settings.api_redis_port) == ("::1", 6)

    def test_once_it_has_ended_nothing_is_found(self) -> None:
        with RunDirectory(RUN_FOLDER) as directory:
            directory.write(self.record)
        with pytest.raises(BadSettings, match="API_DATABASE_URL"):
            load_settings(running=True)

    @pytest.mark.usefixtures("environment")
    def test_stores_that_are_configured_are_used(self) -> None:
        with RunDirectory(RUN_FOLDER) as directory:
            directory.write(self.record)
            settings = load_settings(running=True)
        assert settings.api_database_url.get_secret_value() == url

    def test_a_secret_that_is_configured_is_used(self, folder: Path) -> None:
        (folder / ".env").write_text(f"JWT_SECRET_KEY={secret}\n")
        with RunDirectory(RUN_FOLDER) as directory:
            directory.write(self.record)
            settings = load_settings(running=True)
        assert settings.jwt_secret_key
        assert settings.jwt_secret_key.get_secret_value() == secret

    def test_only_a_command_looks_for_it(self) -> None:
        with RunDirectory(RUN_FOLDER) as directory:
            directory.write(self.record)
            with pytest.raises(BadSettings, match="API_DATABASE_URL"):
                load_settings()


class TestGuests:
    """They are told from users by the key alone."""

    def test_they_need_a_key(self, environment: pytest.MonkeyPatch) -> None:
        environment.setenv("API_GUESTS", "on")
        with pytest.raises(
            BadSettings, match=r"API_GUEST_KEY: it is missing.*API_GUEST_KEY=\w{64}"
        ):
            load_settings()

    def test_their_key_is_never_that_of_users(self, environment: pytest.MonkeyPatch) -> None:
        environment.setenv("API_GUEST_KEY", secret)
        with pytest.raises(BadSettings, match="API_GUEST_KEY: it is the same as JWT_SECRET_KEY"):
            load_settings()

    def test_it_has_32_bytes(self, environment: pytest.MonkeyPatch) -> None:
        environment.setenv("API_GUEST_KEY", "x" * 31)
        with pytest.raises(BadSettings, match="API_GUEST_KEY: it is shorter than 32 bytes"):
            load_settings()


def test_a_key_of_the_logs_is_named_once(environment: pytest.MonkeyPatch) -> None:
    key = "A" * 43 + "="
    environment.setenv("API_LOG_KEY", f"{key}, {key}")
    with pytest.raises(BadSettings, match="API_LOG_KEY: it has the same key twice") as refused:
        load_settings()
    assert key not in str(refused.value)


@pytest.mark.parametrize("given", ["short", "c2hvcnQ=", "é", "A" * 44 + ",x"])
def test_a_key_of_the_logs_is_32_bytes_in_base64(
    environment: pytest.MonkeyPatch, given: str
) -> None:
    environment.setenv("API_LOG_KEY", given)
    with pytest.raises(BadSettings, match="API_LOG_KEY: ") as refused:
        load_settings()
    assert given not in str(refused.value)
