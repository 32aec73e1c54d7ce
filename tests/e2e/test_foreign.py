"""Trees for other machines: made with the whole recipe, but not probed and not linked."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.host.detect import detect_host
from provision.model.asset import CPU_LEVELS
from tests.e2e.conftest import Offer
from tests.support import trees
from tests.support.builds import Build
from tests.support.project import Ended, Project

ENTRY = 'one = { version = "3.13.5", build = "20261101" }'
WINDOWS_ONLY = 'targets = ["windows-x86_64"]'
BUILD_PATH = re.compile(r"(?:(?<![\w./@)}~+:-])|(?<=-[LI]))/(install|tools/deps)(?![\w+-])")
HERE = detect_host().target.short
HERE_AND_AWAY = f'targets = ["{HERE}", "linux-aarch64", "macos-aarch64", "windows-x86_64"]'

pytestmark = pytest.mark.skipif(HERE == "linux-aarch64", reason="what is foreign here is this machine there")


@pytest.fixture
def everywhere(offer: Offer, tmp_path: Path) -> Project:
    """A project with one entry, locked for this machine and three others."""
    folder = tmp_path / "builds"
    builds = [trees.macos(folder), trees.windows(folder), trees.linux_arm(folder), trees.running(folder, HERE)]
    project = offer(builds, ENTRY, settings=HERE_AND_AWAY)
    project.run("lock")
    return project


def installed(ended: Ended) -> dict[str, dict[str, object]]:
    """What a sync with ``--json`` installed, by the triple in the key."""
    rows = ended.document()["installed"]
    return {row["key"].partition("+20261101-")[2].partition("-install_only")[0]: row for row in rows}


def tree(project: Project, triple: str) -> Path:
    (found,) = (project.home / "store").glob(f"*-{triple}-*")
    return found


def texts(root: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink() and b"\0" not in (content := path.read_bytes()):
            yield path.relative_to(root).as_posix(), content.decode("utf-8", "replace")


def test_a_mac_tree_is_installed_here_with_the_full_recipe(everywhere: Project) -> None:
    everywhere.run("sync", "--target", "aarch64-apple-darwin")
    made = tree(everywhere, "aarch64-apple-darwin")
    assert (made / "bin" / "python").readlink() == Path("python3.13")
    assert (made / "lib/python3.13/EXTERNALLY-MANAGED").is_file()
    assert not [path for path, text in texts(made) if BUILD_PATH.search(text)]
    assert (made / "bin/python3.13-config").read_text().startswith("#!/bin/sh\n'''exec'")
    variables = (made / "lib/python3.13/_sysconfigdata__unix.py").read_text()
    assert '"LIBDIR": "@PREFIX@/lib"' in variables.replace("'", '"')
    ast.parse(variables)


def test_a_windows_tree_keeps_its_layout_without_stale_bytecode(everywhere: Project) -> None:
    everywhere.run("sync", "--target", "windows-x86_64")
    made = tree(everywhere, "x86_64-pc-windows-msvc")
    files = {path.relative_to(made).as_posix() for path in made.rglob("*") if not path.is_dir()}
    assert files == {*trees.WINDOWS, "Lib/EXTERNALLY-MANAGED"} - {"Lib/__pycache__/os.cpython-313.pyc"}
    assert not (made / "bin").exists()


def test_a_free_threaded_windows_tree_has_both_names_of_its_interpreter(offer: Offer, tmp_path: Path) -> None:
    free = trees.windows(tmp_path / "builds", options="freethreaded")
    project = offer([free], 'free = { version = "3.13.5t", build = "20261101" }', settings=WINDOWS_ONLY)
    project.run("sync", "--target", "windows-x86_64")
    made = tree(project, "x86_64-pc-windows-msvc")
    assert "-freethreaded-" in made.name
    assert (made / "python.exe").read_bytes() == (made / "python3.13t.exe").read_bytes()


def test_the_start_up_check_is_skipped_and_the_receipt_records_it(everywhere: Project) -> None:
    ended = everywhere.run("sync", "--target", "all", "--json")
    found = installed(ended)
    assert {triple: row["probed"] for triple, row in found.items()} == {
        str(detect_host().target): "ok",
        "aarch64-apple-darwin": "skipped: this machine cannot run macos-aarch64",
        "aarch64-unknown-linux-gnu": "skipped: this machine cannot run linux-aarch64",
        "x86_64-pc-windows-msvc": "skipped: this machine cannot run windows-x86_64",
    }
    for row in found.values():
        receipt = json.loads((everywhere.home / "receipts" / f"{row['key']}.json").read_text())
        assert receipt["probed"] == row["probed"]


def test_names_that_collide_on_a_mac_are_left_out_with_a_note(everywhere: Project) -> None:
    said = everywhere.run("sync", "--target", "macos-aarch64").err
    (note,) = (line for line in said.splitlines() if line.startswith("note:"))
    assert "terminal descriptions left out" in note
    assert "only in case from others: 2; the first is 'share/terminfo/2/2621a'" in note
    made = tree(everywhere, "aarch64-apple-darwin")
    names = [path.relative_to(made).as_posix() for path in made.rglob("*")]
    assert len({name.lower() for name in names}) == len(names)
    assert {"share/terminfo/x/xterm", "share/terminfo/N/ncr260vt"} <= {*names}
    assert (made / "share/terminfo/N/ncr260vt").read_bytes() == b"\x1a\x01ncr"


def test_on_linux_no_name_is_left_out(everywhere: Project) -> None:
    assert "note:" not in everywhere.run("sync", "--target", "linux-aarch64").err
    made = tree(everywhere, "aarch64-unknown-linux-gnu")
    assert {path.name for path in (made / "share/terminfo/2").iterdir()} == {"2621A", "2621a"}


def test_keys_follow_from_the_lock_and_are_the_same_under_any_home(everywhere: Project, tmp_path: Path) -> None:
    planned = everywhere.run("plan", "--target", "all", "--json").document()
    here = installed(everywhere.run("sync", "--target", "all", "--json"))
    there = installed(everywhere.run("sync", "--target", "all", "--home", tmp_path / "an image" / "opt", "--json"))
    assert here == there
    assert {row["key"] for row in here.values()} == {action["key"] for action in planned["actions"]}
    same = subprocess.run(
        ["diff", "-r", "--no-dereference", everywhere.home / "store", tmp_path / "an image" / "opt" / "store"],
        capture_output=True,
        check=False,
    )
    assert (same.returncode, same.stdout) == (0, b"")


def test_links_of_this_machine_are_unchanged(everywhere: Project) -> None:
    everywhere.run("sync", "--target", "windows-x86_64")
    assert not os.path.lexists(everywhere.directory / ".pythons/one")
    everywhere.run("sync")
    link = everywhere.directory / ".pythons" / "one"
    before = link.readlink()
    everywhere.run("sync", "--target", "all")
    assert link.readlink() == before
    assert str(detect_host().target) in before.name
    assert everywhere.run("plan", "--exit-code").code == 0


def test_a_second_run_has_nothing_to_do(everywhere: Project, offer: Offer) -> None:
    everywhere.run("sync", "--target", "all")
    asked = len(offer.server.requests)
    assert "up to date" in everywhere.run("sync", "--target", "all").err
    assert everywhere.run("plan", "--target", "all", "--exit-code").code == 0
    assert len(offer.server.requests) == asked


def test_verify_finds_and_repairs_a_changed_foreign_tree(everywhere: Project) -> None:
    everywhere.run("sync", "--target", "all")
    everywhere.run("verify", "--store")
    dll = tree(everywhere, "x86_64-pc-windows-msvc") / "python313.dll"
    dll.write_bytes(b"MZ\x90\x01")
    assert "python313.dll" in everywhere.run("verify", "--store", expect=5).out
    everywhere.run("verify", "--store", "--repair", "--offline")
    assert dll.read_bytes() == trees.PE
    everywhere.run("verify", "--store")


def test_prune_keeps_trees_locked_for_other_machines(everywhere: Project) -> None:
    everywhere.run("sync", "--target", "all")
    trees_before = sorted((everywhere.home / "store").iterdir())
    everywhere.run("prune")
    everywhere.run("sync", "--prune")
    assert sorted((everywhere.home / "store").iterdir()) == trees_before
    everywhere.write(everywhere.manifest.read_text().replace(', "windows-x86_64"', ""))
    everywhere.run("sync", "--prune")
    assert [path for path in trees_before if not path.exists()] == [
        path for path in trees_before if "windows" in path.name
    ]


def test_the_error_of_a_target_that_is_not_locked_lists_the_locked_ones(everywhere: Project, offer: Offer) -> None:
    ended = everywhere.run("sync", "--target", "windows-aarch64", expect=4)
    assert "entry 'one' is not locked for windows-aarch64, only for " in ended.err
    assert "macos-aarch64" in ended.err
    assert offer.archives() == []


def test_an_archive_without_an_interpreter_is_also_refused_for_a_foreign_target(offer: Offer, tmp_path: Path) -> None:
    files = {path: content for path, content in trees.WINDOWS.items() if path != "python.exe"}
    project = offer([trees.build(tmp_path / "builds", "windows-x86_64", files)], ENTRY, settings=WINDOWS_ONLY)
    said = project.run("sync", "--target", "windows-x86_64", expect=5).err
    assert "has no interpreter: its archive contains no python.exe" in said
    assert not any((project.home / "store").glob("*"))


def test_bytecode_is_not_compiled_if_the_interpreter_cannot_run_here(everywhere: Project) -> None:
    everywhere.write(everywhere.manifest.read_text().replace("build =", 'bytecode = "unchecked-hash", build ='))
    everywhere.run("lock")
    said = everywhere.run("sync", "--target", "windows-x86_64").err
    assert f"note: {tree(everywhere, 'x86_64-pc-windows-msvc').name}: its standard library was not compiled" in said
    assert "this machine cannot run windows-x86_64" in said
    assert not list(tree(everywhere, "x86_64-pc-windows-msvc").rglob("*.pyc"))
    everywhere.run("verify", "--store")


def levels(offer: Offer, folder: Path) -> Project:
    """A project with an entry that is locked at all x86-64 levels."""
    builds: list[Build] = [trees.running(folder, cpu=cpu) for cpu in CPU_LEVELS]
    entry = 'fast = { version = "3.13.5", build = "20261101", cpu = "auto" }'
    return offer(builds, entry, settings='targets = ["linux-x86_64"]')


@pytest.mark.parametrize(("asked", "level"), [((), ""), (("--cpu", "v2"), "_v2"), (("--cpu", "v4"), "_v4")])
def test_the_cpu_option_sets_the_level_of_other_machines(
    offer: Offer, tmp_path: Path, asked: tuple[str, ...], level: str
) -> None:
    project = levels(offer, tmp_path / "builds")
    project.run("sync", "--target", "linux-x86_64", *asked)
    (made,) = (project.home / "store").iterdir()
    assert f"-x86_64{level}-unknown" in made.name


def test_a_level_above_that_of_this_machine_is_installed_for_others_without_a_check(
    offer: Offer, tmp_path: Path
) -> None:
    project = levels(offer, tmp_path / "builds")
    ended = project.run("sync", "--target", "linux-x86_64", "--cpu", "v4", "--json", PROVISION_CPU="v2")
    (row,) = ended.document()["installed"]
    if HERE == "linux-x86_64":
        assert row["probed"] == "skipped: requires CPU level v4, this machine's is lower"
    assert "_v4-" in row["key"]


def test_cpu_without_a_target_is_a_usage_error(everywhere: Project) -> None:
    assert "`--cpu` requires `--target`" in everywhere.run("sync", "--cpu", "v3", expect=2).err


def test_a_level_below_all_locked_ones_is_refused(offer: Offer, tmp_path: Path) -> None:
    project = offer(
        [trees.running(tmp_path / "builds", cpu="v3")],
        'fast = { version = "3.13.5", build = "20261101", cpu = "v3" }',
        settings='targets = ["linux-x86_64"]',
    )
    ended = project.run("sync", "--target", "linux-x86_64", "--cpu", "v2", expect=4)
    assert "entry 'fast' for linux-x86_64 requires CPU level v3; `--cpu` is v2" in ended.err
    assert offer.archives() == []
