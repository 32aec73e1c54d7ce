from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.install.pack.elf import read_dynamic, redirect

pytestmark = pytest.mark.skipif(
    shutil.which("cc") is None or sys.platform != "linux", reason="needs a compiler that makes ELF files"
)
PLACE = "/opt/a/rather/long/place/lib"


def build(folder: Path, *flags: str, code: str = "int main(void) { return 0; }") -> Path:
    (folder / "x.c").write_text(code)
    subprocess.run(["cc", "x.c", "-o", "x", *flags], cwd=folder, check=True)
    return folder / "x"


@pytest.mark.parametrize("kind", ["--enable-new-dtags", "--disable-new-dtags"])  # RUNPATH, RPATH
def test_the_search_path_is_shortened_in_place(tmp_path: Path, kind: str) -> None:
    program = build(tmp_path, f"-Wl,{kind},-rpath,{PLACE}:/other")
    before = program.read_bytes()
    dynamic = read_dynamic(before)
    assert dynamic is not None
    assert [text for _, text in dynamic.search] == [f"{PLACE}:/other"]
    assert "libc.so.6" in dynamic.needed

    after, failed = redirect(before, lambda place: "$ORIGIN/../lib" if place == PLACE else place)

    assert failed == ()
    assert len(after) == len(before)
    redirected = read_dynamic(after)
    assert redirected is not None
    assert [text for _, text in redirected.search] == ["$ORIGIN/../lib:/other"]
    program.write_bytes(after)
    subprocess.run([program], check=True)


def test_a_path_too_short_for_the_new_one_is_reported_and_left(tmp_path: Path) -> None:
    data = build(tmp_path, "-Wl,-rpath,/p/lib").read_bytes()
    assert redirect(data, lambda _: "$ORIGIN/../lib") == (data, ("/p/lib",))


def test_a_path_whose_end_is_the_name_of_a_symbol_is_left(tmp_path: Path) -> None:
    """The linker stores ``lib`` once, as the end of the path; cutting the path would rename the symbol."""
    program = build(tmp_path, "-shared", "-fPIC", f"-Wl,-rpath,{PLACE}", code="int lib(void) { return 1; }")
    data = program.read_bytes()
    assert redirect(data, lambda _: "$ORIGIN") == (data, (PLACE,))


def test_what_has_no_search_path_stays(tmp_path: Path) -> None:
    data = build(tmp_path).read_bytes()
    assert redirect(data, lambda _: "$ORIGIN") == (data, ())
    assert redirect(b"#!/bin/sh\n", lambda _: "$ORIGIN") == (b"#!/bin/sh\n", ())


def test_a_dynamic_section_without_its_strings_is_none(tmp_path: Path) -> None:
    data = bytearray(build(tmp_path).read_bytes())
    for at in range(0, len(data), 8):
        if data[at : at + 8] == b"\5".ljust(8, b"\0"):  # DT_STRTAB, among other fives
            data[at] = 0x6F
    assert read_dynamic(bytes(data)) is None


@given(cut=st.integers(0, 4096), at=st.integers(0, 4096), byte=st.integers(0, 255))
def test_damaged_files_are_no_files_and_no_crash(cut: int, at: int, byte: int) -> None:
    data = bytearray(Path(sys.executable).resolve().read_bytes()[:4096])
    data[at % len(data)] = byte
    read_dynamic(bytes(data[: len(data) - cut]))
