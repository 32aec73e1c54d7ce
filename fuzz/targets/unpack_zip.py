"""Any zip file: refused without a trace outside, or unpacked as `zipfile` does."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path

from hypothesis import strategies as st

from fuzz.mutations import mutated
from fuzz.target import Target
from provision.errors import IntegrityError
from tests.unpack import archives as build

_ASSET = build.asset_of("zip", implementation="pypy")

_PARTS = [b"a", b"b", b"lib", "é".encode()]
_ODD_PARTS = [b"..", b".", b"", b"y" * 256, b"C:", b"a\\b", b"\n"]
_plain = st.lists(st.sampled_from(_PARTS), min_size=1, max_size=3).map(b"/".join)
_odd = st.lists(st.sampled_from(_PARTS + _ODD_PARTS), max_size=4).map(b"/".join)
_names = st.one_of(_plain.map(lambda path: b"pypy/" + path), _odd.map(lambda path: b"pypy/" + path), _odd)
_contents = st.binary(max_size=30) | st.integers(500, 1600).map(lambda size: b"x" * size)

_sound = st.builds(
    build.Zipped,
    name=_plain.map(lambda path: b"pypy/" + path),
    content=_contents,
    mode=st.sampled_from([0o100644, 0o100755, 0, 0o644]),
    deflate=st.booleans(),
    descriptor=st.booleans(),
    flags=st.sampled_from([0, 1 << 11, 2]),
    extra=st.sampled_from([b"", b"\x55\x54\x05\x00" + bytes(5)]),
)
_odd_members = st.builds(
    build.Zipped,
    name=_names | _names.map(lambda name: name + b"/"),
    content=_contents,
    mode=st.sampled_from([0o100644, 0o040755, 0o120777, 0o010644]),
    flags=st.sampled_from([0, 0, 1]),
    extra=st.sampled_from([b"", b"\x01\x00\x00\x00"]),
)
_zips = st.lists(_sound, min_size=1, max_size=4).map(lambda members: build.zip_file(*members))
_odd_zips = st.lists(_sound | _odd_members, max_size=4).map(lambda members: build.zip_file(*members))


def check(data: bytes) -> None:
    if not data.startswith(b"PK\x03\x04"):
        return
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory, "work")
        work.mkdir()
        try:
            unpacked = build.unpack_bytes(data, work, asset=_ASSET, file_system=build.LINUX)
        except IntegrityError:
            unpacked = None
        assert [path.name for path in Path(directory).iterdir()] == ["work"]
        assert {path.name for path in work.iterdir()} == {"archive", "tree"}
        if unpacked is None:
            return
        files = {path for path, entry in unpacked.entries.items() if entry.kind == "file"}
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for info in archive.infolist():
                path = info.filename.removeprefix("./").partition("/")[2]
                if path in files:
                    files.remove(path)
                    assert archive.read(info) == (work / "tree" / path).read_bytes()
        assert not files, "there are files that zipfile does not see"


TARGET = Target(inputs=_zips | _odd_zips | mutated(_zips) | mutated(_odd_zips), check=check)
