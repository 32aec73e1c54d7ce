"""An image layout that several runs write to, at the same time or after one that was killed."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from provision.errors import UsageError
from provision.fleet.image_layout import ImageLayout
from provision.host.files import temporary_path
from provision.model.oci import MANIFEST, REF_NAME
from tests.support.together import run_together


def test_no_name_is_lost_when_several_runs_name_images(tmp_path: Path) -> None:
    names = [f"image-{number}" for number in range(40)]

    def run(name: str) -> None:
        layout = ImageLayout(tmp_path / "layout")
        layout.prepare()
        layout.name(layout.add(name.encode(), MANIFEST), name)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(run, names))
    assert sorted(each.annotations[REF_NAME] for each in ImageLayout(tmp_path / "layout").images()) == sorted(names)
    assert {path.name for path in (tmp_path / "layout").iterdir()} == {"oci-layout", "index.json", "blobs"}


def test_runs_that_begin_together_all_find_a_usable_directory(tmp_path: Path) -> None:
    for attempt in range(100):
        run_together(*[ImageLayout(tmp_path / str(attempt)).prepare] * 8)


def test_a_directory_that_another_run_makes_a_layout_is_not_foreign(tmp_path: Path) -> None:
    temporary_path(tmp_path / "oci-layout").touch()
    ImageLayout(tmp_path).check()
    (tmp_path / ".other").touch()
    with pytest.raises(UsageError, match="expected a new directory or an OCI image layout"):
        ImageLayout(tmp_path).check()


def test_the_next_run_removes_leftovers_of_a_killed_one(tmp_path: Path) -> None:
    layout = ImageLayout(tmp_path / "layout")
    layout.prepare()
    layout.add(b"kept", MANIFEST)
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    left = tmp_path / "layout" / "blobs" / "sha256" / f".blob.{ended.pid}.0a1b2c3d.new"
    left.touch()
    layout.prepare()
    assert not left.exists()
    assert len(list(left.parent.iterdir())) == 1
