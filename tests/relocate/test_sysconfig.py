"""Files of sysconfig, make and pkg-config: their values follow from where they are, for the tools that read them."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from provision.relocate.rewrite import BuildPaths
from provision.relocate.sysconfig import (
    parse_sysconfigdata,
    relocate_build_details,
    relocate_makefile,
    relocate_pkgconfig,
    relocate_setup,
    relocate_shell_config,
    relocate_sysconfig_vars,
    relocate_sysconfigdata,
)
from tests.relocate.samples import BUILD, CONFIG, DETAILS, MAKEFILE, PKGCONFIG, STDLIB, SYSCONFIGDATA

NAME = "_sysconfigdata__linux_x86_64-linux-gnu"
SYSCONFIGDATA_PATH = f"{STDLIB}/{NAME}.py"


def relocated(text: str = SYSCONFIGDATA) -> str:
    result = relocate_sysconfigdata(text, SYSCONFIGDATA_PATH, CONFIG)
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


def test_values_depend_on_the_directory_of_sysconfigdata(tmp_path: Path) -> None:
    for prefix in (tmp_path / "one", tmp_path / "with a space" / "é"):
        place = prefix / SYSCONFIGDATA_PATH
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


def test_sysconfigdata_works_in_a_zipped_standard_library(tmp_path: Path) -> None:
    archive = tmp_path / "lib" / "python313.zip"
    archive.parent.mkdir()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr(f"{NAME}.py", relocated())
    namespace: dict[str, object] = {"__file__": str(archive / f"{NAME}.py")}
    exec(relocated(), namespace)
    variables = namespace["build_time_vars"]
    assert isinstance(variables, dict)
    assert variables["LIBDIR"] == f"{tmp_path}/lib"


def test_sysconfigdata_executed_from_a_string_uses_the_prefix_of_the_running_python() -> None:
    namespace: dict[str, object] = {}
    exec(relocated(), namespace)
    variables = namespace["build_time_vars"]
    assert isinstance(variables, dict)
    assert variables["prefix"] == sys.base_prefix
    assert "_relocate" not in namespace


def test_the_paths_of_the_build_are_returned_too() -> None:
    result = relocate_sysconfigdata(SYSCONFIGDATA, SYSCONFIGDATA_PATH, CONFIG)
    assert result is not None
    assert result[1] == BuildPaths(prefix="/install", workdirs=("/build/Python-3.13.5",))


def test_sysconfigdata_remains_a_literal_that_tools_can_read_without_execution() -> None:
    body = relocated().partition("build_time_vars = ")[2].partition("\n\n")[0]
    assert ast.literal_eval(body)["BINDIR"] == "@PREFIX@/bin"


def test_relocating_sysconfigdata_twice_changes_nothing() -> None:
    assert relocated(relocated()) == relocated()


def test_values_that_pprint_broke_into_lines_are_rewritten_completely() -> None:
    text = (
        "# system configuration generated and used by the sysconfig module\n"
        "build_time_vars = {'LDSHARED': 'clang -shared -isysroot '\n"
        "             '/Applications/Xcode.app/MacOSX.sdk -L/opt/py/lib '\n"
        "             '-g',\n"
        " 'WITH_DYLD': 0,\n"
        " 'prefix': '/opt/py'}\n"
    )
    assert parse_sysconfigdata(relocated(text)) == {
        "LDSHARED": "cc -shared -L@PREFIX@/lib -g",
        "WITH_DYLD": 0,
        "prefix": "@PREFIX@",
    }


def test_a_module_that_computes_its_values_is_left_alone() -> None:
    for text in (
        "import sys\nbuild_time_vars = {'EXT_SUFFIX': '.so'}\n",  # PyPy's begins so
        "build_time_vars = {'EXT_SUFFIX': so_ext}\n",
        "build_time_vars = ['not a dict']\n",
        "from _sysconfigdata__x86_64 import *\n",
        "",
    ):
        assert relocate_sysconfigdata(text, SYSCONFIGDATA_PATH, CONFIG) is None


def test_nothing_in_the_text_is_executed(tmp_path: Path) -> None:
    witness = tmp_path / "ran"
    text = f"build_time_vars = {{'prefix': __import__('pathlib').Path({str(witness)!r}).touch()}}\n"
    assert relocate_sysconfigdata(text, SYSCONFIGDATA_PATH, CONFIG) is None
    assert not witness.exists()


DETAILS_PATH = f"{STDLIB}/build-details.json"
SYSCONFIG_VARS_PATH = f"{STDLIB}/_sysconfig_vars__linux_x86_64-linux-gnu.json"


def test_build_details_are_relative_as_pep_739_permits() -> None:
    assert json.loads(relocate_build_details(DETAILS, DETAILS_PATH, BUILD, CONFIG)) == {
        "schema_version": "1.0",
        "base_prefix": "../..",
        "base_interpreter": "./bin/python3.14",
        "suffixes": {"source": [".py"]},
        "libpython": {"dynamic": "./lib/libpython3.14.so", "link_extensions": False},
        "c_api": {"headers": "./include/python3.14", "pkgconfig_path": "./lib/pkgconfig"},
    }


def test_variables_are_relative_to_their_own_directory() -> None:
    text = json.dumps(
        {
            "CC": "clang",
            "LIBDIR": "/install/lib",
            "CONFIG_ARGS": "'--prefix=/install'",
            "abs_builddir": "/build/Python-3.13.5",
            "Py_DEBUG": 0,
            "userbase": "/root/.local",
        }
    )
    assert json.loads(relocate_sysconfig_vars(text, SYSCONFIG_VARS_PATH, BUILD, CONFIG)) == {
        "CC": "cc",
        "LIBDIR": "../../lib",
        "CONFIG_ARGS": "'--prefix=../..'",
        "abs_builddir": f"../../{CONFIG}",
        "Py_DEBUG": 0,
    }


def test_relocating_json_twice_changes_nothing() -> None:
    details = relocate_build_details(DETAILS, DETAILS_PATH, BUILD, CONFIG)
    assert relocate_build_details(details, DETAILS_PATH, BUILD, CONFIG) == details
    variables = relocate_sysconfig_vars('{"LIBDIR": "/install/lib"}', SYSCONFIG_VARS_PATH, BUILD, CONFIG)
    assert relocate_sysconfig_vars(variables, SYSCONFIG_VARS_PATH, BUILD, CONFIG) == variables


def test_relative_json_and_other_documents_are_unchanged() -> None:
    for text in ('{"base_prefix":   "../.."}', "[]", "{", ""):
        assert relocate_build_details(text, DETAILS_PATH, BUILD, CONFIG) == text
        assert relocate_sysconfig_vars(text, SYSCONFIG_VARS_PATH, BUILD, CONFIG) == text


def test_extremely_nested_json_is_left_alone() -> None:
    text = "[" * 100_000
    assert relocate_build_details(text, DETAILS_PATH, BUILD, CONFIG) == text


PKGCONFIG_PATH = "lib/pkgconfig/python-3.13-embed.pc"


def test_pkgconfig_files_find_their_prefix() -> None:
    relocated = relocate_pkgconfig(PKGCONFIG, PKGCONFIG_PATH, BUILD, CONFIG)
    changed = [line for line in relocated.splitlines() if line not in PKGCONFIG.splitlines()]
    assert changed == ["prefix=${pcfiledir}/../..", "Libs.private: -ldl"]
    assert relocate_pkgconfig(relocated, PKGCONFIG_PATH, BUILD, CONFIG) == relocated


def test_the_prefix_is_as_many_directories_up_as_it_must_be() -> None:
    assert "prefix=${pcfiledir}/../../..\n" in relocate_pkgconfig(
        "prefix=/install\n", "lib/x86_64-linux-gnu/pkgconfig/python3.pc", BUILD, CONFIG
    )


@pytest.mark.skipif(shutil.which("pkg-config") is None, reason="needs pkg-config")
def test_pkg_config_gives_the_same_prefix(tmp_path: Path) -> None:
    place = tmp_path / PKGCONFIG_PATH
    place.parent.mkdir(parents=True)
    place.write_text(relocate_pkgconfig(PKGCONFIG, PKGCONFIG_PATH, BUILD, CONFIG))
    done = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "python-3.13-embed"],
        env={**os.environ, "PKG_CONFIG_PATH": str(place.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    cflags, libs, library = done.stdout.split()
    assert Path(cflags.removeprefix("-I")).resolve() == tmp_path / "include/python3.13"
    assert Path(libs.removeprefix("-L")).resolve() == tmp_path / "lib"
    assert library == "-lpython3.13"


def test_setup_files_lose_the_sysroot_and_shell_configs_follow_the_prefix() -> None:
    setup = "_bz2 _bz2module.c -I/tools/deps/include -L/tools/deps/lib -lbz2\n"
    assert relocate_setup(setup, f"{CONFIG}/Setup.local", BUILD, CONFIG) == "_bz2 _bz2module.c -lbz2\n"
    shell = "itcl_LIB_SPEC='-L/tools/deps/lib/itcl4.3 -litcl4.3'\n"
    assert relocate_shell_config(shell, "lib/itcl4.3/itclConfig.sh", BUILD, CONFIG) == (
        "itcl_LIB_SPEC='-L${prefix}/lib/itcl4.3 -litcl4.3'\n"
    )


MAKEFILE_PATH = f"{CONFIG}/Makefile"


def test_only_lines_of_the_makefile_that_name_the_build_change() -> None:
    relocated = relocate_makefile(MAKEFILE, MAKEFILE_PATH, BUILD, CONFIG)
    changed = [line for line in relocated.splitlines() if line not in MAKEFILE.splitlines()]
    assert changed == [
        f"abs_builddir=\t$(prefix)/{CONFIG}",
        "CC=\t\tcc -pthread",
        "CONFIGURE_LDFLAGS=\t-Wl,--exclude-libs,ALL",
        "# Known from where this file is: `:=`, as the last makefile read is another one once this one is included.",
        "provision_prefix := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))/../../..)",
        "prefix=\t\t$(provision_prefix)",
        "CONFIG_ARGS=\t '--prefix=$(prefix)'",
    ]


def test_relocating_a_makefile_twice_changes_nothing() -> None:
    once = relocate_makefile(MAKEFILE, MAKEFILE_PATH, BUILD, CONFIG)
    assert relocate_makefile(once, MAKEFILE_PATH, BUILD, CONFIG) == once


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_derives_the_prefix_from_the_file_even_if_it_is_included(tmp_path: Path) -> None:
    place = tmp_path / "a-tree" / MAKEFILE_PATH
    place.parent.mkdir(parents=True)
    place.write_text(relocate_makefile(MAKEFILE, MAKEFILE_PATH, BUILD, CONFIG))
    (tmp_path / "after.mk").write_text("")
    user = tmp_path / "user.mk"
    user.write_text(f"include {place}\ninclude {tmp_path}/after.mk\nshow:\n\t@echo $(LIBDIR) $(LIBPL)\n")

    done = subprocess.run(
        ["make", "-s", "-f", str(user), "show"], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    prefix = tmp_path / "a-tree"
    assert done.stdout == f"{prefix}/lib {prefix}/{CONFIG}\n"


def test_sysconfigs_parser_reads_plain_values_and_takes_the_prefix_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "Makefile"
    place.write_text(relocate_makefile(MAKEFILE, MAKEFILE_PATH, BUILD, CONFIG))
    # What old tools call; it has no public name any more, and moved in 3.13.
    home = sysconfig if hasattr(sysconfig, "_parse_makefile") else importlib.import_module("sysconfig.__main__")
    parse = getattr(home, "_parse_makefile")  # noqa: B009  (mypy knows of no such function)

    assert parse(str(place))["LIBDIR"] == "/lib"
    monkeypatch.setenv("provision_prefix", "/opt/py")
    assert parse(str(place))["LIBDIR"] == "/opt/py/lib"


@pytest.mark.parametrize("depth", [3, 330, 700, 2000, 100_000])
def test_deeply_nested_values_are_not_an_error(depth: int) -> None:
    nested = "[" * depth + "]" * depth
    details = f'{{"base_prefix": "/install", "a": {nested}}}'
    assert "base_prefix" in relocate_build_details(details, "lib/build-details.json", BUILD, CONFIG)
    assert relocate_sysconfig_vars(details, "lib/_sysconfig_vars.json", BUILD, CONFIG) == details
    assert relocate_sysconfigdata(f"build_time_vars = {details}", f"{STDLIB}/_sysconfigdata_.py", CONFIG) is None
