from __future__ import annotations

import ast
import importlib.util
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

from provision.install.relocate.origin import Origin
from provision.relocate.sysconfig import parse, relocate
from tests.relocate.samples import CONFIG, STDLIB, SYSCONFIGDATA

NAME = "_sysconfigdata__linux_x86_64-linux-gnu"
PATH = f"{STDLIB}/{NAME}.py"


def relocated(text: str = SYSCONFIGDATA) -> str:
    result = relocate(text, PATH, CONFIG)
    assert result is not None
    return result[0]


def load(place: Path) -> Mapping[str, object]:
    """The variables, as importing the module from ``place`` gives them."""
    spec = importlib.util.spec_from_file_location("a_sysconfigdata", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    variables: Mapping[str, object] = module.build_time_vars
    return variables


def test_values_follow_from_where_the_module_is(tmp_path: Path) -> None:
    for prefix in (tmp_path / "one", tmp_path / "with a space" / "é"):
        place = prefix / PATH
        place.parent.mkdir(parents=True)
        place.write_text(relocated(), "utf-8")

        assert load(place) == {
            "AR": "ar",
            "BINDIR": f"{prefix}/bin",
            "CC": "cc -pthread",
            "CFLAGS": "-O3 -Wall",
            "CONFIG_ARGS": f"'--prefix={prefix}' 'CC=cc' 'LDFLAGS=-lm'",
            "CXX": "c++ -pthread",
            "HAVE_FORK": 1,
            "INCLUDEPY": f"{prefix}/include/python3.13",
            "LDSHARED": "cc -pthread -shared",
            "LIBDIR": f"{prefix}/lib",
            "RUNSHARED": f"LD_LIBRARY_PATH={prefix}/{CONFIG}",
            "VERSION": "3.13",
            "abs_builddir": f"{prefix}/{CONFIG}",
            "prefix": str(prefix),
        }


def test_it_works_from_a_zipped_standard_library(tmp_path: Path) -> None:
    archive = tmp_path / "lib" / "python313.zip"
    archive.parent.mkdir()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr(f"{NAME}.py", relocated())
    namespace: dict[str, object] = {"__file__": str(archive / f"{NAME}.py")}
    exec(relocated(), namespace)
    variables = namespace["build_time_vars"]
    assert isinstance(variables, dict)
    assert variables["LIBDIR"] == f"{tmp_path}/lib"


def test_executed_from_a_string_it_takes_the_running_pythons_prefix() -> None:
    namespace: dict[str, object] = {}
    exec(relocated(), namespace)
    variables = namespace["build_time_vars"]
    assert isinstance(variables, dict)
    assert variables["prefix"] == sys.base_prefix
    assert "_relocate" not in namespace


def test_the_build_is_told_of_too() -> None:
    result = relocate(SYSCONFIGDATA, PATH, CONFIG)
    assert result is not None
    assert result[1] == Origin(prefix="/install", workdirs=("/build/Python-3.13.5",))


def test_it_stays_a_literal_that_tools_can_read_without_running_it() -> None:
    body = relocated().partition("build_time_vars = ")[2].partition("\n\n")[0]
    assert ast.literal_eval(body)["BINDIR"] == "@PREFIX@/bin"


def test_relocating_twice_changes_nothing() -> None:
    assert relocated(relocated()) == relocated()


def test_values_that_pprint_broke_into_lines_are_mended_whole() -> None:
    text = (
        "# system configuration generated and used by the sysconfig module\n"
        "build_time_vars = {'LDSHARED': 'clang -shared -isysroot '\n"
        "             '/Applications/Xcode.app/MacOSX.sdk -L/opt/py/lib '\n"
        "             '-g',\n"
        " 'WITH_DYLD': 0,\n"
        " 'prefix': '/opt/py'}\n"
    )
    assert parse(relocated(text)) == {"LDSHARED": "cc -shared -L@PREFIX@/lib -g", "WITH_DYLD": 0, "prefix": "@PREFIX@"}


def test_a_module_that_computes_its_values_is_left_alone() -> None:
    for text in (
        "import sys\nbuild_time_vars = {'EXT_SUFFIX': '.so'}\n",  # PyPy's begins so
        "build_time_vars = {'EXT_SUFFIX': so_ext}\n",
        "build_time_vars = ['not a dict']\n",
        "from _sysconfigdata__x86_64 import *\n",
        "",
    ):
        assert relocate(text, PATH, CONFIG) is None


def test_nothing_in_the_text_is_ever_run(tmp_path: Path) -> None:
    witness = tmp_path / "ran"
    text = f"build_time_vars = {{'prefix': __import__('pathlib').Path({str(witness)!r}).touch()}}\n"
    assert relocate(text, PATH, CONFIG) is None
    assert not witness.exists()
