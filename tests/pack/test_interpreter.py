from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from provision.errors import UsageError
from provision.pack.interpreter import inspect
from tests.pack.samples import answers, make_program


def test_the_python_at_hand_tells_where_it_is() -> None:
    interpreter = inspect(Path(sys.base_prefix))
    assert interpreter.prefix == Path(sys.base_prefix)
    assert (interpreter.stdlib / "os.py").is_file()
    assert (interpreter.include / "Python.h").is_file() == Path(sysconfig.get_path("include"), "Python.h").is_file()
    assert interpreter.executable.is_file()
    assert interpreter.name.startswith(f"python{sys.version_info[0]}.{sys.version_info[1]}")


def test_a_virtual_environment_stands_for_its_base(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    base = inspect(Path(sys.base_prefix))
    assert inspect(tmp_path / "venv") == base
    assert inspect(tmp_path / "venv" / "bin" / "python") == base


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
def test_how_it_was_built_is_told_in_pbs_terms(tmp_path: Path, variables: dict[str, str], expected: str) -> None:
    program = make_program(tmp_path, answers(tmp_path, variables=variables))
    assert str(inspect(program).options) == expected


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"implementation": "pypy"}, "only CPython can be packed"),
        ({"paths": {}}, "a Windows installation"),
    ],
)
def test_what_cannot_be_packed_is_refused(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    make_program(tmp_path, answers(tmp_path, **changes))
    with pytest.raises(UsageError, match=message):
        inspect(tmp_path)


def test_a_place_without_a_working_python_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no Python at"):
        inspect(tmp_path)
    program = make_program(tmp_path, {})
    program.write_text("#!/bin/sh\necho 'No module named encodings' >&2; exit 1\n")
    with pytest.raises(UsageError, match="does not run: No module named encodings"):
        inspect(tmp_path)
