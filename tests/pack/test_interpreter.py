"""An interpreter inspected: its paths, build options and target; and a packed one tried from another place."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from provision.errors import ProvisionError, UsageError
from provision.model.value import replace
from provision.pack.interpreter import inspect_interpreter, prove_relocatable, target_of
from tests.pack.samples import answers, elf_header, make_installation, make_program
from tests.support.interpreters import Installed


def test_the_paths_of_the_running_python_are_read() -> None:
    interpreter = inspect_interpreter(Path(sys.base_prefix))
    assert interpreter.prefix == Path(sys.base_prefix)
    assert (interpreter.stdlib / "os.py").is_file()
    assert (interpreter.include / "Python.h").is_file() == Path(sysconfig.get_path("include"), "Python.h").is_file()
    assert interpreter.executable.is_file()
    assert interpreter.name.startswith(f"python{sys.version_info[0]}.{sys.version_info[1]}")


def test_for_a_virtual_environment_its_base_is_packed(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    base = inspect_interpreter(Path(sys.base_prefix))
    assert inspect_interpreter(tmp_path / "venv") == base
    assert inspect_interpreter(tmp_path / "venv" / "bin" / "python") == base


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "noopt"),
        ({"CONFIG_ARGS": "'--enable-optimizations' '--with-lto'"}, "pgo+lto"),
        ({"CONFIG_ARGS": "'--with-lto=thin'"}, "lto"),
        ({"Py_DEBUG": "1"}, "debug"),
        ({"Py_GIL_DISABLED": "1", "CONFIG_ARGS": "'--enable-optimizations'"}, "freethreaded+pgo"),
    ],
)
def test_build_options_are_in_pbs_terms(tmp_path: Path, variables: dict[str, str], expected: str) -> None:
    program = make_program(tmp_path, answers(tmp_path, variables=variables))
    assert str(inspect_interpreter(program).options) == expected


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"implementation": "pypy"}, "only CPython can be packed"),
        ({"paths": {}}, "a Windows installation"),
    ],
)
def test_interpreters_that_cannot_be_packed_are_refused(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    make_program(tmp_path, answers(tmp_path, **changes))
    with pytest.raises(UsageError, match=message):
        inspect_interpreter(tmp_path)


def test_a_directory_without_a_working_python_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no Python at"):
        inspect_interpreter(tmp_path)
    program = make_program(tmp_path, {})
    program.write_text("#!/bin/sh\necho 'No module named encodings' >&2; exit 1\n")
    with pytest.raises(UsageError, match="fails with exit code 1: No module named encodings"):
        inspect_interpreter(tmp_path)


@pytest.mark.parametrize(
    ("printed", "message"),
    [
        ("Python 2.7.18 >&2", "is Python 2.7.18; only CPython 3.4 or newer can be packed"),
        ("Python 2.6.9+", "is Python 2.6.9+; only"),
        ("Python 3.3.7", "is Python 3.3.7; only"),
        ("Python 3.13.5", "fails with exit code 2: Unknown option: -I"),
        ("'perl 2.7'", "fails with exit code 2: Unknown option: -I"),
    ],
)
def test_a_python_that_is_too_old_is_named_by_its_version(tmp_path: Path, printed: str, message: str) -> None:
    program = make_program(tmp_path, {})
    refusal = "echo Unknown option: -I >&2; exit 2"
    program.write_text(f"#!/bin/sh\nif [ $1 = -V ]; then echo {printed}; else {refusal}; fi\n")
    with pytest.raises(UsageError, match=re.escape(message)):
        inspect_interpreter(tmp_path)


@pytest.mark.parametrize(
    ("data", "target"),
    [
        (elf_header(62), "x86_64-unknown-linux-gnu"),
        (elf_header(62, loader="/lib/ld-musl-x86_64.so.1"), "x86_64-unknown-linux-musl"),
        (elf_header(183), "aarch64-unknown-linux-gnu"),
        (elf_header(3, bits=32), "i686-unknown-linux-gnu"),
        (elf_header(40, bits=32, flags=0x5000400), "armv7-unknown-linux-gnueabihf"),
        (elf_header(40, bits=32, flags=0x5000200), "armv7-unknown-linux-gnueabi"),
        (elf_header(22), "s390x-unknown-linux-gnu"),
        (elf_header(243), "riscv64-unknown-linux-gnu"),
    ],
)
def test_the_target_is_read_from_the_program_itself(tmp_path: Path, data: bytes, target: str) -> None:
    interpreter = make_installation(tmp_path)
    interpreter.executable.write_bytes(data)
    assert str(target_of(interpreter)) == target


@pytest.mark.parametrize(("machine", "arch"), [("arm64", "aarch64"), ("x86_64", "x86_64")])
def test_on_a_mac_the_target_is_that_of_the_machine(tmp_path: Path, machine: str, arch: str) -> None:
    interpreter = make_installation(tmp_path, platform="darwin", machine=machine)
    assert str(target_of(interpreter)) == f"{arch}-apple-darwin"


def test_a_program_for_an_unknown_machine_is_refused(tmp_path: Path) -> None:
    interpreter = make_installation(tmp_path)
    interpreter.executable.write_bytes(elf_header(8))
    with pytest.raises(UsageError, match="machine-8-unknown-linux-gnu, a target that asset names cannot express"):
        target_of(interpreter)
    interpreter.executable.write_bytes(b"#!/bin/sh\n")
    with pytest.raises(UsageError, match="not a program for Linux or macOS"):
        target_of(interpreter)


def test_a_tree_that_needs_nothing_outside_of_it_has_no_findings(interpreter: Installed) -> None:
    assert prove_relocatable(interpreter.tree, interpreter.asset, inspect_interpreter(Path(sys.base_prefix))) == ()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a process has in memory")
def test_libraries_loaded_from_the_original_are_reported(interpreter: Installed) -> None:
    maps = Path("/proc/self/maps").read_text()
    libc = next(Path(line.split(None, 5)[5]) for line in maps.splitlines() if "libc.so" in line or "ld-musl" in line)
    # As if libc had come with the interpreter.
    original = replace(inspect_interpreter(Path(sys.base_prefix)), prefix=libc.parent)
    assert f"it loads {libc}, where it was packed from" in prove_relocatable(
        interpreter.tree, interpreter.asset, original
    )


def test_a_tree_that_does_not_start_is_an_error(interpreter: Installed, tmp_path: Path) -> None:
    with pytest.raises(ProvisionError, match=r"a copy of it does not start: .* cannot be started"):
        prove_relocatable(tmp_path, interpreter.asset, inspect_interpreter(Path(sys.base_prefix)))


def test_a_copy_that_takes_too_long_is_stopped_and_reported(
    interpreter: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provision.pack.interpreter._TRIAL_TIMEOUT", 0.01)
    (finding,) = prove_relocatable(interpreter.tree, interpreter.asset, inspect_interpreter(Path(sys.base_prefix)))
    assert "was stopped after 0.01 s" in finding


@pytest.mark.slow
def test_an_installation_that_takes_too_long_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provision.pack.interpreter._INSPECTION_TIMEOUT", 0.2)
    make_program(tmp_path, {}).write_text("#!/bin/sh\nexec sleep 30\n")
    with pytest.raises(UsageError, match=r"was stopped after 0\.2 s"):
        inspect_interpreter(tmp_path)
