"""The Renovate preset: what it finds in a manifest, and what Renovate's own validator says of it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.integrations.projects import ROOT
from tests.integrations.tools import install_node_package

PRESET = ROOT / "renovate" / "pythons.json"
CONFIG: dict[str, Any] = json.loads(PRESET.read_text())
VERSIONS, BUILDS = CONFIG["customManagers"]

MANIFEST = """\
[settings]
targets = ["linux-x86_64"]
cooldown = "3 days"

[pythons]
default = "3.14"
exact = "3.14.2"
free = "3.14.2t"
both = "3.14.2td"
next = "3.15.0rc1"
range = ">=3.12.4,<3.14"
pypy = "pypy3.11"
inline = { version = "3.13.5", build = "20250702" }

[pythons.pinned]
version = "3.12.11"   # until the migration
flavor = "full"
build = "20250818"

[pythons.newest]
version = "3.11.9"

[pythons.other]
version = "3.14"
build = "20260814"
"""


def found(manager: dict[str, Any]) -> list[dict[str, str]]:
    (pattern,) = manager["matchStrings"]
    python = pattern.replace("(?<", "(?P<")
    return [match.groupdict() for match in re.finditer(python, MANIFEST)]


def test_exact_versions_are_found_and_nothing_else() -> None:
    values = [match["currentValue"] for match in found(VERSIONS)]
    assert values == ["3.14.2", "3.14.2", "3.14.2", "3.15.0rc1", "3.13.5", "3.12.11", "3.11.9"]


def test_builds_are_found_with_their_version() -> None:
    assert found(BUILDS) == [
        {"packageName": "3.13.5", "currentValue": "20250702"},
        {"packageName": "3.12.11", "currentValue": "20250818"},
    ]


@pytest.mark.parametrize("path", ["pythons.toml", "tools/pythons.toml"])
def test_manifests_are_found_wherever_they_are(path: str) -> None:
    for manager in (VERSIONS, BUILDS):
        (pattern,) = manager["managerFilePatterns"]
        assert re.search(pattern.strip("/"), path)
        assert not re.search(pattern.strip("/"), f"{path}.orig")


def test_versions_and_builds_are_read_from_the_feeds_one_list() -> None:
    """The feed has one release for each build of each version: ``3.12.11+20250818``."""
    version = re.search(VERSIONS["extractVersionTemplate"].replace("(?<", "(?P<"), "3.12.11+20250818")
    assert version is not None
    assert version["version"] == "3.12.11"
    template = BUILDS["extractVersionTemplate"].replace("{{{packageName}}}", "3.12.11").replace("(?<", "(?P<")
    build = re.search(template, "3.12.11+20250818")
    assert build is not None
    assert build["version"] == "20250818"
    assert re.search(template, "3.12.1+20250818") is None


@pytest.mark.slow
def test_renovates_validator(tmp_path: Path) -> None:
    if shutil.which("node") is None:
        pytest.skip("there is no node")
    modules = install_node_package("renovate@44", tmp_path)
    command = ["node", str(modules / ".bin" / "renovate-config-validator"), "--strict", "--no-global", str(PRESET)]
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Config validated successfully" in done.stdout
