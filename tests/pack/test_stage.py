"""The staged copy: its prefix is PBS's, its libraries are found relative to it, and the original is not changed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from provision.pack.contents import packed_files
from provision.pack.interpreter import Interpreter
from provision.pack.stage import PrefixNormalizer, StagedCopy, read_elf_dynamic, replace_search_paths, stage
from provision.relocate.sysconfig import parse_sysconfigdata
from tests.pack.samples import make_installation

needs_compiler = pytest.mark.skipif(
    shutil.which("cc") is None or sys.platform != "linux", reason="needs a compiler that makes ELF files"
)


def link_program(interpreter: Interpreter, *flags: str) -> None:
    """Give the installation a real program, and a real libpython that it needs."""
    library = interpreter.prefix / "lib"
    source = interpreter.prefix / "x.c"
    source.write_text("int answer(void) { return 42; }\n")
    soname = "libpython3.12.so.1.0"
    subprocess.run(
        ["cc", "-g", "-shared", "-fPIC", source, "-o", library / soname, f"-Wl,-soname,{soname}"], check=True
    )
    source.write_text("int answer(void);\nint main(void) { return answer() != 42; }\n")
    command = ["cc", source, "-o", interpreter.executable, "-L", library, "-l:libpython3.12.so", *flags]
    subprocess.run([str(word) for word in command], check=True)


def staged(interpreter: Interpreter, root: Path, *, strip: bool = False) -> StagedCopy:
    return stage(interpreter, packed_files(interpreter, tests=False), root, strip=strip)


def test_text_is_rewritten_as_in_builds_of_pbs(tmp_path: Path) -> None:
    interpreter = make_installation(tmp_path / "prefix")
    root = tmp_path / "staged"
    staged(interpreter, root)
    assert (root / "bin/pydoc3.12").read_text() == "#!/install/bin/python3.12\nimport pydoc\n"
    assert (root / "bin/python3.12-config").read_text() == '#!/bin/sh\nprefix="/install"\n'
    assert (root / "lib/pkgconfig/python-3.12.pc").read_text() == "prefix=/install\n"
    config = root / "lib/python3.12/config-3.12-x86_64-linux-gnu/Makefile"
    assert config.read_text() == "prefix=\t/install\n"
    data = root / "lib/python3.12/_sysconfigdata__linux_x86_64-linux-gnu.py"
    assert data.read_text() == "build_time_vars = {'prefix': '/install'}\n"


@needs_compiler
def test_the_original_is_unchanged(tmp_path: Path) -> None:
    interpreter = make_installation(tmp_path / "prefix")
    link_program(interpreter, f"-Wl,-rpath,{interpreter.prefix}/lib")
    before = {path: path.read_bytes() for path in interpreter.prefix.rglob("*") if path.is_file()}
    staged(interpreter, tmp_path / "staged", strip=True)
    assert before == {path: path.read_bytes() for path in interpreter.prefix.rglob("*") if path.is_file()}


@needs_compiler
def test_a_program_that_searched_the_prefix_searches_relative_to_itself(tmp_path: Path) -> None:
    interpreter = make_installation(tmp_path / "prefix")
    link_program(interpreter, f"-Wl,-rpath,{interpreter.prefix}/lib")
    result = staged(interpreter, tmp_path / "staged", strip=shutil.which("strip") is not None)
    assert result == StagedCopy()

    shutil.rmtree(interpreter.prefix)
    program = tmp_path / "staged" / "bin" / "python3.12"
    subprocess.run([program], check=True)
    dynamic = read_elf_dynamic(program.read_bytes())
    assert dynamic is not None
    assert [text for _, text in dynamic.search_paths] == ["$ORIGIN/../lib"]


@needs_compiler
def test_a_program_that_relies_on_the_systems_search_path_cannot_be_relocated(tmp_path: Path) -> None:
    interpreter = make_installation(tmp_path / "prefix")
    link_program(interpreter)
    result = staged(interpreter, tmp_path / "staged")
    assert "bin/python3.12 requires libpython3.12.so.1.0" in result.warnings[0]
    assert "cannot be relocated" in result.warnings[0]


@needs_compiler
def test_libraries_that_are_not_packed_are_listed(tmp_path: Path) -> None:
    interpreter = make_installation(tmp_path / "prefix")
    link_program(interpreter, f"-Wl,-rpath,{interpreter.prefix}/lib")
    subprocess.run(
        ["cc", "-shared", "-o", tmp_path / "liblocal.so", "-Wl,-soname,liblocal.so.1", "-x", "c", "/dev/null"],
        check=True,
    )
    flags = ["-Wl,--no-as-needed", tmp_path / "liblocal.so", f"-Wl,-rpath,{interpreter.prefix}/lib"]
    link_program(interpreter, *map(str, flags))
    assert staged(interpreter, tmp_path / "staged").requires == ("liblocal.so.1",)


SEARCH_PATH = "/opt/a/rather/long/place/lib"


def build(folder: Path, *flags: str, code: str = "int main(void) { return 0; }") -> Path:
    (folder / "x.c").write_text(code)
    subprocess.run(["cc", "x.c", "-o", "x", *flags], cwd=folder, check=True)
    return folder / "x"


@needs_compiler
@pytest.mark.parametrize("kind", ["--enable-new-dtags", "--disable-new-dtags"])  # RUNPATH, RPATH
def test_the_search_path_is_shortened_in_place(tmp_path: Path, kind: str) -> None:
    program = build(tmp_path, f"-Wl,{kind},-rpath,{SEARCH_PATH}:/other")
    before = program.read_bytes()
    dynamic = read_elf_dynamic(before)
    assert dynamic is not None
    assert [text for _, text in dynamic.search_paths] == [f"{SEARCH_PATH}:/other"]
    assert "libc.so.6" in dynamic.needed

    after, failed = replace_search_paths(before, lambda path: "$ORIGIN/../lib" if path == SEARCH_PATH else path)

    assert failed == ()
    assert len(after) == len(before)
    changed = read_elf_dynamic(after)
    assert changed is not None
    assert [text for _, text in changed.search_paths] == ["$ORIGIN/../lib:/other"]
    program.write_bytes(after)
    subprocess.run([program], check=True)


@needs_compiler
def test_a_path_too_short_for_the_new_one_is_reported_and_left(tmp_path: Path) -> None:
    data = build(tmp_path, "-Wl,-rpath,/p/lib").read_bytes()
    assert replace_search_paths(data, lambda _: "$ORIGIN/../lib") == (data, ("/p/lib",))


@needs_compiler
def test_a_path_whose_end_is_the_name_of_a_symbol_is_left(tmp_path: Path) -> None:
    """The linker stores ``lib`` once, as the end of the path; cutting the path would rename the symbol."""
    program = build(tmp_path, "-shared", "-fPIC", f"-Wl,-rpath,{SEARCH_PATH}", code="int lib(void) { return 1; }")
    data = program.read_bytes()
    assert replace_search_paths(data, lambda _: "$ORIGIN") == (data, (SEARCH_PATH,))


@needs_compiler
def test_a_file_without_a_search_path_is_unchanged(tmp_path: Path) -> None:
    data = build(tmp_path).read_bytes()
    assert replace_search_paths(data, lambda _: "$ORIGIN") == (data, ())
    assert replace_search_paths(b"#!/bin/sh\n", lambda _: "$ORIGIN") == (b"#!/bin/sh\n", ())


@needs_compiler
def test_a_dynamic_section_without_its_string_table_counts_as_none(tmp_path: Path) -> None:
    data = bytearray(build(tmp_path).read_bytes())
    for at in range(0, len(data), 8):
        if data[at : at + 8] == b"\5".ljust(8, b"\0"):  # DT_STRTAB, among other fives
            data[at] = 0x6F
    assert read_elf_dynamic(bytes(data)) is None


@example(cut=0, at=415, byte=128)  # an offset of more than 63 bits
@given(cut=st.integers(0, 4096), at=st.integers(0, 4096), byte=st.integers(0, 255))
def test_damaged_files_raise_nothing(cut: int, at: int, byte: int) -> None:
    data = bytearray(Path(sys.executable).resolve().read_bytes()[:4096])
    data[at % len(data)] = byte
    read_elf_dynamic(bytes(data[: len(data) - cut]))


OWN, SHARED = PrefixNormalizer("/root/.pyenv/versions/3.12.1"), PrefixNormalizer("/usr")


def test_a_dedicated_prefix_is_replaced_everywhere() -> None:
    assert OWN.text("LDFLAGS= -L/root/.pyenv/versions/3.12.1/lib -Wl,-rpath,/root/.pyenv/versions/3.12.1/lib\n") == (
        "LDFLAGS= -L/install/lib -Wl,-rpath,/install/lib\n"
    )
    assert OWN.sysconfigdata("build_time_vars = {'A': '-g '\n '-I/root/.pyenv/versions/3.12.1/include'}") == (
        "build_time_vars = {'A': '-g '\n '-I/install/include'}"
    )


def test_of_a_shared_prefix_only_derived_values_are_rewritten() -> None:
    text = (
        "INSTALL=\t/usr/bin/install -c\n"
        "prefix=\t\t/usr\n"
        "LIBDIR=\t\t/usr/lib/x86_64-linux-gnu\n"
        "MODULE__UUID_CFLAGS=-I/usr/include/uuid\n"
        "TZPATH=/usr/share/zoneinfo\n"
        "CONFIG_ARGS=\t '--prefix=/usr' '--libdir=/usr/lib' '--with-wheel-pkg-dir=/usr/share/python-wheels/'\n"
    )
    assert SHARED.text(text) == (
        "INSTALL=\t/usr/bin/install -c\n"
        "prefix=\t\t/install\n"
        "LIBDIR=\t\t/install/lib/x86_64-linux-gnu\n"
        "MODULE__UUID_CFLAGS=-I/usr/include/uuid\n"
        "TZPATH=/usr/share/zoneinfo\n"
        "CONFIG_ARGS=\t '--prefix=/install' '--libdir=/install/lib' '--with-wheel-pkg-dir=/usr/share/python-wheels/'\n"
    )


def test_of_a_shared_prefix_only_derived_values_of_sysconfigdata_are_rewritten() -> None:
    text = (
        "build_time_vars = {'BINDIR': '/usr/bin',\n"
        " 'CONFIG_ARGS': \"'--prefix=/usr' \"\n \"'CFLAGS=-I/usr/include'\",\n"
        " 'HAVE_FORK': 1,\n 'INSTALL': '/usr/bin/install -c',\n 'prefix': '/usr'}\n"
    )
    assert parse_sysconfigdata(SHARED.sysconfigdata(text)) == {
        "BINDIR": "/install/bin",
        "CONFIG_ARGS": "'--prefix=/install' 'CFLAGS=-I/usr/include'",
        "HAVE_FORK": 1,
        "INSTALL": "/usr/bin/install -c",
        "prefix": "/install",
    }


def test_a_script_keeps_all_but_its_first_line() -> None:
    assert SHARED.script("#!/usr/bin/python3.11\nopen('/usr/lib')\n") == "#!/install/bin/python3.11\nopen('/usr/lib')\n"
    assert SHARED.script("open('/usr/lib')\n") == "open('/usr/lib')\n"
