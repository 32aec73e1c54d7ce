"""The registry of Windows: keys of the user, with texts for values."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Protocol

from provision.errors import UsageError


class Registry(Protocol):
    """Keys by their path below ``HKEY_CURRENT_USER``, with backslashes between names.

    The default value of a key has the empty name.
    """

    def names(self, path: str) -> tuple[str, ...]:
        """The names of the keys below a key, sorted; none where there is no such key."""

    def values(self, path: str) -> dict[str, str]:
        """The texts of a key by their names; none where there is no such key."""

    def write(self, path: str, values: Mapping[str, str]) -> None:
        """Make a key and its parents, and set its values; other values of the key are kept."""

    def remove(self, path: str) -> None:
        """Remove a key and everything below it; does nothing if it does not exist."""


if sys.platform == "win32":
    import winreg

    class WindowsRegistry:
        """The registry of this machine."""

        def names(self, path: str) -> tuple[str, ...]:
            try:
                with winreg.OpenKeyEx(winreg.HKEY_CURRENT_USER, path) as key:
                    count, _, _ = winreg.QueryInfoKey(key)
                    return tuple(sorted(winreg.EnumKey(key, number) for number in range(count)))
            except FileNotFoundError:
                return ()

        def values(self, path: str) -> dict[str, str]:
            try:
                with winreg.OpenKeyEx(winreg.HKEY_CURRENT_USER, path) as key:
                    _, count, _ = winreg.QueryInfoKey(key)
                    found = [winreg.EnumValue(key, number) for number in range(count)]
            except FileNotFoundError:
                return {}
            return {name: content for name, content, kind in found if kind == winreg.REG_SZ}

        def write(self, path: str, values: Mapping[str, str]) -> None:
            with winreg.CreateKeyEx(winreg.HKEY_CURRENT_USER, path, access=winreg.KEY_WRITE) as key:
                for name, content in values.items():
                    winreg.SetValueEx(key, name, 0, winreg.REG_SZ, content)

        def remove(self, path: str) -> None:
            for name in self.names(path):
                self.remove(f"{path}\\{name}")
            try:
                winreg.DeleteKey(winreg.HKEY_CURRENT_USER, path)
            except FileNotFoundError:
                return


def open_registry() -> Registry:
    """The registry of this machine; raises `UsageError` if there is none."""
    if sys.platform == "win32":
        return WindowsRegistry()
    raise UsageError(
        "`provision register` is for Windows: other systems have no registry of interpreters",
        hint='Run `eval "$(provision env)"` to put the interpreters on PATH.',
    )
