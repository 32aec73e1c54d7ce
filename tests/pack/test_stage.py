from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from provision.install.pack.elf import read_dynamic
from provision.pack.contents import members
from provision.pack.interpreter import Interpreter
from provision.pack.stage import Staged, stage
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


def staged(interpreter: Interpreter, root: Path, *, strip: bool = False) -> Staged:
    return stage(interpreter, members(interpreter, tests=False), root, strip=strip)


def test_text_is_rewritten_as_a_build_of_pbs_has_it(tmp_path: Path) -> None:
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
def test_the_original_stays_as_it_is(tmp_path: Path) -> None:
    interpreter = make_installation(tmp_path / "prefix")
    link_program(interpreter, f"-Wl,-rpath,{interpreter.prefix}/lib")
    before = {path: path.read_bytes() for path in interpreter.prefix.rglob("*") if path.is_file()}
    staged(interpreter, tmp_path / "staged", strip=True)
    assert before == {path: path.read_bytes() for path in interpreter.prefix.rglob("*") if path.is_file()}


@needs_compiler
def test_a_program_told_to_look_in_the_prefix_looks_beside_itself(tmp_path: Path) -> None:
    interpreter = make_installation(tmp_path / "prefix")
    link_program(interpreter, f"-Wl,-rpath,{interpreter.prefix}/lib")
    result = staged(interpreter, tmp_path / "staged", strip=shutil.which("strip") is not None)
    assert result == Staged()

    shutil.rmtree(interpreter.prefix)
    program = tmp_path / "staged" / "bin" / "python3.12"
    subprocess.run([program], check=True)
    dynamic = read_dynamic(program.read_bytes())
    assert dynamic is not None
    assert [text for _, text in dynamic.search] == ["$ORIGIN/../lib"]


@needs_compiler
def test_a_program_that_relies_on_the_systems_search_path_cannot_be_relocated(tmp_path: Path) -> None:
    interpreter = make_installation(tmp_path / "prefix")
    link_program(interpreter)
    result = staged(interpreter, tmp_path / "staged")
    assert "bin/python3.12 needs libpython3.12.so.1.0" in result.warnings[0]
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
