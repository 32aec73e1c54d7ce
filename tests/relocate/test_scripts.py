"""`bin/`: the names of the interpreter, and scripts that start it from anywhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from provision.model.tree import TreeEntry
from provision.relocate.scripts import (
    executable_name,
    missing_copy,
    missing_links,
    relocate_config_script,
    relocate_script,
)
from tests.relocate.samples import BUILD, CONFIG, CONFIG_SCRIPT, SCRIPT, asset

FILE, LINK = TreeEntry("file", 0o755), TreeEntry("link", 0o777, "x")


@pytest.mark.parametrize(
    ("options", "implementation", "version", "files", "expected"),
    [
        ("", "cpython", "3.13.5", ["python3.13"], "python3.13"),
        ("freethreaded", "cpython", "3.13.5", ["python3.13t"], "python3.13t"),
        ("debug", "cpython", "3.13.5", ["python3.13d"], "python3.13d"),
        ("freethreaded+debug", "cpython", "3.14.0", ["python3.14td"], "python3.14td"),
        ("debug", "cpython", "3.7.9", ["python3.7m"], "python3.7m"),
        ("", "cpython", "3.8.1", ["python3"], "python3"),
        ("", "pypy", "3.11.13", ["pypy3.11", "pypy3"], "pypy3.11"),
        ("", "graalpy", "3.12.0", ["graalpy"], "graalpy"),
        ("", "cpython", "3.13.5", [], None),
    ],
)
def test_the_real_executable_is_found(
    options: str, implementation: str, version: str, files: list[str], expected: str | None
) -> None:
    entries = {f"bin/{name}": FILE for name in files}
    assert executable_name(asset(options=options, implementation=implementation, version=version), entries) == expected


def test_missing_names_are_links_to_the_real_executable() -> None:
    entries = {"bin/python3.13t": FILE, "bin/python3": LINK}
    assert list(missing_links(asset(options="freethreaded"), entries)) == [
        ("bin/python", "python3.13t"),
        ("bin/python3.13", "python3.13t"),
    ]


def test_a_tree_without_an_interpreter_gets_no_dangling_links() -> None:
    assert list(missing_links(asset(), {"bin/pip": FILE})) == []


@pytest.mark.parametrize(
    ("implementation", "options", "files", "expected"),
    [
        ("pypy", "", ["pypy3.exe"], ("python.exe", "pypy3.exe")),
        ("pypy", "", ["pypy3.13.exe", "pypy3.exe"], ("python.exe", "pypy3.13.exe")),
        ("pypy", "", ["pypy3.exe", "python.exe"], None),
        ("cpython", "freethreaded", ["python3.13t.exe"], ("python.exe", "python3.13t.exe")),
        ("cpython", "", ["python.exe"], None),
        ("cpython", "", [], None),
        ("graalpy", "", ["bin/graalpy.exe"], None),
    ],
)
def test_on_windows_a_missing_python_exe_is_created_as_a_copy(
    implementation: str, options: str, files: list[str], expected: tuple[str, str] | None
) -> None:
    build = asset(implementation=implementation, options=options, target="windows-x86_64")
    assert missing_copy(build, dict.fromkeys(files, FILE)) == expected


NAMES = frozenset({"python3.13", "python3.13t", "python"})
BODY = "from __future__ import annotations\nimport sys\nprint(sys.argv[1:])\n"
SHELL = f'#!/bin/sh\n\'\'\'exec\' "$(dirname -- "$(realpath -- "$0")")/python3.13" "$0" "$@"\n\' \'\'\'\n{BODY}'


def test_a_script_runs_with_the_interpreter_next_to_it(tmp_path: Path) -> None:
    place = tmp_path / "a tree" / "bin" / "hello"
    place.parent.mkdir(parents=True)
    place.write_text(relocate_script(f"#!/install/bin/python3.13\n{BODY}", "bin/hello", NAMES, "python3.13"))
    place.chmod(0o755)
    (place.parent / "python3.13").symlink_to(sys.executable)
    link = tmp_path / "elsewhere"
    link.symlink_to(place)

    for command in ([str(place)], [str(link)], ["sh", "a tree/bin/hello"], [sys.executable, str(place)]):
        done = subprocess.run([*command, "a b", "$c"], cwd=tmp_path, capture_output=True, text=True, check=True)
        assert done.stdout == "['a b', '$c']\n"


@pytest.mark.parametrize(
    "first",
    [
        "#!/install/bin/python3.13\n",
        "#! /install/bin/python3.13\n",
        "#!/opt/a place/bin/python3.13\n",
        '#!/bin/sh\n"exec" "$(dirname $0)/python3.13" "$0" "$@"\n',  # PBS until 2024
        '#!/bin/sh\n\'\'\'exec\' "$(dirname -- "$(realpath -- "$0")")/python3.13" "$0" "$@"\n\' \'\'\'\n',  # since
    ],
)
def test_every_first_line_of_builds_becomes_the_same(first: str) -> None:
    expected = relocate_script(f"#!/install/bin/python3.13\n{BODY}", "bin/x", NAMES, "python3.13")
    assert relocate_script(first + BODY, "bin/x", NAMES, "python3.13") == expected
    assert relocate_script(expected, "bin/x", NAMES, "python3.13") == expected


def test_flags_of_the_interpreter_are_kept() -> None:
    relocated = relocate_script("#!/install/bin/python3.13 -Es\npass\n", "bin/x", NAMES, "python3.13")
    assert '/python3.13" -Es "$0" "$@"' in relocated
    assert relocate_script(relocated, "bin/x", NAMES, "python3.13") == relocated


def test_an_interpreter_that_does_not_exist_is_replaced_by_the_real_one() -> None:
    assert '/python3.13t" "$0"' in relocate_script("#!/install/bin/python3.9\n", "bin/x", NAMES, "python3.13t")


def test_a_script_outside_of_bin_finds_the_interpreter() -> None:
    path = "lib/python3.13/config-3.13/python-config.py"
    assert '/../../../bin/python3.13" "$0"' in relocate_script("#!/install/bin/python3.13\n", path, NAMES, "python3.13")


@pytest.mark.parametrize(
    "text",
    ["#!/usr/bin/env python3\npass\n", "#!/bin/sh\nexec true\n", "#!/usr/bin/perl\n", "import sys\n", ""],
)
def test_other_scripts_are_unchanged(text: str) -> None:
    assert relocate_script(text, "bin/x", NAMES, "python3.13") == text


CONFIG_PATH = "bin/python3.13-config"


def output(script: Path, *options: str) -> list[str]:
    done = subprocess.run([str(script), *options], cwd=script.parent, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_python3_config_finds_its_prefix_through_links_and_with_spaces(tmp_path: Path) -> None:
    prefix = tmp_path / "a tree"
    script = prefix / CONFIG_PATH
    script.parent.mkdir(parents=True)
    script.write_text(relocate_config_script(CONFIG_SCRIPT, CONFIG_PATH, BUILD, CONFIG))
    script.chmod(0o755)
    link = tmp_path / "python3-config"
    link.symlink_to(script)

    for way in (script, link):
        assert output(way, "--prefix", "--includes", "--libs", "--cflags") == [
            str(prefix),
            f"-I{prefix}/include",
            f"-L{prefix}/lib",
            "-O3",
        ]


@pytest.mark.parametrize("name", ["python3.9", "python3.8d", "python3.10"])
def test_a_python3_config_run_by_python_becomes_a_shell_script(name: str) -> None:
    """PBS's builds of 20210724 to 20220630."""
    text = CONFIG_SCRIPT.replace("#!/bin/sh\n", f'#!/bin/sh\n"exec" "$(dirname $0)/{name}" "$0" "$@"\n', 1)
    assert relocate_config_script(text, CONFIG_PATH, BUILD, CONFIG) == relocate_config_script(
        CONFIG_SCRIPT, CONFIG_PATH, BUILD, CONFIG
    )


def test_python3_config_contains_no_path_of_the_build() -> None:
    relocated = relocate_config_script(CONFIG_SCRIPT, CONFIG_PATH, BUILD, CONFIG)
    assert "/install" not in relocated
    assert "/tools" not in relocated
    assert "exit_with_usage" in relocated
    assert relocate_config_script(relocated, CONFIG_PATH, BUILD, CONFIG) == relocated


def test_a_python3_config_in_python_is_left_to_the_scripts_step() -> None:
    assert relocate_config_script(SCRIPT, CONFIG_PATH, BUILD, CONFIG) == SCRIPT
