"""The hook of the wheel's build that adds the manual page, made of the help texts."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ManualHook(BuildHookInterface):  # type: ignore[type-arg]
    """Writes `provision.1` beside the build, as there is none in the sources."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        sys.path.insert(0, self.root)
        from tools.manual import manual_page

        self._folder = TemporaryDirectory()
        page = Path(self._folder.name) / "provision.1"
        page.write_text(manual_page(), encoding="utf-8", newline="\n")
        build_data["shared_data"][str(page)] = "share/man/man1/provision.1"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        self._folder.cleanup()
