"""The command that adds an extra, in each kind of environment that provision is installed into."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from provision.host.distribution import DISTRIBUTION, install_command
from tests.integrations.projects import ROOT
from tests.support.package import PACKAGE

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_name_equals_the_metadata_and_every_extra_in_a_hint_exists() -> None:
    assert PROJECT["name"] == DISTRIBUTION
    sources = "".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    named = {part.partition(")")[0].strip("'\"") for part in sources.split("install_command(")[1:]} - {"extra: str"}
    assert named == set(PROJECT["optional-dependencies"]) - {"dev"}


def test_with_pip_the_command_installs_into_the_environment_of_this_interpreter() -> None:
    words = [sys.executable, "-m", "pip", "install"]
    assert install_command("attest") == " ".join([*words, "'pyprovision[attest]'"])


def test_the_command_adds_to_the_installed_version_without_changing_it() -> None:
    """By the real pip: the distribution is already satisfied, and the extra's packages are installed."""
    command = [sys.executable, "-m", "pip", "install", "--no-index", "--dry-run", "pyprovision[socks]"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Requirement already satisfied: pyprovision[socks]" in done.stdout
    assert "Would install" not in done.stdout


def test_without_pip_the_command_uses_uv(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path], check=True)
    python = tmp_path / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "provision").symlink_to(PACKAGE, target_is_directory=True)
    code = "from provision.host.distribution import install_command; print(install_command('sbom'))"
    done = subprocess.run([python, "-c", code], cwd=alone, check=True, capture_output=True, text=True)
    assert done.stdout.split()[:5] == ["uv", "pip", "install", "--python", str(python)]
    assert done.stdout.split()[5].strip("'") == "pyprovision[sbom]"


def test_the_command_for_a_zip_application_is_a_new_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "_bootstrap", ModuleType("_bootstrap"))
    assert install_command("socks") == "pipx install 'pyprovision[socks]'"


def test_a_path_with_spaces_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/home/my self/bin/python")
    assert install_command("attest").startswith("'/home/my self/bin/python' -m pip ")
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(sys, "executable", r"C:\Program Files\Python\python.exe")
    assert install_command("attest") == r'"C:\Program Files\Python\python.exe" -m pip install pyprovision[attest]'
