"""The archive of a staged tree: members as PBS writes them, and the same bytes each time."""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path

import pytest

from provision.host.files import temporary_path
from provision.host.zstd import zstd_module
from provision.pack.archive import license_of, python_json, write_archive
from provision.unpack.writer import MTIME
from tests.pack.samples import make_installation
from tests.relocate.samples import asset


@pytest.fixture
def staged(tmp_path: Path) -> Path:
    root = tmp_path / "staged"
    (root / "python" / "install" / "bin").mkdir(parents=True)
    (root / "python" / "PYTHON.json").write_text("{}")
    (root / "python" / "A").write_text("first by name")
    program = root / "python" / "install" / "bin" / "python3"
    program.write_text("program")
    program.chmod(0o700)
    (root / "python" / "install" / "bin" / "python").symlink_to("python3")
    return root


def content(archive: Path) -> bytes:
    data = archive.read_bytes()
    if archive.suffix == ".zst":
        unpacked: bytes = zstd_module().decompress(data)
        return unpacked
    return data


@pytest.mark.parametrize("suffix", [".tar.gz", ".tar.zst"])
def test_members_are_as_pbs_writes_them(staged: Path, tmp_path: Path, suffix: str) -> None:
    archive = tmp_path / f"a{suffix}"
    write_archive(staged, archive)
    with tarfile.open(fileobj=io.BytesIO(content(archive))) as tar:
        found = tar.getmembers()
    assert [member.name for member in found] == [
        "python/PYTHON.json",
        "python/A",
        "python/install/bin/python",
        "python/install/bin/python3",
    ]
    assert {(member.uid, member.gid, member.uname, member.mtime) for member in found} == {(0, 0, "", MTIME)}
    assert [member.mode for member in found] == [0o664, 0o664, 0o777, 0o775]
    assert found[2].linkname == "python3"
    assert not any(member.isdir() or member.pax_headers for member in found)


@pytest.mark.parametrize("suffix", [".tar.gz", ".tar.zst"])
def test_an_archive_does_not_depend_on_the_times_of_files(staged: Path, tmp_path: Path, suffix: str) -> None:
    one, another = tmp_path / f"one{suffix}", temporary_path(tmp_path / f"another{suffix}")
    write_archive(staged, one)
    for path in staged.rglob("*"):
        os.utime(path, (1, 1), follow_symlinks=False)
    write_archive(staged, another)
    assert one.read_bytes() == another.read_bytes()


def test_python_json_has_the_properties_of_the_installation(tmp_path: Path) -> None:
    interpreter = make_installation(tmp_path)
    described = json.loads(python_json(interpreter, asset(options="noopt", version="3.12.1"), "lib/python3.12"))
    assert described["version"] == "8"
    assert described["target_triple"] == "x86_64-unknown-linux-gnu"
    assert described["build_options"] == "noopt"
    assert described["python_version"] == "3.12.1"
    assert described["python_exe"] == "install/bin/python3.12"
    assert described["python_paths"] == {"stdlib": "install/lib/python3.12"}


def test_the_license_is_that_of_cpython(tmp_path: Path) -> None:
    interpreter = make_installation(tmp_path)
    path = license_of(interpreter)
    assert path is not None
    assert path.read_text() == "PSF\n"
    path.unlink()
    assert license_of(interpreter) is None
