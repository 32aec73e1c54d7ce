"""A part and its checkpoint, what a later run may trust, and progress."""

from __future__ import annotations

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.errors import StoreError
from provision.fetch.part import AssetProgress, Checkpoint, PartFile
from tests.fetch.samples import RecordedProgress, content, digest

_DATA = content(5000)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "archives" / "sha256" / "abc"


def _opened(archive: Path) -> PartFile:
    part = PartFile(archive)
    part.open()
    return part


def _beside(archive: Path) -> list[str]:
    return sorted(path.name for path in archive.parent.iterdir())


def test_the_part_has_the_written_bytes_and_their_digest(archive: Path) -> None:
    part = _opened(archive)
    part.write(0, _DATA[:1000])
    part.update_digest(0, _DATA[:1000])
    part.write(3000, _DATA[3000:])
    part.write(1000, _DATA[1000:3000])
    assert part.digest(5000) == digest(_DATA)
    assert part.digest(10) == digest(_DATA[:10])
    assert part.digest(5000) == digest(_DATA)
    part.publish(5000)
    assert archive.read_bytes() == _DATA
    assert _beside(archive) == ["abc"]


def test_publishing_cuts_bytes_after_the_end(archive: Path) -> None:
    part = _opened(archive)
    part.write(0, _DATA)
    part.publish(100)
    assert archive.read_bytes() == _DATA[:100]


def test_a_later_run_resumes_at_the_checkpoint(archive: Path) -> None:
    checkpoint = Checkpoint(source="url", validator='"tag"', total=5000, head=1000, tail=5000)
    first = _opened(archive)
    first.write(0, _DATA[:1000])
    first.save(checkpoint)
    first.suspend()
    second = _opened(archive)
    assert second.checkpoint == checkpoint
    second.write(1000, _DATA[1000:])
    assert second.digest(5000) == digest(_DATA)
    second.close()


def test_a_part_without_checkpoint_is_started_over(archive: Path) -> None:
    first = _opened(archive)
    first.write(0, _DATA)
    first.close()
    second = _opened(archive)
    assert second.checkpoint == Checkpoint()
    assert second.path.stat().st_size == 0
    second.close()


@pytest.mark.parametrize(
    "checkpoint",
    [
        Checkpoint(head=5001),
        Checkpoint(head=1000, tail=4000, total=6000),
    ],
)
def test_a_part_shorter_than_its_checkpoint_is_started_over(archive: Path, checkpoint: Checkpoint) -> None:
    first = _opened(archive)
    first.write(0, _DATA)
    first.save(checkpoint)
    first.close()
    second = _opened(archive)
    assert second.checkpoint == Checkpoint()
    second.close()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}}",
        b'{"head": -1}',
        b'{"head": true}',
        b'{"head": 1.5}',
        b'{"head": "1"}',
        b'{"head": 5, "tail": 4, "total": 6}',
        b'{"head": 1, "tail": 4}',
        b'{"head": 1, "total": 4}',
        b'{"source": 1}',
        b'{"validator": "a\\r\\nX-Evil: 1"}',
        b'{"unknown": 1}',
        b"\xff",
        b"[" * 3000,
    ],
)
def test_an_invalid_checkpoint_is_none(content: bytes) -> None:
    assert Checkpoint.parse(content) is None


@settings(deadline=None, max_examples=40)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["head", "tail", "total", "source", "validator", "x"]), inner)
        ),
    )
)
def test_no_json_breaks_reading_a_checkpoint(value: object) -> None:
    checkpoint = Checkpoint.parse(json.dumps(value).encode())
    assert checkpoint is None or 0 <= checkpoint.head <= (checkpoint.tail or checkpoint.head) <= (
        checkpoint.total or checkpoint.head
    )


def test_an_empty_part_is_removed(archive: Path) -> None:
    part = _opened(archive)
    part.suspend()
    assert _beside(archive) == []


def test_restarting_discards_all_bytes(archive: Path) -> None:
    part = _opened(archive)
    part.write(0, _DATA)
    part.update_digest(0, _DATA)
    part.save(Checkpoint(head=5000))
    part.restart()
    assert part.checkpoint == Checkpoint()
    assert _beside(archive) == ["abc.part"]
    part.write(0, b"new")
    assert part.digest(3) == digest(b"new")
    part.discard()
    assert _beside(archive) == []


@pytest.mark.skipif(os.name == "nt", reason="modes of Unix")
@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_under_any_umask_only_the_owner_can_write_a_part(archive: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        part = _opened(archive)
        part.save(Checkpoint(head=0))
        modes = [stat.S_IMODE(path.stat().st_mode) for path in (archive.parent, *archive.parent.iterdir())]
        part.close()
    finally:
        os.umask(before)
    assert not any(mode & 0o022 for mode in modes)


@pytest.mark.skipif(os.name == "nt", reason="links of Unix")
def test_a_link_in_its_place_is_not_followed(archive: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    archive.parent.mkdir(parents=True)
    archive.with_name("abc.part").symlink_to(victim)
    with pytest.raises(StoreError, match="symbolic link"):
        _opened(archive)
    assert victim.read_text() == "mine"


def test_a_cache_that_cannot_be_written_is_a_store_error(archive: Path) -> None:
    archive.parent.parent.mkdir(parents=True)
    archive.parent.write_text("a file")
    with pytest.raises(StoreError, match="write a download"):
        _opened(archive)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_a_store_error(archive: Path) -> None:
    part = _opened(archive)
    full = os.open("/dev/full", os.O_RDWR)
    os.dup2(full, part._open_descriptor)
    os.close(full)
    with pytest.raises(StoreError, match="disk is full"):
        part.write(0, _DATA)
    part.close()


def test_progress_is_reported_from_start_to_end() -> None:
    record = RecordedProgress()
    progress = AssetProgress(record, key="k", title="cpython 3.14")
    progress.begin(100, 40)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(progress.add, [10] * 6))
    progress.end()
    assert record.steps == [("cpython 3.14: fetch", 100)]
    assert record.done == {"k": 100}
    assert record.finished == ["k"]
    assert progress.received == 60


def test_starting_over_resets_progress_but_not_the_received_bytes() -> None:
    record = RecordedProgress()
    progress = AssetProgress(record, key="k", title="t")
    progress.begin(None, 0)
    progress.add(50)
    progress.begin(100, 0)
    assert record.done == {"k": 0}
    progress.add(30)
    progress.take_back(20)
    assert record.done == {"k": 10}
    assert progress.received == 80
