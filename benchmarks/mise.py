"""mise, from the npm registry, and its command that installs a locked archive."""

from __future__ import annotations

import platform
import shutil
import subprocess
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.timing import Command

_NAMES = {("Linux", "x86_64"): "linux-x64", ("Linux", "aarch64"): "linux-arm64", ("Darwin", "arm64"): "macos-arm64"}


def get_mise(bench: Bench) -> Path | str:
    """The program, installed if missing, or the reason why it is not available."""
    name = _NAMES.get((platform.system(), platform.machine()))
    if name is None:
        return "no mise for this machine"
    folder = bench.folder / "npm"
    program = folder / "node_modules" / "@jdxcode" / f"mise-{name}" / "bin" / "mise"
    if program.exists():
        return program
    npm = shutil.which("npm")
    if npm is None:
        return "no npm to get mise from"
    folder.mkdir(exist_ok=True)
    words = [npm, "install", "--no-fund", "--no-audit", "--ignore-scripts", "--omit=optional", f"@jdxcode/mise-{name}"]
    done = subprocess.run(words, cwd=folder, check=False, capture_output=True, text=True)
    return program if done.returncode == 0 else "mise could not be installed by npm"


def mise_lock(bench: Bench, where: Path, label: str) -> str:
    """The lock file of mise for one archive, as `provision export` writes it."""
    export = bench.provision(bench.project(where, [label]), "export", "mise", "-o", "mise.lock")
    subprocess.run(export.argv, cwd=where, env=dict(export.environ), check=True, capture_output=True)
    return (where / "mise.lock").read_text()


def mise_install(bench: Bench, program: Path, where: Path, label: str, lock: str) -> Command:
    """Its command in a fresh project, with its own directories next to it."""
    (where / "mise.toml").write_text(f'[tools]\npython = "{bench.archives[label].name.version}"\n')
    (where / "mise.lock").write_text(lock)
    folders = {f"MISE_{each}_DIR": where.parent / each.lower() for each in ("DATA", "CACHE", "CONFIG", "STATE")}
    environ = bench.environ(
        **folders,
        MISE_YES="1",
        MISE_TRUSTED_CONFIG_PATHS=where,
        MISE_PYTHON_GITHUB_ATTESTATIONS="false",  # GitHub has no attestation of the test archive
    )
    return Command(argv=(str(program), "install", "--locked"), cwd=where, environ=environ)
