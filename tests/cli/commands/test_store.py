"""`verify`, `prune` and `cache` on the command line: what they print, and their exit codes."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.builds import Build, write_catalog
from tests.support.project import Project
from tests.support.small import small_build

INTEGRITY = 5


@pytest.fixture
def synced(project: Project) -> Project:
    project.run("sync")
    return project


def verified(project: Project, *options: str, expect: int = 0) -> dict[str, Any]:
    """What `verify` prints of the one tree."""
    document = project.run("verify", *options, "--json", expect=expect).document()
    assert document["sound"] is (expect == 0)
    tree: dict[str, Any]
    (tree,) = document["trees"]
    return tree


def test_verify_names_the_files_that_differ_until_it_repairs_them(synced: Project) -> None:
    tree = verified(synced)
    assert (tree["names"], tree["differences"], tree["repaired"]) == (["one"], [], False)

    changed = synced.home / "store" / tree["key"] / "share" / "empty"
    changed.write_text("no longer")
    assert verified(synced, expect=INTEGRITY)["differences"] == [{"path": "share/empty", "kind": "changed"}]
    assert "share/empty" in synced.run("verify", expect=INTEGRITY).out

    assert verified(synced, "--repair")["repaired"] is True
    assert verified(synced)["differences"] == []
    assert changed.read_bytes() == b""


def test_verify_reports_files_that_were_not_compared(synced: Project) -> None:
    tree = synced.home / "store" / verified(synced)["key"]
    path = "lib/python3.13/__pycache__/os.cpython-313.pyc"
    (tree / path).parent.mkdir()
    (tree / path).touch()
    assert verified(synced)["unchecked"] == [path]
    assert "note: 1 file of cached bytecode not compared with its source" in synced.run("verify").err
    assert verified(synced, "--repair")["repaired"] is True
    assert not (tree / path).exists()


def test_repair_reports_all_trees_that_cannot_be_repaired_together(tmp_path: Path) -> None:
    """Four entries: intact, damaged and cached, damaged without its archive, and never installed."""
    small = [small_build(tmp_path / "builds", number) for number in range(1, 5)]
    catalog = write_catalog(tmp_path, small)
    project = Project(tmp_path / "project")
    names = ("intact", "cached", "own", "later")
    entries = "".join(f"{name} = {build.entry}\n" for name, build in zip(names, small, strict=True))
    project.write(f'[settings]\ncatalogs = ["{catalog}"]\n\n[pythons]\n{entries}')
    project.run("sync", *names[:3])
    trees = {name: Path(project.run("which", name, "--store").out.strip()).parent.parent for name in names[:3]}
    for name in ("own", "cached"):
        (trees[name] / "share/empty").write_text("no longer")
    (project.cache / "archives/sha256" / small[2].sha256).unlink()
    served = tmp_path / small[2].archive.name
    served.rename(tmp_path / "away")

    ended = project.run("verify", expect=INTEGRITY)
    assert "2 of 4 trees changed; run `provision verify --repair cached own`\n" in ended.err
    assert "1 of 4 trees not installed; run `provision sync`\n" in ended.err
    ended = project.run("verify", "--repair", expect=6)
    states = [line.split("  ")[:2] for line in ended.out.splitlines() if not line.startswith(" ")]
    assert states == [["repaired", "cached"], ["ok", "intact"], ["not installed", "later"], ["differs", "own"]]
    assert "1 of 4 trees not repaired" in ended.err
    assert ended.err.count("error: ") == 1
    assert f"{tmp_path.as_uri()}/: no such file or directory" in ended.err
    document = project.run("verify", "--repair", "--json", expect=6).document()
    assert [tree["sound"] for tree in document["trees"]].count(True) == 2
    assert [each["kind"] for each in document["error"]["errors"]] == ["network"]
    (tmp_path / "away").rename(served)
    ended = project.run("verify", "--repair", "own")
    assert ended.err.endswith("1 tree unchanged, 1 of them repaired\n")
    ended = project.run("verify", expect=1)
    assert ended.err == "1 of 4 trees not installed; run `provision sync`\n"
    assert project.run("verify", "--store").err == "3 trees unchanged\n"


def test_the_reason_why_bytecode_was_not_compared_is_named(synced: Project) -> None:
    tree = synced.home / "store" / verified(synced)["key"]
    (tree / "lib/python3.13/__pycache__").mkdir()
    for suffix in ("pyc", "opt-1.pyc"):
        (tree / f"lib/python3.13/__pycache__/os.cpython-313.{suffix}").touch()
    said = synced.run("verify").err
    assert "note: 2 files of cached bytecode not compared with their sources: the interpreter exited before" in said
    assert "`provision verify --repair` removes them" in said
    assert verified(synced)["unchecked-reason"] == "the interpreter exited before it compared any file"


@pytest.mark.slow
def test_planted_bytecode_is_found_and_removed_but_genuine_bytecode_is_kept(
    tmp_path: Path, builds: tuple[Build, ...]
) -> None:
    (tmp_path / "served").mkdir()
    catalog = write_catalog(tmp_path / "served", builds[:1])
    project = Project(tmp_path / "project")
    project.write(f'[settings]\ncatalogs = ["{catalog}"]\n\n[pythons]\none = {builds[0].entry}\n')
    project.run("sync")
    python = Path(project.run("which", "one", "--store").out.strip())
    subprocess.run([python, "-c", "import json, http.client, unittest"], env={}, check=True)
    assert verified(project)["differences"] == []
    (path,) = python.parent.parent.glob("lib/*/json/__pycache__/__init__.*.pyc")
    source = path.parent.parent / "__init__.py"
    write = "sys.stdout.buffer.write(marshal.dumps(compile('print(666)', sys.argv[1], 'exec')))"
    evil = subprocess.run(
        [python, "-c", f"import marshal, sys; {write}", source], check=True, capture_output=True
    ).stdout
    path.write_bytes(path.read_bytes()[:16] + evil)
    run = [str(python), "-B", "-c", "import json"]
    assert subprocess.run(run, check=True, capture_output=True).stdout == b"666\n", "it runs in place of the source"
    name = path.relative_to(python.parent.parent).as_posix()
    assert verified(project, expect=INTEGRITY)["differences"] == [{"path": name, "kind": "bytecode"}]
    assert f"bytecode  {name}" in project.run("verify", "--store", expect=INTEGRITY).out
    project.run("cache", "clean")
    project.run("verify", "--repair", PROVISION_OFFLINE="1")
    assert subprocess.run(run, check=True, capture_output=True).stdout == b""
    assert verified(project)["differences"] == []


def test_verify_accepts_names_or_the_whole_store(synced: Project) -> None:
    assert verified(synced, "--store")["names"] == []
    assert "--store" in synced.run("verify", "--store", "one", expect=2).err


def test_prune_removes_trees_of_forgotten_projects(synced: Project, tmp_path: Path) -> None:
    key = verified(synced)["key"]
    assert synced.run("prune", "--json").document()["removed"] == []
    synced.directory.rename(tmp_path / "elsewhere")
    other = Project(tmp_path / "other", home=synced.home, cache=synced.cache)

    forget = ("--forget", str(synced.directory))
    assert other.run("prune", "--dry-run").out == ""
    assert other.run("prune", "--dry-run", *forget).out == f"{key}\n"
    assert (synced.home / "store" / key).is_dir()
    document = other.run("prune", *forget, "--json").document()
    assert (document["removed"], document["dry-run"], document["kept"]) == ([key], False, [])
    assert document["freed-bytes"] > 0
    assert not (synced.home / "store" / key).exists()


def test_roots_shows_the_projects_that_use_each_tree(synced: Project) -> None:
    key = verified(synced)["key"]
    size = synced.run("roots", "--json").document()["trees"][0]["size-bytes"]
    need = {"kind": "manifest", "path": str(synced.manifest), "state": "present", "until": None}
    tree = {"key": key, "size-bytes": size, "needed-by": [need]}
    assert synced.run("roots", "--json").document() == {"version": 1, "trees": [tree], "damaged-roots": []}
    assert synced.run("prune", "--json").document()["kept"] == [tree]
    shown = synced.run("roots")
    assert shown.out == f"{key}  {size} B\n  {synced.manifest}\n"
    assert shown.err == "1 tree, 0 not used\n"
    shutil.rmtree(synced.home / "roots")
    shown = synced.run("roots")
    assert shown.out == f"{key}  {size} B\n  not used\n"
    assert shown.err == "1 tree, 1 not used\n"
    (synced.home / "receipts" / f"{key}.json").unlink()
    assert synced.run("roots").out == f"{key}  incomplete\n  not used\n"


def test_the_cache_can_be_located_measured_and_cleaned(synced: Project, build: Build) -> None:
    assert synced.run("cache", "dir").out == f"{synced.cache}\n"
    size = build.archive.stat().st_size
    assert synced.run("cache", "size", "--json").document()["archives-bytes"] == size
    assert synced.run("cache", "clean", "--unused", "--json").document()["freed-bytes"] == 0
    assert synced.run("cache", "clean", "--json").document()["freed-bytes"] == size
    assert synced.run("cache", "size", "--json").document()["archives-bytes"] == 0
