"""The recipe: the result of each step in a tree, correct entries, and two runs that equal one."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path

import pytest

from provision.model.tree import TreeEntry, TreeOptions, tree_digest
from provision.relocate.recipe import (
    EXTERNALLY_MANAGED_TEXT,
    PIP_SETTINGS_TEXT,
    STEPS,
    is_local_direct_url,
    relocate,
    update_record,
)
from provision.store.hashing import scan_tree
from provision.unpack.writer import MTIME
from tests.relocate.samples import CONFIG, STDLIB, asset, make_tree

MARKER = f"{STDLIB}/EXTERNALLY-MANAGED"
PATH_OF_THE_BUILD = re.compile(r"(?<![\w./@)}~+-])/install(?![\w.+-])|-[LI]/install|/tools/|/build/|/root")


def relocated(
    tree: Path, options: TreeOptions = TreeOptions(), *, target: str = "linux-x86_64"
) -> dict[str, TreeEntry]:
    entries = make_tree(tree)
    relocate(tree, entries, asset=asset(target=target), options=options)
    return entries


def test_entries_agree_with_the_tree_afterwards(tmp_path: Path) -> None:
    entries = relocated(tmp_path)
    assert scan_tree(tmp_path) == entries


def test_no_path_of_the_build_is_left_in_any_file(tmp_path: Path) -> None:
    for path, entry in relocated(tmp_path).items():
        if entry.kind == "file" and not path.endswith("/RECORD"):
            assert not PATH_OF_THE_BUILD.search((tmp_path / path).read_text()), path


def test_no_path_of_the_tree_is_written_so_that_trees_are_equal_under_any_prefix(tmp_path: Path) -> None:
    one, another = relocated(tmp_path / "one"), relocated(tmp_path / "another one")
    assert one == another
    assert tree_digest(one) == tree_digest(another)


def test_all_written_files_have_the_same_mtime(tmp_path: Path) -> None:
    before = make_tree(tmp_path)
    after = dict(before)
    relocate(tmp_path, after, asset=asset(), options=TreeOptions())
    written = [path for path, entry in after.items() if entry != before.get(path)]
    assert len(written) >= 12
    assert {(tmp_path / path).lstat().st_mtime for path in written} == {MTIME}


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    entries = relocated(tmp_path)
    again = dict(entries)
    times = {path: (tmp_path / path).lstat().st_ctime_ns for path in entries}
    relocate(tmp_path, again, asset=asset(), options=TreeOptions())
    assert again == entries
    assert times == {path: (tmp_path / path).lstat().st_ctime_ns for path in entries}


def test_stale_bytecode_is_removed_with_its_directory(tmp_path: Path) -> None:
    entries = relocated(tmp_path)
    assert not [path for path in entries if "__pycache__" in path]
    assert not (tmp_path / STDLIB / "__pycache__").exists()


def test_the_interpreter_has_all_names(tmp_path: Path) -> None:
    entries = relocated(tmp_path)
    assert {name: entries[f"bin/{name}"].content for name in ("python", "python3")} == {
        "python": "python3.13",
        "python3": "python3.13",
    }


def test_the_marker_exists_unless_the_options_exclude_it(tmp_path: Path) -> None:
    entries = make_tree(tmp_path)
    relocate(tmp_path, entries, asset=asset(), options=TreeOptions())
    assert (tmp_path / MARKER).read_text() == EXTERNALLY_MANAGED_TEXT
    relocate(tmp_path, entries, asset=asset(), options=TreeOptions(externally_managed=False))
    assert MARKER not in entries
    assert not (tmp_path / MARKER).exists()


def test_the_marker_is_one_that_pip_can_read() -> None:
    import configparser

    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(EXTERNALLY_MANAGED_TEXT)
    assert "python -m venv" in parser["externally-managed"]["Error"]


@pytest.mark.parametrize(
    ("version", "target", "expected"),
    [
        ("22.0.4", "linux-x86_64", "pip.conf"),
        ("9.0.3", "macos-aarch64", "pip.conf"),
        ("22.3.1", "windows-x86_64", "pip.ini"),
        ("23.0", "linux-x86_64", None),
        ("26.3", "windows-x86_64", None),
    ],
)
def test_a_pip_that_does_not_know_the_marker_is_configured_by_its_settings(
    tmp_path: Path, version: str, target: str, expected: str | None
) -> None:
    stdlib = "Lib" if target.startswith("windows") else STDLIB
    make_tree(tmp_path)
    for path in (f"{stdlib}/os.py", f"{stdlib}/site-packages/pip-{version}.dist-info/RECORD"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    build = asset(target=target)
    for options, present in ((TreeOptions(externally_managed=False), None), (TreeOptions(), expected)):
        relocate(tmp_path, scan_tree(tmp_path), asset=build, options=options)
        assert {path.name for path in tmp_path.glob("pip.*")} == ({present} if present else set())
    if expected:
        assert (tmp_path / expected).read_text() == PIP_SETTINGS_TEXT


def test_settings_in_an_archive_are_kept(tmp_path: Path) -> None:
    make_tree(tmp_path)
    (tmp_path / f"{STDLIB}/site-packages/pip-22.0.dist-info").mkdir(parents=True)
    (tmp_path / f"{STDLIB}/site-packages/pip-22.0.dist-info/RECORD").touch()
    (tmp_path / "pip.conf").write_text("[global]\n")
    relocate(tmp_path, scan_tree(tmp_path), asset=asset(), options=TreeOptions())
    assert (tmp_path / "pip.conf").read_text() == "[global]\n"


def test_pips_record_agrees_with_its_script(tmp_path: Path) -> None:
    entries = relocated(tmp_path)
    record = (tmp_path / STDLIB / "site-packages/pip-25.1.dist-info/RECORD").read_text().splitlines()
    assert record[0].endswith(f",{entries['bin/pip3'].size}")
    assert not any("direct_url" in line for line in record)


SITE_PACKAGES = f"{STDLIB}/site-packages"


def test_changed_files_get_their_digest_and_size_in_the_record_and_removed_ones_lose_their_row() -> None:
    record = (
        "../../../bin/pip3,sha256=old,228\r\n"
        "pip-25.1.dist-info/direct_url.json,sha256=old,3\r\n"
        "pip/__init__.py,sha256=kept,357\r\n"
        "pip/__pycache__/__init__.cpython-313.pyc,,\r\n"
        "pip-25.1.dist-info/RECORD,,\r\n"
    )
    changed = {
        "bin/pip3",
        f"{SITE_PACKAGES}/pip-25.1.dist-info/direct_url.json",
        f"{SITE_PACKAGES}/pip/__pycache__/__init__.cpython-313.pyc",
    }
    entries = {"bin/pip3": TreeEntry("file", 0o755, hashlib.sha256(b"").hexdigest(), 0)}
    assert update_record(record, f"{SITE_PACKAGES}/pip-25.1.dist-info/RECORD", changed, entries) == (
        "../../../bin/pip3,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\r\n"
        "pip/__init__.py,sha256=kept,357\r\n"
        "pip/__pycache__/__init__.cpython-313.pyc,,\r\n"
        "pip-25.1.dist-info/RECORD,,\r\n"
    )


def test_a_direct_url_is_wrong_only_if_it_names_a_file_of_the_build() -> None:
    assert is_local_direct_url('{"archive_info": {}, "url": "file:///build/pip-25.1-py3-none-any.whl"}')
    for text in ('{"url": "https://example.org/pip.whl"}', "{}", "[]", "no json"):
        assert not is_local_direct_url(text)


def test_a_windows_tree_gets_the_marker_and_no_links(tmp_path: Path) -> None:
    for name in ("python.exe", "Lib/os.py", "Lib/__pycache__/os.cpython-313.pyc"):
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("")
    entries = scan_tree(tmp_path)
    relocate(tmp_path, entries, asset=asset(target="windows-x86_64"), options=TreeOptions())
    files = {path for path, entry in entries.items() if entry.kind != "dir"}
    assert files == {"python.exe", "Lib/os.py", "Lib/EXTERNALLY-MANAGED"}


@pytest.mark.parametrize(
    ("implementation", "stdlib", "program"),
    [("pypy", "lib/pypy3.11", "pypy3.11"), ("graalpy", "lib/python3.11", "graalpy")],
)
def test_other_implementations_get_names_and_marker(
    tmp_path: Path, implementation: str, stdlib: str, program: str
) -> None:
    for name in (f"{stdlib}/os.py", f"{stdlib}/_sysconfigdata.py", f"bin/{program}"):
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("import sys\nbuild_time_vars = {}\n")
        place.chmod(0o755)
    entries = scan_tree(tmp_path)
    relocate(tmp_path, entries, asset=asset(implementation=implementation, version="3.11.13"), options=TreeOptions())
    assert entries["bin/python"].content == program
    assert entries["bin/python3.11"].content == program
    assert f"{stdlib}/EXTERNALLY-MANAGED" in entries


def test_a_tree_slimmed_of_its_makefile_still_works(tmp_path: Path) -> None:
    make_tree(tmp_path)
    shutil.rmtree(tmp_path / CONFIG)
    entries = scan_tree(tmp_path)
    relocate(tmp_path, entries, asset=asset(), options=TreeOptions())
    assert f"'@PREFIX@/{STDLIB}'" in (tmp_path / STDLIB / "_sysconfigdata__linux_x86_64-linux-gnu.py").read_text()


def test_paths_that_no_step_can_rewrite_are_noted(tmp_path: Path) -> None:
    def notes(build: str) -> tuple[str, ...]:
        return relocate(tmp_path, {}, asset=asset(target="macos-aarch64", build=build), options=TreeOptions())

    assert "install_name_tool" in notes("20250918")[0]
    assert notes("20251209") == ()


def test_the_documentation_lists_the_steps_as_they_are() -> None:
    text = (Path(__file__).parents[2] / "docs" / "recipe.md").read_text("utf-8")
    documented = re.findall(r"^### (\d+)\. (.+)$", text, re.MULTILINE)
    assert documented == [(str(step.number), step.title) for step in STEPS]
    assert [step.number for step in STEPS] == list(range(1, len(STEPS) + 1))
