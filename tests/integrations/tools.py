"""Tools of other projects that check our integrations: installed, or the test is skipped with the reason."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest


def install_python_tool(package: str, folder: Path, command: str | None = None, more: Sequence[str] = ()) -> Path:
    """The command of a package of the Python index, in a separate environment, with ``more`` installed there."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    # No building: a source distribution may want to download things that are not available.
    install = [str(python), "-m", "pip", "install", "--quiet", "--only-binary=:all:", package, *more]
    done = subprocess.run(install, check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"{package} cannot be installed: {_last_line(done.stderr)}")
    return folder / "bin" / (command or package)


def install_node_package(package: str, folder: Path) -> Path:
    """The ``node_modules`` of a folder into which a package of the npm registry was installed."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("there is no npm")
    folder.mkdir(parents=True, exist_ok=True)
    install = [npm, "install", "--no-fund", "--no-audit", "--ignore-scripts", "--omit=optional", package]
    done = subprocess.run(install, cwd=folder, check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"{package} cannot be installed: {_last_line(done.stderr)}")
    return folder / "node_modules"


def install_node(folder: Path) -> Path:
    """A Node.js that is new enough for Renovate: the installed one, or that of the npm registry."""
    at_hand = shutil.which("node")
    if at_hand is not None:
        version = subprocess.run([at_hand, "--version"], check=True, capture_output=True, text=True).stdout
        if int(version.removeprefix("v").partition(".")[0]) >= 24:
            return Path(at_hand)
    systems = {
        ("Linux", "x86_64"): "linux-x64",
        ("Linux", "aarch64"): "linux-arm64",
        ("Darwin", "arm64"): "darwin-arm64",
    }
    name = systems.get((platform.system(), platform.machine()))
    if name is None:
        pytest.skip("there is no Node.js 24")
    return install_node_package(f"node-{name}@24", folder) / f"node-{name}" / "bin" / "node"


def install_chromium(folder: Path) -> Path:
    """A headless Chromium from the npm registry; it is built for Linux on x86-64."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        pytest.skip("there is no Chromium, and npm has none for this platform")
    node = shutil.which("node")
    install_node_package("@sparticuz/chromium", folder)
    script = 'import chromium from "@sparticuz/chromium"; console.log(await chromium.executablePath());'
    unpack = [str(node), "--input-type=module", "--eval", script]
    done = subprocess.run(
        unpack, cwd=folder, env={**os.environ, "TMPDIR": str(folder)}, check=False, capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"Chromium cannot be unpacked: {_last_line(done.stderr)}")
    browser = Path(done.stdout.strip())
    started = subprocess.run([str(browser), "--version"], check=False, capture_output=True, text=True)
    if started.returncode:
        pytest.skip(f"Chromium does not start: {_last_line(started.stderr)}")
    return browser


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no reason given"])[-1]
