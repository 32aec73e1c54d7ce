"""The directories of this user's data, cache and configuration.

Shell hooks call this before anything else is loaded, so this module imports only what Python has loaded at start-up.
"""

# ruff: noqa: PTH111, PTH117, PTH118

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Literal

    Kind = Literal["data", "cache", "config"]

# Our own variable, then the platform's directory: XDG's variable and its default, macOS', Windows'.
_LOCATIONS: "dict[Kind, tuple[str, str, str, str, str]]" = {
    "data": ("PROVISION_HOME", "XDG_DATA_HOME", ".local/share", "Application Support", ""),
    "cache": ("PROVISION_CACHE_DIR", "XDG_CACHE_HOME", ".cache", "Caches", "Cache"),
    "config": ("PROVISION_CONFIG_DIR", "XDG_CONFIG_HOME", ".config", "Application Support", "Config"),
}


def data_home(env: "Mapping[str, str]", *, platform: str = sys.platform) -> "Path":
    """The directory of the store: ``PROVISION_HOME``, else the platform's directory for a user's data."""
    return _path("data", env, platform)


def cache_home(env: "Mapping[str, str]", *, platform: str = sys.platform) -> "Path":
    """The directory of archives and refreshed catalogs: ``PROVISION_CACHE_DIR``, else the platform's for caches."""
    return _path("cache", env, platform)


def config_home(env: "Mapping[str, str]", *, platform: str = sys.platform) -> "Path":
    """The directory of the user's settings: ``PROVISION_CONFIG_DIR``, else the platform's configuration directory."""
    return _path("config", env, platform)


def base_homes(env: "Mapping[str, str]") -> "tuple[Path, ...]":
    """The homes of the read-only stores, in order: ``PROVISION_STORES``, in the form of `PATH`."""
    from pathlib import Path

    from provision.host.variables import read_directories

    own = data_home(env)
    return tuple(path for path in map(Path, read_directories(env, "PROVISION_STORES")) if path != own)


def _path(kind: "Kind", env: "Mapping[str, str]", platform: str) -> "Path":
    from pathlib import Path

    return Path(user_directory(kind, env, platform=platform))


def user_directory(kind: "Kind", env: "Mapping[str, str]", *, platform: str = sys.platform) -> str:
    """What `data_home`, `cache_home` or `config_home` returns, as text."""
    variable, xdg, unix, macos, windows = _LOCATIONS[kind]
    if chosen := env.get(variable):
        # Container and CI files set it without a shell, so the tilde was not expanded.
        if chosen == "~" or chosen.startswith("~/"):
            return os.path.join(_user_home(env, platform, kind), chosen[2:])
        return chosen if os.path.isabs(chosen) else os.path.join(os.getcwd(), chosen)  # noqa: PTH109
    if platform == "win32":
        return os.path.join(env.get("LOCALAPPDATA") or _local_app_data(), "provision", windows)
    if platform == "darwin":
        return os.path.join(_user_home(env, platform, kind), "Library", macos, "provision")
    base = env.get(xdg, "")
    # The XDG specification says to ignore relative paths.
    return os.path.join(
        base if os.path.isabs(base) else os.path.join(_user_home(env, platform, kind), unix), "provision"
    )


def _user_home(env: "Mapping[str, str]", platform: str, kind: "Kind") -> str:
    """The home directory in the environment, else in the user database: services and ``env -i`` have no ``HOME``."""
    name = env.get("USERPROFILE" if platform == "win32" else "HOME")
    home = name or os.path.expanduser("~")
    if not os.path.isabs(home):
        from provision.errors import UsageError

        variables = [_LOCATIONS[kind][0]]
        if kind == "data" and not env.get("PROVISION_CACHE_DIR"):  # asked for next
            variables.append("PROVISION_CACHE_DIR")
        hint = f"Set {' and '.join(variables)}, or HOME, to an absolute path."
        raise UsageError("this user has no home directory", hint=hint)
    return home


def _local_app_data() -> str:
    """``%LOCALAPPDATA%`` from the system, for services that run without the variable."""
    import platformdirs

    return platformdirs.user_data_dir(appauthor=False)
