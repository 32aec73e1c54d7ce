"""Archives are found by their sha256; only plain files count, and cleaning skips those in use."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest

from provision.errors import LockTimeoutError, StoreError
from provision.model.asset import Digest
from provision.store.archives import ArchiveCache


def put(cache: ArchiveCache, content: bytes) -> Digest:
    digest = Digest(hashlib.sha256(content).hexdigest())
    cache.prepare()
    cache.path(digest).write_bytes(content)
    return digest


@pytest.fixture
def cache(tmp_path: Path) -> ArchiveCache:
    return ArchiveCache(tmp_path / "cache")


def test_archives_are_stored_under_their_sha256() -> None:
    digest = Digest("0" * 64)
    cache = ArchiveCache(Path("/cache/provision"))
    assert cache.path(digest) == Path("/cache/provision/archives/sha256") / digest.hex
    assert cache.partial(digest).name == f"{digest.hex}.part"


def test_the_cache_has_the_archives_that_were_added(cache: ArchiveCache) -> None:
    digest = put(cache, b"archive")
    assert cache.has(digest)
    assert not cache.has(Digest("0" * 64))


def test_a_link_or_a_directory_is_not_a_cached_archive(cache: ArchiveCache, tmp_path: Path) -> None:
    digest = put(cache, b"archive")
    cache.path(digest).rename(tmp_path / "elsewhere")
    cache.path(digest).symlink_to(tmp_path / "elsewhere")
    assert not cache.has(digest)
    cache.path(digest).unlink()
    cache.path(digest).mkdir()
    assert not cache.has(digest)


def test_a_missing_cache_is_empty(cache: ArchiveCache) -> None:
    assert cache.size() == 0
    assert cache.clean() == 0
    assert not cache.has(Digest("0" * 64))
    cache.evict(Digest("0" * 64))
    assert not cache.root.exists()


def test_evicting_an_archive_also_removes_its_partial_download(cache: ArchiveCache) -> None:
    digest, other = put(cache, b"archive"), put(cache, b"other")
    cache.partial(digest).write_bytes(b"half")
    cache.partial(digest).with_suffix(".part.json").write_bytes(b"{}")
    with cache.lock(digest):
        cache.evict(digest)
    assert [path.name for path in cache.directory.iterdir()] == [other.hex]


def test_cleaning_keeps_the_given_archives(cache: ArchiveCache) -> None:
    kept, gone = put(cache, b"kept"), put(cache, b"gone!")
    cache.partial(kept).write_bytes(b"half")
    cache.partial(Digest("f" * 64)).write_bytes(b"stale")
    assert cache.size() == 4 + 5 + 4 + 5
    assert cache.clean(keep=[kept]) == 5 + 4 + 5
    assert [path.name for path in cache.directory.iterdir()] == [kept.hex]
    assert not cache.has(gone)
    assert cache.clean() == 4
    assert cache.size() == 0


def test_cleaning_leaves_running_downloads_and_foreign_files_alone(cache: ArchiveCache) -> None:
    digest = put(cache, b"archive")
    (cache.directory / "notes.txt").write_text("mine")
    with cache.lock(digest):
        assert cache.clean() == 0
    assert cache.has(digest)
    cache.clean()
    assert [path.name for path in cache.directory.iterdir()] == ["notes.txt"]


def test_one_process_downloads_and_the_others_wait(cache: ArchiveCache) -> None:
    digest = Digest("ab" * 32)
    with (
        cache.lock(digest),
        pytest.raises(LockTimeoutError, match="the archive abababababab… is in use by"),
        cache.lock(digest, timeout=0),
    ):
        pass


def test_no_umask_makes_a_cache_writable_for_others(cache: ArchiveCache) -> None:
    before = os.umask(0)
    try:
        cache.prepare()
        with cache.lock(Digest("0" * 64)):
            pass
    finally:
        os.umask(before)
    for path in (cache.root, *cache.root.rglob("*")):
        assert not path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH), path


def test_a_file_in_place_of_the_cache_is_reported(cache: ArchiveCache) -> None:
    cache.root.touch()
    with pytest.raises(StoreError, match=r"cannot make the cache: .*: a file is where a directory should be"):
        cache.prepare()
