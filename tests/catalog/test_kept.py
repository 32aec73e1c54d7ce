from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from provision.catalog.kept import NDJSON, REFRESHED, RULES, RULES_FACT, keep, load_cached, load_kept
from provision.catalog.snapshot_format import DamagedSnapshotError
from provision.catalog.snapshot_writer import write_snapshot
from provision.errors import StoreError
from tests.catalog.samples import stripped, upstream


def catalog(*builds: str, as_of: str = "2026-02-01T00:00:00Z", rules: str = RULES) -> bytes:
    assets = [upstream(stripped("3.14.2", build)) for build in builds]
    return write_snapshot(assets, as_of=as_of, facts={RULES_FACT: rules})


def test_what_was_kept_is_loaded(cache_dir: Path) -> None:
    keep(cache_dir / NDJSON, catalog("20260127"))
    kept = load_kept(cache_dir / NDJSON)
    assert kept is not None
    assert list(kept.all_assets()) == [upstream(stripped("3.14.2", "20260127"))]


def test_where_nothing_was_kept_nothing_is_loaded(cache_dir: Path) -> None:
    assert load_kept(cache_dir / NDJSON) is None
    assert load_cached(cache_dir) is None


def test_a_newer_catalog_takes_the_place_of_the_older_and_leaves_nothing_behind(cache_dir: Path) -> None:
    keep(cache_dir / NDJSON, catalog("20260127"))
    keep(cache_dir / NDJSON, catalog("20260203"))
    assert (cache_dir / NDJSON).read_bytes() == catalog("20260203")
    assert [path.name for path in cache_dir.iterdir()] == [NDJSON]


def test_the_refreshed_catalogs_are_one(cache_dir: Path) -> None:
    for name, build, as_of in zip(REFRESHED, ("20260127", "20260203"), ("2026-02-01", "2026-02-04"), strict=True):
        keep(cache_dir / name, catalog(build, as_of=as_of))
    cached = load_cached(cache_dir)
    assert cached is not None
    (version,) = cached.versions("cpython")
    assert cached.builds("cpython", version) == ("20260203", "20260127")
    assert cached.as_of == "2026-02-04"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "does not begin like a catalog"),
        (catalog("20260127")[:-1], "its checksum is wrong"),
        (catalog("20260127", rules="0"), "another version of provision wrote it"),
    ],
)
def test_an_unusable_file_is_left_out_and_noted(cache_dir: Path, data: bytes, reason: str) -> None:
    keep(cache_dir / NDJSON, data)
    with pytest.raises(DamagedSnapshotError, match=reason):
        load_kept(cache_dir / NDJSON)
    cached = load_cached(cache_dir)
    assert cached is not None
    assert cached.implementations() == ()
    (note,) = cached.notes
    assert str(cache_dir / NDJSON) in note
    assert reason in note


def test_a_folder_in_the_place_of_a_file_is_left_out_and_noted(cache_dir: Path) -> None:
    (cache_dir / NDJSON).mkdir(parents=True)
    with pytest.raises(DamagedSnapshotError, match="cannot be read"):
        load_kept(cache_dir / NDJSON)


def test_a_catalog_that_cannot_be_kept_is_an_error_and_the_old_one_stays(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(StoreError, match=r"the catalog cannot be kept in .*file"):
        keep(blocked / NDJSON, catalog("20260127"))
    assert blocked.read_text() == "in the way"


def test_what_a_killed_run_left_behind_goes_with_the_next_one(cache_dir: Path) -> None:
    keep(cache_dir / NDJSON, catalog("20260127"))
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        pass
    theirs, ours = (cache_dir / f".{NDJSON}.{pid}.0a1b2c3d.new" for pid in (dead.pid, os.getpid()))
    for part in (theirs, ours):
        part.write_bytes(b"half")
    keep(cache_dir / NDJSON, catalog("20260203"))
    assert set(cache_dir.iterdir()) == {ours, cache_dir / NDJSON}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
def test_nobody_else_may_write_what_is_kept_whatever_the_umask(cache_dir: Path) -> None:
    umask = os.umask(0)
    try:
        keep(cache_dir / NDJSON, catalog("20260127"))
    finally:
        os.umask(umask)
    for path in (cache_dir / NDJSON, cache_dir, cache_dir.parent):
        assert not path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)
