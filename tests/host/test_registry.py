"""The registry of Windows, and the error of other systems."""

from __future__ import annotations

import sys

import pytest

from provision.errors import UsageError
from provision.host.registry import open_registry

KEY = "Software\\Python\\provision-tests"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has a registry")
def test_other_systems_have_no_registry() -> None:
    with pytest.raises(UsageError, match="`provision register` is for Windows") as caught:
        open_registry()
    assert "provision env" in (caught.value.hint or "")


@pytest.mark.skipif(sys.platform != "win32", reason="there is no registry")
def test_keys_are_written_read_and_removed_with_their_subkeys() -> None:
    registry = open_registry()
    registry.remove(KEY)
    assert (registry.names(KEY), registry.values(KEY)) == ((), {})
    registry.write(f"{KEY}\\b\\InstallPath", {"": "C:\\tree", "ExecutablePath": "C:\\tree\\python.exe"})
    registry.write(f"{KEY}\\a", {"DisplayName": "Ä"})
    registry.write(f"{KEY}\\a", {"SysVersion": "3.13"})
    assert registry.names(KEY) == ("a", "b")
    assert registry.values(f"{KEY}\\a") == {"DisplayName": "Ä", "SysVersion": "3.13"}
    assert registry.values(f"{KEY}\\b\\InstallPath")[""] == "C:\\tree"
    registry.remove(KEY)
    assert registry.names(KEY) == ()
    registry.remove(KEY)
