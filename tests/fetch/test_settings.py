"""Settings of downloads: defaults, variables, hosts of the user's own file."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.errors import UsageError
from provision.fetch.settings import GIB, MIB, DownloadSettings, configured_hosts


def _hosts(tmp_path: Path, text: str | None) -> tuple[str, ...]:
    if text is not None:
        (tmp_path / "config.toml").write_text(text)
    return configured_hosts({"PROVISION_CONFIG_DIR": str(tmp_path)})


def test_without_the_file_no_host_is_allowed(tmp_path: Path) -> None:
    assert _hosts(tmp_path, None) == ()
    assert _hosts(tmp_path / "none", None) == ()


def test_allowed_hosts_are_read_from_the_file(tmp_path: Path) -> None:
    for mark in ("", "\ufeff"):
        assert _hosts(tmp_path, f'{mark}allow-hosts = ["a.example", "*.b.example"]') == ("a.example", "*.b.example")


def test_a_file_without_hosts_is_valid(tmp_path: Path) -> None:
    assert _hosts(tmp_path, "other = 1") == ()


@pytest.mark.parametrize("text", ['allow-hosts = "a.example"', "allow-hosts = [1]", "allow-hosts = ["])
def test_a_broken_file_is_a_usage_error_that_names_it(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match=r"config\.toml"):
        _hosts(tmp_path, text)


def test_a_file_that_is_not_text_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match=r"config\.toml"):
        _hosts(tmp_path, None)


def test_without_variables_the_defaults_apply() -> None:
    assert DownloadSettings.of({}) == DownloadSettings()
    assert DownloadSettings().largest_archive == 2 * GIB


def test_variables_change_times_and_the_largest_archive() -> None:
    environ = {"PROVISION_TIMEOUT": "2.5", "PROVISION_DEADLINE": "60", "PROVISION_MAX_ARCHIVE": "100"}
    settings = DownloadSettings.of(environ)
    assert (settings.idle_timeout, settings.connect_timeout, settings.total_timeout) == (2.5, 2.5, 60.0)
    assert settings.largest_archive == 100 * MIB
    assert (settings.retry_timeout, settings.waits_for_network) == (60.0, True)
    assert DownloadSettings.of({"PROVISION_TIMEOUT": "2"}).retry_timeout == DownloadSettings().retry_timeout


def test_a_mirror_gets_one_connection_for_an_archive_unless_a_number_is_set() -> None:
    default, chosen = DownloadSettings.of({}), DownloadSettings.of({"PROVISION_CONNECTIONS": "4"})
    assert (default.mirror_connections, default.connections) == (1, 6)
    assert (chosen.mirror_connections, chosen.connections) == (4, 4)


def test_a_longer_timeout_does_not_change_the_timeout_for_connecting() -> None:
    assert DownloadSettings.of({"PROVISION_TIMEOUT": "300"}).connect_timeout == DownloadSettings().connect_timeout


@pytest.mark.parametrize("name", ["PROVISION_TIMEOUT", "PROVISION_DEADLINE", "PROVISION_MAX_ARCHIVE"])
@pytest.mark.parametrize("text", ["soon", "0", "-1", "inf", "nan"])
def test_an_invalid_variable_is_a_usage_error(name: str, text: str) -> None:
    with pytest.raises(UsageError, match=name):
        DownloadSettings.of({name: text})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('allow-hosts = ["a/b"]', "config.toml: allow-hosts: 'a/b' is not a host to allow: "),
        (
            'allow-host = ["a.example"]',
            "config.toml: 'allow-host' is not a key of this file; did you mean ",
        ),
        ('catalog-url = ["x"]', "config.toml: 'catalog-url' is not a key of this file; did you mean 'catalog-urls'?"),
    ],
)
def test_an_error_in_the_user_s_configuration_names_its_place(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(UsageError) as caught:
        configured_hosts({"PROVISION_CONFIG_DIR": str(tmp_path)})
    assert message in str(caught.value)


def test_keys_of_later_versions_are_ignored(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('shell = "fish"\nallow-hosts = ["a.example"]\n')
    assert configured_hosts({"PROVISION_CONFIG_DIR": str(tmp_path)}) == ("a.example",)
