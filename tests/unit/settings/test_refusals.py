"""Settings that are refused, in which words, and which secrets those words do not hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from quickpoll.settings import (
    BadSettings,
    load_settings,
    names,
    settings_or_exit,
    unknown_variables,
)
from tests.unit.settings.variables import least, secret


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
