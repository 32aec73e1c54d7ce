"""Names that are one where case is ignored: what PBS's builds really have of them, and what becomes of it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from provision.install.unpack.building import Building
from provision.install.unpack.destination import Destination
from provision.model.target import Target
from provision.model.value import replace
from provision.unpack.limits import Limits
from provision.unpack.unpack import unpack
from tests.install.interpreters import describe
from tests.support.builds import ready_made


def pieces(seen: list[bytes], *contents: bytes) -> Iterator[memoryview]:
    for content in contents:
        seen.append(content)
        yield memoryview(content)


def test_the_content_of_what_collides_is_read_to_its_end_and_written_nowhere(tmp_path: Path) -> None:
    seen: list[bytes] = []
    with closing(Building(tmp_path, Destination.of(tmp_path), fold=True)) as tree:
        tree.file("share/terminfo/2/2621A", 0o664, pieces(seen, b"upper"))
        tree.file("share/terminfo/2/2621a", 0o664, pieces(seen, b"lo", b"wer"))
        tree.finish(lambda path: False)
    assert seen == [b"upper", b"lo", b"wer"]
    assert [collision.path for collision in tree.collisions] == ["share/terminfo/2/2621a"]
    assert [path.name for path in tmp_path.rglob("2621*")] == ["2621A"]
    assert (tmp_path / "share/terminfo/2/2621A").read_bytes() == b"upper"


@pytest.mark.skipif(not ready_made(), reason="needs builds with PBS's terminal descriptions")
def test_a_real_build_fits_a_file_system_that_ignores_case(tmp_path: Path) -> None:
    archive = ready_made()[-1].archive
    mac = replace(describe(archive), target=Target.parse("macos-aarch64"))
    unpacked = unpack(archive, tmp_path, asset=mac, extras=None, limits=Limits(), without=())
    paths = [path for path, entry in unpacked.entries.items() if entry.kind != "dir"]
    assert len({path.lower() for path in paths}) == len(paths)
    assert ": 25; the first is 'share/terminfo/2/2621a'" in unpacked.notes[0]
    folded = {path.lower() for path in unpacked.entries}
    for path, entry in unpacked.entries.items():
        if entry.kind == "link":
            assert posixpath.normpath(f"{posixpath.dirname(path)}/{entry.content}").lower() in folded, path
