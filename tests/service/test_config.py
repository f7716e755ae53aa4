"""Settings: every variable, its type, and the message when it is wrong."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from service.config import AnchorSettings, Limits, Settings, SettingsError
from service.storage.engine import DatabaseError, Store


def test_nothing_set_gives_the_embedded_default() -> None:
    settings = Settings.from_environment({})
    assert settings == Settings()
    assert settings.database_url == "sqlite:///.lodeline/lodeline.db"
    assert settings.key_file == Path(".lodeline/log.key")
    assert settings.checkpoint_file == Path(".lodeline/signed-checkpoints")


def test_variables_override() -> None:
    settings = Settings.from_environment(
        {
            "LODELINE_STATE": "elsewhere",
            "LODELINE_DATABASE": "postgresql://db.example/lodeline",
            "LODELINE_KEY": "keys/log",
            "LODELINE_PORT": "9000",
            "LODELINE_LIMIT_PAGE_ITEMS": "50",
            "LODELINE_LIMIT_REQUEST_SECONDS": "2.5",
            "LODELINE_VECTORS": "not ours",
            "PATH": "not ours either",
        }
    )
    assert settings.state == Path("elsewhere")
    assert settings.database_url == "postgresql://db.example/lodeline"
    assert settings.key_file == Path("keys/log")
    assert settings.port == 9000
    assert settings.limits == Limits(page_items=50, request_seconds=2.5)


def test_urls_with_passwords_are_not_shown() -> None:
    anchor = AnchorSettings(rpc="https://node.example/s3cret", signer="https://me:s3cret@signer.example")
    shown = repr(Settings(database="postgresql://me:s3cret@db.example/log", anchor=anchor))
    assert "s3cret" not in shown
    assert "port=8000" in shown
    for url in ("postgresql://me:s3cret@db.example:port/log", "postgresql:/me:s3cret"):
        with pytest.raises(DatabaseError) as failed:
            Store(url)
        assert "s3cret" not in f"{failed.value} {failed.value.__cause__}"


@pytest.mark.parametrize("text", ["", "x", "1.5", "-1", "1e99", "99999999999999999999"])
def test_numbers_are_numbers(text: str) -> None:
    for name in ("LODELINE_PORT", "LODELINE_LIMIT_QUEUE_RECORDS"):
        with pytest.raises(SettingsError, match=name):
            Settings.from_environment({name: text})


@pytest.mark.parametrize("name", ["LODELINE_PORT", "LODELINE_PEER_PORT"])
def test_ports_are_those_of_tcp(name: str) -> None:
    for text in ("0", "65535"):
        Settings.from_environment({name: text})
    with pytest.raises(SettingsError, match=f"{name} must be a port"):
        Settings.from_environment({name: "65536"})


@pytest.mark.parametrize("name", [one.name for one in fields(Limits)])
def test_limits_are_more_than_nothing(name: str) -> None:
    variable = f"LODELINE_LIMIT_{name.upper()}"
    assert getattr(Settings.from_environment({variable: "1"}).limits, name) == 1
    with pytest.raises(SettingsError, match=f"{variable} must be more than 0"):
        Settings.from_environment({variable: "0"})


def test_a_database_is_sqlite_or_postgresql() -> None:
    with pytest.raises(DatabaseError, match="it is mysql: set LODELINE_DATABASE"):
        Store("mysql://db.example/log")


@pytest.mark.parametrize("text", ["nan", "inf", "-0.1"])
def test_seconds_are_finite(text: str) -> None:
    with pytest.raises(SettingsError, match="LODELINE_LIMIT_REQUEST_SECONDS"):
        Settings.from_environment({"LODELINE_LIMIT_REQUEST_SECONDS": text})
