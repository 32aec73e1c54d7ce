"""The sdist and the wheel, built once: the wheel from the unpacked sdist, as a package index's users would."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integrations.projects import ROOT


@dataclass(frozen=True)
class Distributions:
    """Files of a release, and the folder into which the sdist was unpacked."""

    sdist: Path
    wheel: Path
    sources: Path

    @property
    def index(self) -> Path:
        """A directory with the wheel, for ``--find-links``."""
        return self.wheel.parent


def build(sources: Path, target: str, folder: Path) -> Path:
    """Build the ``sdist`` or the ``wheel`` of a source tree by its backend."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(folder)]
    subprocess.run(command, cwd=sources, check=True, capture_output=True)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Distributions:
    folder = tmp_path_factory.mktemp("distributions")
    sdist = build(ROOT, "sdist", folder / "sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    sources = folder / sdist.name.removesuffix(".tar.gz")
    return Distributions(sdist, build(sources, "wheel", folder / "wheel"), sources)
