from __future__ import annotations

import pytest

from provision.install.relocate.names import executable, missing_copy, missing_names
from provision.model.tree import Entry
from tests.relocate.samples import asset

FILE, LINK = Entry("file", 0o755), Entry("link", 0o777, "x")


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
def test_the_real_executable(
    options: str, implementation: str, version: str, files: list[str], expected: str | None
) -> None:
    entries = {f"bin/{name}": FILE for name in files}
    assert executable(asset(options=options, implementation=implementation, version=version), entries) == expected


def test_what_is_missing_is_linked_to_the_real_executable() -> None:
    entries = {"bin/python3.13t": FILE, "bin/python3": LINK}
    assert list(missing_names(asset(options="freethreaded"), entries)) == [
        ("bin/python", "python3.13t"),
        ("bin/python3.13", "python3.13t"),
    ]


def test_a_tree_without_an_interpreter_gets_no_dangling_names() -> None:
    assert list(missing_names(asset(), {"bin/pip": FILE})) == []


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
def test_on_windows_python_exe_is_a_copy_where_it_is_missing(
    implementation: str, options: str, files: list[str], expected: tuple[str, str] | None
) -> None:
    build = asset(implementation=implementation, options=options, target="windows-x86_64")
    assert missing_copy(build, dict.fromkeys(files, FILE)) == expected
