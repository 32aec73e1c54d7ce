"""Trees for container images: no `EXTERNALLY-MANAGED`, and a store that works where it is copied to."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import Offer
from tests.support.builds import Build
from tests.support.project import Project

INSTALL = ("-m", "pip", "install", "--no-index", "--disable-pip-version-check", "nothing-of-this-name")


def declare(offer: Offer, build: Build, more: str = "") -> Project:
    return offer([build], f"image = {build.entry.removesuffix(' }')}{more} }}")


def pip(python: Path) -> str:
    """pip's answer to a request that it may refuse for two reasons, of which the marker comes first."""
    done = subprocess.run([python, "-B", *INSTALL], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    return done.stderr


@pytest.mark.slow
def test_externally_managed_is_written_by_default_and_is_part_of_key_and_digest(
    offer: Offer, builds: tuple[Build, ...]
) -> None:
    rows = []
    for more, marked in (("", True), (", externally-managed = false", False)):
        project = declare(offer, builds[0], more)
        (row,) = project.run("sync", "--json").document()["installed"]
        rows.append(row)
        python = Path(project.run("which", "image", "--store").out.strip())
        assert bool(list(python.parent.parent.glob("lib/python3*/EXTERNALLY-MANAGED"))) is marked
        assert ("externally-managed-environment" in pip(python)) is marked
    with_it, without = rows
    assert with_it["key"] != without["key"]
    assert with_it["tree-digest"] != without["tree-digest"]
    assert "externally-managed = false" in offer.project.lock.read_text()


@pytest.mark.slow
def test_a_copied_home_works(offer: Offer, builds: tuple[Build, ...], tmp_path: Path) -> None:
    """As in a Dockerfile with several stages: synced in one, copied into another, and not downloaded again."""
    project = declare(offer, builds[0])
    project.run("sync", "--home", tmp_path / "stage one")
    target = tmp_path / "image" / "opt" / "pythons"
    shutil.move(tmp_path / "stage one", target)
    asked = len(offer.server.requests)
    python = project.run("which", "image", "--store", "--home", target).out.strip()
    assert Path(python).is_relative_to(target)
    script = "import sys, sysconfig, ssl; print(sys.prefix, sysconfig.get_config_var('prefix'), sep='\\n')"
    said = subprocess.run([python, "-I", "-c", script], capture_output=True, text=True, check=True).stdout.split("\n")
    assert said[:2] == [str(Path(python).parent.parent)] * 2
    assert "to install" not in project.run("plan", "--home", target).err
    project.run("verify", "--store", "--home", target)
    assert len(offer.server.requests) == asked
