"""What a command finds beside a running service."""

from __future__ import annotations

from pathlib import Path

import pytest

from quickpoll.settings import RUN_FOLDER, BadSettings, load_settings
from quickpoll.settings.run_record import RunDirectory, RunRecord
from tests.unit.settings.variables import secret, url


class TestOfARunningService:
    """What a command finds beside a running ``make run``."""

    record = RunRecord(1, "http://127.0.0.1:8001", "mongodb://127.0.0.1:5/quickpoll", "::1", 6)

    def test_its_stores_and_secret_are_found(self) -> None:
        with RunDirectory(RUN_FOLDER) as directory:
            directory.write(self.record)
            settings = load_settings(running=True)
            assert settings.jwt_secret_key
            assert settings.jwt_secret_key.get_secret_value() == directory.secret()
            assert (settings.api_guests, settings.api_webhooks) == ("on", "on")
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
