"""A project in which tests run provision as a user does: in processes, with its own home and cache."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMMAND = (sys.executable, "-m", "provision")


@dataclass(frozen=True, slots=True)
class Ended:
    """A finished run."""

    code: int
    out: str
    err: str

    def document(self) -> dict[str, Any]:
        """What ``--json`` printed."""
        document: dict[str, Any] = json.loads(self.out)
        return document


class Project:
    """A directory with a manifest, and the home and cache that its commands use."""

    def __init__(self, directory: Path, *, home: Path | None = None, cache: Path | None = None) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / ".git").mkdir(exist_ok=True)  # the search for a manifest ends here
        self.directory = directory
        self.home = home or directory.parent / "home"
        self.cache = cache or directory.parent / "cache"

    @property
    def manifest(self) -> Path:
        return self.directory / "pythons.toml"

    @property
    def lock(self) -> Path:
        return self.directory / "pythons.lock"

    def write(self, text: str) -> None:
        self.manifest.write_text(text)

    def environ(self, more: Mapping[str, str] = {}) -> dict[str, str]:
        """The environment of a run: this process's, without variables that would change the result."""
        ours = ("PROVISION_", "CI", "GITHUB_", "NO_COLOR", "FORCE_COLOR")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        return {**kept, "PROVISION_HOME": str(self.home), "PROVISION_CACHE_DIR": str(self.cache), **more}

    def run(self, *words: str | Path, expect: int | None = 0, cwd: Path | None = None, **environ: str) -> Ended:
        """Run a command; fail unless it ends with the code expected (None: any)."""
        done = subprocess.run(
            [*COMMAND, *map(str, words)],
            cwd=cwd or self.directory,
            env=self.environ(environ),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        ended = Ended(done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in ended.err, ended.err
        if expect is not None:
            assert ended.code == expect, f"exit code {ended.code}, expected {expect}\n{ended.out}\n{ended.err}"
        return ended
