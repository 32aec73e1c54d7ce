"""Projects whose interpreters are shell scripts, in archives of PBS's layout: small, and real to `sync`."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provision.host.detect import detect_host
from provision.model.target import Target

ROOT = Path(__file__).resolve().parents[2]
VERSION, BUILD = "3.13.5", "20261101"

# Answers the probe, whatever its arguments.
_INTERPRETER = f"""\
#!/bin/sh
echo implementation=cpython
echo version={VERSION}
echo Py_GIL_DISABLED=0
echo Py_DEBUG=0
here=$(readlink -f "$0")
echo prefix="${{here%/bin/*}}"
"""


@dataclass(frozen=True)
class ScriptProject:
    """A directory with `pythons.toml` and `pythons.lock`, and the environment that commands run in."""

    directory: Path
    environ: dict[str, str]

    def provision(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the command line."""
        command = [sys.executable, "-m", "provision", *arguments]
        return subprocess.run(
            command, cwd=self.directory, env=self.environ, check=check, capture_output=True, text=True
        )

    def json(self, *arguments: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.provision(*arguments, "--json").stdout)
        return document

    def declare(self, entries: dict[str, Sequence[Target]]) -> None:
        """Write the manifest: for each entry, a separate archive for each of its targets."""
        lines: list[str] = []
        for name, targets in entries.items():
            lines += [f"[pythons.{name}]", f'version = "{VERSION}"', f'build = "{BUILD}"']
            lines += ['flavor = "install_only_stripped"']
            archives = {target: self._archive(name, target) for target in targets}
            urls = ", ".join(f'{target} = "{path.as_uri()}"' for target, path in archives.items())
            digests = (f'{target} = "{_sha256(path)}"' for target, path in archives.items())
            lines += [f"url = {{ {urls} }}", f"sha256 = {{ {', '.join(digests)} }}", ""]
        (self.directory / "pythons.toml").write_text("\n".join(lines))

    def _archive(self, name: str, target: Target) -> Path:
        folder = self.directory.parent / "archives" / name
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"cpython-{VERSION}+{BUILD}-{target}-install_only_stripped.tar.gz"
        windows = target.os == "windows"
        names = {
            "python/python.exe" if windows else "python/bin/python3.13": (_INTERPRETER, 0o775),
            "python/Lib/os.py" if windows else "python/lib/python3.13/os.py": (f"# {name} for {target}\n", 0o664),
        }
        with tarfile.open(path, "w:gz") as archive:
            for member, (text, mode) in sorted(names.items()):
                info = tarfile.TarInfo(member)
                info.size, info.mode, info.mtime = len(text), mode, 1704067200
                archive.addfile(info, io.BytesIO(text.encode()))
        return path


def make_project(directory: Path, *entries: str) -> ScriptProject:
    """A locked project with some entries for this machine, with its store and cache next to it."""
    project = directory / "project"
    project.mkdir(parents=True)
    (project / ".git").mkdir()
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "PROVISION_"))}
    environ |= {
        "HOME": str(directory),
        "PROVISION_HOME": str(directory / "home"),
        "PROVISION_CACHE_DIR": str(directory / "cache"),
        "PYTHONPATH": str(ROOT),
        "CI": "true",
    }
    made = ScriptProject(project, environ)
    made.declare(dict.fromkeys(entries, (detect_host().target,)))
    made.provision("lock")
    return made


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
