"""Any tar file: refused without a trace outside, or unpacked as `tarfile` does, whose own filter must not object."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import tempfile
from pathlib import Path

from hypothesis import strategies as st

from fuzz.mutations import mutated
from fuzz.target import Target
from provision.errors import IntegrityError
from provision.unpack.tar import BLOCK, checksum_of
from provision.unpack.unpack import Unpacked
from tests.unpack import archives as build

# Few names, so that members collide: the same one twice, one below another, links to existing ones.
_PARTS = [b"a", b"b", b"bin", b"lib", b"A", "é".encode(), b"caf\xe9"]
_ODD_PARTS = [b"..", b".", b"", b"x" * 101, b"y" * 256, b"C:", b"a\\b", b"\n"]
_plain = st.lists(st.sampled_from(_PARTS), min_size=1, max_size=3).map(b"/".join)
_odd = st.lists(st.sampled_from(_PARTS + _ODD_PARTS), max_size=4).map(b"/".join)
_names = st.one_of(
    _plain.map(lambda path: b"python/" + path),
    _plain.map(lambda path: b"python/" + path),
    _odd.map(lambda path: b"python/" + path),
    _odd,
    _odd.map(lambda path: b"/" + path),
)
_targets = st.one_of(_plain, _plain.map(lambda path: b"../" + path), _odd, _names)
_contents = st.binary(max_size=30) | st.integers(500, 1600).map(lambda size: b"x" * size)
_modes = st.sampled_from([0o644, 0o664, 0o755, 0o775, 0o4755, 0o000, 0o001, 0o7777])
_magic = st.sampled_from([build.POSIX, build.GNU])

_python = _plain.map(lambda path: b"python/" + path)
_inside = _plain | _plain.map(lambda path: b"../" + path)

_sound = st.one_of(
    st.builds(lambda name, content, mode: build.file(name, content, mode=mode), _python, _contents, _modes),
    st.builds(lambda name, content, magic: build.file(name, content, magic=magic), _python, _contents, _magic),
    st.builds(build.link, _python, _inside),
    st.builds(build.hard_link, _python, _python),
    st.builds(build.directory, _python, _modes),
    st.builds(lambda name: build.long_name(name) + build.file(b"cut", b"long"), _python),
    st.builds(lambda name: build.pax((b"path", name), (b"mtime", b"1.5")) + build.file(b"cut", b"pax"), _python),
)
_odd_members = st.one_of(
    st.builds(build.file, _names, _contents),
    st.builds(build.link, _names, _targets),
    st.builds(build.hard_link, _names, _names),
    st.builds(build.directory, _names, _modes),
    st.builds(lambda name, member: build.long_name(name) + member, _names, _names.map(build.file)),
    st.builds(lambda name, member: build.pax((b"path", name)) + member, _names, _names.map(build.file)),
    st.builds(lambda target, name: build.pax((b"linkpath", target)) + build.link(name, b"cut"), _targets, _names),
    st.builds(lambda size, name: build.pax((b"size", b"%d" % size)) + build.file(name), st.integers(0, 9), _names),
    st.builds(build.header, _names, st.sampled_from([b"\0", b"3", b"6", b"7", b"S", b"g", b"?"])),
)
_tars = st.lists(_sound, min_size=1, max_size=6).map(lambda members: build.tar(*members))
_odd_tars = st.builds(
    lambda before, odd, behind: build.tar(*before, odd, *behind),
    st.lists(_sound, max_size=4),
    _odd_members,
    st.lists(_sound, max_size=2),
)


def _mended(data: bytes) -> bytes:
    """Every block that looks like a header gets a valid checksum, so that damage gets past it."""
    blocks = [data[at : at + BLOCK] for at in range(0, len(data), BLOCK)]
    return b"".join(
        block[:148] + b"%06o\0 " % checksum_of(block) + block[156:] if block[257:262] == b"ustar" else block
        for block in blocks
    )


def check(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as directory:
        ours, theirs = Path(directory, "ours"), Path(directory, "theirs")
        ours.mkdir()
        unpacked = _ours(data, ours)
        left = {path.name for path in Path(directory).iterdir()} | {path.name for path in ours.iterdir()}
        assert left == {"ours", "archive", "tree"}, "something was written outside of the tree"
        if unpacked is not None:
            _compare(unpacked, ours / "tree", data, theirs)


def _ours(data: bytes, work: Path) -> Unpacked | None:
    try:
        unpacked = build.unpack_bytes(gzip.compress(data, 1), work, file_system=build.LINUX)
    except IntegrityError:
        links = [path for path in work.rglob("*") if path.is_symlink()]
        assert not links, "a link was made although the archive was refused"
        return None
    root = os.path.realpath(work / "tree")
    for path in (work / "tree").rglob("*"):
        assert os.path.realpath(path).startswith(root), "a link leads out of the tree"
    return unpacked


def _compare(unpacked: Unpacked, tree: Path, data: bytes, theirs: Path) -> None:
    modes = {}
    theirs.mkdir()
    try:
        with tarfile.open(fileobj=io.BytesIO(data), encoding="utf-8", errors="surrogateescape") as archive:
            for member in archive:
                modes[member.name.removeprefix("./")] = member.mode
                archive.extract(member, theirs, filter="data")
    except tarfile.FilterError as error:
        raise AssertionError("we accepted what the data filter refuses") from error
    except (tarfile.TarError, OverflowError):
        pass  # for a field that we do not read: an owner, a time
    for path in (theirs / "python").rglob("*"):
        name = str(path.relative_to(theirs / "python"))
        assert unpacked.entries[name].kind == ("link" if path.is_symlink() else "file" if path.is_file() else "dir")
        if path.is_symlink():
            assert path.readlink() == (tree / name).readlink() == Path(unpacked.entries[name].content)
        elif path.is_file():
            assert path.read_bytes() == (tree / name).read_bytes()
            executable = modes.get(f"python/{name}", 0) & 0o111
            if path.stat().st_nlink == 1:  # a hard link has the mode of its target, wherever that is
                assert unpacked.entries[name].mode == (0o755 if executable else 0o644)


TARGET = Target(inputs=_tars | _odd_tars | mutated(_tars) | mutated(_odd_tars).map(_mended), check=check)
