"""The directories of data, cache and configuration, by variables and by platform."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from provision.errors import UsageError
from provision.host.paths import cache_home, config_home, data_home


class Place(Protocol):
    def __call__(self, env: dict[str, str], *, platform: str = ...) -> Path: ...


ENV = {"HOME": "/home/ada"}
EACH: list[tuple[Callable[..., Path], str]] = [
    (data_home, "PROVISION_HOME"),
    (cache_home, "PROVISION_CACHE_DIR"),
    (config_home, "PROVISION_CONFIG_DIR"),
]


@pytest.mark.parametrize(("place", "variable"), EACH)
@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_the_directory_set_by_the_user_takes_precedence(place: Place, variable: str, platform: str) -> None:
    assert place({**ENV, variable: "/opt/pythons"}, platform=platform) == Path("/opt/pythons")


@pytest.mark.parametrize(("place", "variable"), EACH)
def test_a_tilde_that_no_shell_expanded_is_expanded(place: Place, variable: str) -> None:
    assert place({**ENV, variable: "~/pythons"}, platform="linux") == Path("/home/ada/pythons")
    assert place({**ENV, variable: "~"}, platform="linux") == Path("/home/ada")


@pytest.mark.parametrize(("place", "variable"), EACH)
def test_a_relative_path_set_by_the_user_is_made_absolute(place: Place, variable: str) -> None:
    assert place({**ENV, variable: "pythons"}, platform="linux") == Path.cwd() / "pythons"


@pytest.mark.parametrize(("place", "variable"), EACH)
def test_an_empty_path_counts_as_not_set(place: Place, variable: str) -> None:
    assert place({**ENV, variable: ""}, platform="linux") == place(ENV, platform="linux")


def test_linux_has_its_directories() -> None:
    assert data_home(ENV, platform="linux") == Path("/home/ada/.local/share/provision")
    assert cache_home(ENV, platform="linux") == Path("/home/ada/.cache/provision")
    assert config_home(ENV, platform="linux") == Path("/home/ada/.config/provision")


def test_xdg_directories_are_honoured_and_relative_ones_ignored() -> None:
    xdg = {"XDG_DATA_HOME": "/data", "XDG_CACHE_HOME": "/cache", "XDG_CONFIG_HOME": "config"}
    assert data_home(ENV | xdg, platform="linux") == Path("/data/provision")
    assert cache_home(ENV | xdg, platform="linux") == Path("/cache/provision")
    assert config_home(ENV | xdg, platform="linux") == Path("/home/ada/.config/provision")


def test_macos_has_its_directories() -> None:
    library = Path("/home/ada/Library")
    assert data_home(ENV, platform="darwin") == library / "Application Support/provision"
    assert cache_home(ENV, platform="darwin") == library / "Caches/provision"
    assert config_home(ENV, platform="darwin") == library / "Application Support/provision"


def test_windows_has_its_directories() -> None:
    env = {"LOCALAPPDATA": "/Users/ada/AppData/Local"}
    local = Path("/Users/ada/AppData/Local/provision")
    assert data_home(env, platform="win32") == local
    assert cache_home(env, platform="win32") == local / "Cache"
    assert config_home(env, platform="win32") == local / "Config"


@pytest.mark.skipif(sys.platform == "win32", reason="needs a Unix user database")
def test_without_home_the_user_database_is_used() -> None:
    import pwd

    code = "from provision.host.paths import data_home; import os; print(data_home(os.environ, platform='linux'))"
    env = {"PATH": os.environ["PATH"]}
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=env)
    assert done.stdout.strip() == f"{pwd.getpwuid(os.getuid()).pw_dir}/.local/share/provision"


def test_a_relative_home_is_refused() -> None:
    with pytest.raises(UsageError, match="no home directory"):
        data_home({"HOME": "somewhere"}, platform="linux")
