"""The directories of this user's data, cache and configuration."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from provision.errors import UsageError

_Kind = Literal["data", "cache", "config"]

# Our own variable, then the platform's directory: XDG's variable and its default, macOS', Windows'.
_LOCATIONS: dict[_Kind, tuple[str, str, str, str, str]] = {
    "data": ("PROVISION_HOME", "XDG_DATA_HOME", ".local/share", "Application Support", ""),
    "cache": ("PROVISION_CACHE_DIR", "XDG_CACHE_HOME", ".cache", "Caches", "Cache"),
    "config": ("PROVISION_CONFIG_DIR", "XDG_CONFIG_HOME", ".config", "Application Support", "Config"),
}


def data_home(env: Mapping[str, str], *, platform: str = sys.platform) -> Path:
    """The directory of the store: ``PROVISION_HOME``, else the platform's directory for a user's data."""
    return _directory("data", env, platform)


def cache_home(env: Mapping[str, str], *, platform: str = sys.platform) -> Path:
    """The directory of archives and refreshed catalogs: ``PROVISION_CACHE_DIR``, else the platform's for caches."""
    return _directory("cache", env, platform)


def config_home(env: Mapping[str, str], *, platform: str = sys.platform) -> Path:
    """The directory of the user's settings: ``PROVISION_CONFIG_DIR``, else the platform's configuration directory."""
    return _directory("config", env, platform)


def _directory(kind: _Kind, env: Mapping[str, str], platform: str) -> Path:
    variable, xdg, unix, macos, windows = _LOCATIONS[kind]
    if chosen := env.get(variable):
        # Container and CI files set it without a shell, which would expand the tilde.
        tilde = chosen == "~" or chosen.startswith("~/")
        return _user_home(env, platform, kind) / chosen[2:] if tilde else Path(chosen).absolute()
    if platform == "win32":
        return Path(env.get("LOCALAPPDATA") or _local_app_data(), "provision", windows)
    if platform == "darwin":
        return _user_home(env, platform, kind) / "Library" / macos / "provision"
    base = Path(env.get(xdg, ""))
    # The XDG specification says to ignore relative paths.
    return (base if base.is_absolute() else _user_home(env, platform, kind) / unix) / "provision"


def _user_home(env: Mapping[str, str], platform: str, kind: _Kind) -> Path:
    """The home directory in the environment, else in the user database: services and ``env -i`` have no ``HOME``."""
    name = env.get("USERPROFILE" if platform == "win32" else "HOME")
    home = Path(name or os.path.expanduser("~"))  # noqa: PTH111  (Path's raises RuntimeError if there is none)
    if not home.is_absolute():
        variables = [_LOCATIONS[kind][0]]
        if kind == "data" and not env.get("PROVISION_CACHE_DIR"):  # asked for next
            variables.append("PROVISION_CACHE_DIR")
        hint = f"Set {' and '.join(variables)}, or HOME, to an absolute path."
        raise UsageError("this user has no home directory", hint=hint)
    return home


def _local_app_data() -> str:
    """``%LOCALAPPDATA%`` as the system knows it, for services that run without the variable."""
    import platformdirs

    return platformdirs.user_data_dir(appauthor=False)
