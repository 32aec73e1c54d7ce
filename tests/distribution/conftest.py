"""The sdist and the wheel, built once: the wheel from the unpacked sdist, as a package index's users would."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from provision.host.distribution import DISTRIBUTION
from tests.integrations.projects import ROOT
from tests.run import build


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


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Distributions:
    folder = tmp_path_factory.mktemp("distributions")
    sdist = build(ROOT, "sdist", folder / "sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    sources = folder / sdist.name.removesuffix(".tar.gz")
    return Distributions(sdist, build(sources, "wheel", folder / "wheel"), sources)


def run(*command: object, cwd: Path, **environ: object) -> str:
    """What a command prints; its environment has nothing that leads to this checkout."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PROVISION_", "PYTHON"))}
    env = kept | {name: str(value) for name, value in environ.items()}
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=env, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def environment(distributions: Distributions, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment into which the wheel was installed by its name."""
    folder = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    pip = (folder / "venv" / "bin" / "python", "-m", "pip", "install", "--quiet", "--find-links", distributions.index)
    run(*pip, DISTRIBUTION, cwd=folder)
    return folder / "venv"
